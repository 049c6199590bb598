import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// A person's lists in a real Postgres.
@Suite struct ListStoreTests {
    private static func list(_ name: String, key: String? = nil) -> NewList {
        NewList(
            name: name, description: "All of them.", isRanked: true, createdAt: LedgerFixture.start, sourceKey: key)
    }

    private static func item(_ title: Int, rank: Int? = nil) -> ShelfItem<ListItemDetails> {
        ShelfItem(
            title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.start,
            details: ListItemDetails(note: nil, rank: rank))
    }

    private static func order(_ fixture: LedgerFixture, _ list: ListID) async throws -> [TitleID] {
        let none = TitleID(UUIDBits(high: 0, low: 0))
        return try await fixture.lists.items(
            of: list, fixture.user, after: (0, none), limit: 100, until: LedgerFixture.deadline()
        ).map(\.item.title)
    }

    @Test("A list of a file comes once, keeps its order, and stays away once it was removed")
    func files() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let lists = [Self.list("Noir", key: "noir"), Self.list("Sea", key: "sea"), Self.list("Sea", key: "sea")]
            let first = try #require(try await fixture.lists.put(lists, by: fixture.file(), until: deadline))
            #expect(first.map(\.outcome) == [.created, .created, .repeated])
            let again = try #require(try await fixture.lists.put(lists, by: fixture.file(), until: deadline))
            #expect(again.map(\.outcome) == [.same, .same, .repeated])
            #expect(again.map(\.id) == first.map(\.id))
            let noir = first[0].id
            let items = [Self.item(3, rank: 1), Self.item(1, rank: 2), Self.item(2, rank: 3)]
            #expect(
                try await fixture.lists.put(items, on: noir, by: fixture.file(), until: deadline)
                    == .done([.created, .created, .created]))
            #expect(try await Self.order(fixture, noir) == [3, 1, 2].map(LedgerFixture.title))
            // Added at the end; existing items keep their place.
            #expect(
                try await fixture.lists.put(
                    [Self.item(1), Self.item(9)], on: noir, by: fixture.hand(), until: deadline)
                    == .done([.same, .created]))
            #expect(
                try await fixture.lists.move(
                    [9, 2].map(LedgerFixture.title), before: LedgerFixture.title(3), on: noir, of: fixture.user,
                    at: LedgerFixture.start, until: deadline))
            #expect(try await Self.order(fixture, noir) == [9, 2, 3, 1].map(LedgerFixture.title))
            #expect(
                try await fixture.lists.remove(
                    [LedgerFixture.title(2)], from: noir, at: LedgerFixture.at(5), by: fixture.hand(at: 5),
                    until: deadline) == .done([.removed]))
            #expect(
                try await fixture.lists.put([Self.item(2)], on: noir, by: fixture.file(), until: deadline)
                    == .done([.removedByYou]))
            let stored = try await fixture.lists.list(noir, of: fixture.user, until: deadline)
            #expect(stored?.itemCount == 3)
            #expect(try await fixture.lists.remove([noir], by: fixture.hand(), until: deadline) == [noir])
            let third = try #require(try await fixture.lists.put(lists, by: fixture.file(), until: deadline))
            #expect(third.map(\.outcome) == [.removedByYou, .same, .repeated])
            #expect(
                try await fixture.lists.put([Self.item(5)], on: noir, by: fixture.hand(), until: deadline)
                    == .noSuchList)
        }
    }

    @Test("Another person's list is no list")
    func strangers() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let mine = try #require(
                try await fixture.lists.put([Self.list("Mine")], by: fixture.hand(), until: deadline)?.first?.id)
            let stranger = UserID(LedgerFixture.ids.next())
            let writer = LedgerWriter.person(stranger, at: LedgerFixture.start)
            #expect(
                try await fixture.lists.put([Self.item(1)], on: mine, by: writer, until: deadline) == .noSuchList)
            #expect(try await fixture.lists.remove([mine], by: writer, until: deadline).isEmpty)
            #expect(try await fixture.lists.list(mine, of: stranger, until: deadline) == nil)
        }
    }

    @Test("Of twenty who change a list that they all have seen one does; what was put on it since counts too")
    func expectations() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let made = try await fixture.lists.make(
                Self.list("Sea", key: "sea"), by: fixture.hand(), until: deadline)
            guard case .made(let list) = made else { return #expect(Bool(false), "\(made)") }
            let outcomes = try await withThrowingTaskGroup(of: ListStore.Edited.self) { group in
                for number in 1...20 {
                    group.addTask {
                        try await fixture.lists.edit(
                            list.id, of: fixture.user, name: "Sea \(number)", description: nil, isRanked: nil,
                            expected: list.contract, at: LedgerFixture.at(number), until: deadline)
                    }
                }
                return try await group.reduce(into: [ListStore.Edited]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .unexpected } == 19)
            let found = try await fixture.lists.list(list.id, of: fixture.user, until: deadline)
            let stored = try #require(found)
            #expect(outcomes.contains(.edited(stored)))
            _ = try await fixture.lists.put([Self.item(1)], on: list.id, by: fixture.hand(at: 30), until: deadline)
            func edit(_ list: ListID, seeing expected: TitleList?) async throws -> ListStore.Edited {
                try await fixture.lists.edit(
                    list, of: fixture.user, name: "Mills", description: nil, isRanked: nil, expected: expected,
                    at: LedgerFixture.at(40), until: deadline)
            }
            #expect(try await edit(list.id, seeing: stored.contract) == .unexpected)
            let nobody = ListID(LedgerFixture.ids.next())
            #expect(try await edit(nobody, seeing: stored.contract) == .noSuchList)
            #expect(try await edit(nobody, seeing: nil) == .noSuchList)
            guard case .edited(let last) = try await edit(list.id, seeing: nil) else {
                return #expect(Bool(false), "nobody expects anything")
            }
            #expect(last.name == "Mills" && last.itemCount == 1)
        }
    }
}
