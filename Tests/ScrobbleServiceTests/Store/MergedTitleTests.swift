import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Titles that turn out to be one, in a real Postgres.
@Suite struct MergedTitleTests {
    private static func move(_ number: Int, _ old: Int, _ new: Int) -> TitleRedirect {
        TitleRedirect(
            number: number, old: LedgerFixture.title(old), new: LedgerFixture.title(new),
            mergedAt: LedgerFixture.start)
    }

    private static func apply(_ moves: [TitleRedirect], _ fixture: LedgerFixture) async throws {
        let refs = TitleRefStore(database: Database(pool: fixture.pool))
        for step in TitleMoves.steps(moves) { try await refs.apply(step, until: LedgerFixture.deadline()) }
    }

    @Test(
        "Everything of a merged title is under the one that stays; plays meet by the rules, shelves keep the last word")
    func meeting() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            // The same evening told under both ids, and one that only the old one has.
            let plays = try await fixture.add(
                [
                    fixture.play(1, at: 0, from: "trakt", key: "a"), fixture.play(2, at: 60, from: "plex", key: "b"),
                    fixture.play(1, at: 900_000, from: "trakt", key: "c"),
                ], nil)
            func wish(_ title: Int, _ note: String) -> ShelfItem<WatchlistDetails> {
                ShelfItem(
                    title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.start,
                    details: WatchlistDetails(note: note))
            }
            _ = try await fixture.shelves.put([wish(1, "old")], by: fixture.hand(at: 5), until: deadline)
            _ = try await fixture.shelves.put([wish(2, "new")], by: fixture.hand(at: 9), until: deadline)
            _ = try await fixture.shelves.put([wish(3, "alone")], by: fixture.hand(at: 5), until: deadline)
            let like = ShelfItem(
                title: LedgerFixture.title(1), kind: .movie, at: LedgerFixture.start, details: LikeDetails())
            _ = try await fixture.shelves.put([like], by: fixture.hand(), until: deadline)

            for _ in 0..<2 {
                try await Self.apply([Self.move(1, 1, 2), Self.move(2, 3, 4), Self.move(3, 4, 5)], fixture)
                let store = ScrobbleStore(database: Database(pool: fixture.pool))
                let history = try await store.plays(of: fixture.user, after: .newest, limit: 9, until: deadline)
                #expect(history.map(\.play.title) == [LedgerFixture.title(2), LedgerFixture.title(2)])
                #expect(Set(history.map(\.play.id)).contains(plays[2].play))
                let roads = try await fixture.everything().filter { $0.hasPrefix("road") }
                #expect(roads.count == 3)
                let wishes = try await fixture.shelves.page(
                    of: fixture.user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 9, until: deadline)
                #expect(
                    Set(wishes.map { "\($0.item.title.uuid.low) \($0.item.details.note ?? "")" }) == [
                        "2 new", "5 alone",
                    ])
                let likes = try await fixture.shelves.page(
                    of: fixture.user, as: LikeDetails.self, after: .newest, kinds: nil, limit: 9, until: deadline)
                #expect(likes.map(\.item.title) == [LedgerFixture.title(2)])
            }
            // The same file again is known, under whichever id.
            let again = try await fixture.add([fixture.play(2, at: 0, from: "trakt", key: "a")], nil)
            #expect(again.map(\.isNew) == [false])
        }
    }

    @Test("A batch is taken back though its titles were merged meanwhile")
    func undoing() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let batch = try await fixture.newBatch()
            let items = (1...3).map {
                ShelfItem(
                    title: LedgerFixture.title($0), kind: .movie, at: LedgerFixture.start,
                    details: WatchlistDetails(note: nil))
            }
            _ = try await fixture.shelves.put(items, by: fixture.file(batch), until: deadline)
            _ = try await fixture.add([fixture.play(1, at: 0, from: "letterboxd", key: "a")], batch)
            try await Self.apply([Self.move(1, 1, 7)], fixture)
            #expect(try await fixture.undo(batch) == UndoCounts(restored: 4, kept: 0))
            #expect(try await fixture.everything().isEmpty)
        }
    }

    @Test("Merges are applied in portions in which no title goes and stays, in the order in which they came")
    func portions() {
        let moves = [
            Self.move(1, 1, 2), Self.move(2, 3, 4), Self.move(3, 2, 5), Self.move(4, 6, 5), Self.move(5, 7, 8),
        ]
        #expect(TitleMoves.steps(moves).map { $0.map(\.number) } == [[1, 2], [3], [4, 5]])
        #expect(TitleMoves.steps([Self.move(1, 1, 1)]).isEmpty)
    }
}
