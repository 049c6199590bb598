import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Watchlist, collection, likes and progress in a real Postgres.
@Suite struct ShelfStoreTests {
    private typealias Wish = ShelfItem<WatchlistDetails>

    private static func wish(_ title: Int, at seconds: Int = 0, _ note: String? = nil) -> Wish {
        Wish(
            title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.at(seconds),
            details: WatchlistDetails(note: note))
    }

    @Test("What a person removed stays removed when the same file comes again; a click or a newer entry brings it back")
    func removedStaysRemoved() async throws {
        try await LedgerFixture.with { fixture in
            let (shelves, deadline) = (fixture.shelves, LedgerFixture.deadline())
            let file = (0..<3).map { Self.wish($0) }
            func put(_ items: [Wish], _ writer: LedgerWriter) async throws -> [LedgerOutcome] {
                try await shelves.put(items, by: writer, until: deadline)
            }
            #expect(try await put(file, fixture.file()) == [.created, .created, .created])
            let gone = [LedgerFixture.title(1), LedgerFixture.title(7)]
            #expect(
                try await shelves.remove(
                    gone, as: WatchlistDetails.self, at: LedgerFixture.at(10), by: fixture.hand(at: 10),
                    until: deadline) == [.removed, .absent])
            #expect(try await put(file, fixture.file()) == [.same, .removedByYou, .same])
            #expect(
                try await shelves.judge(file, by: fixture.file(), until: deadline) == [.same, .removedByYou, .same])
            let page = try await shelves.page(
                of: fixture.user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 10, until: deadline)
            #expect(Set(page.map(\.item.title)) == [LedgerFixture.title(0), LedgerFixture.title(2)])
            #expect(try await put([Self.wish(1, at: 11)], fixture.file()) == [.created])
            _ = try await shelves.remove(
                [LedgerFixture.title(1)], as: WatchlistDetails.self, at: LedgerFixture.at(20),
                by: fixture.hand(at: 20), until: deadline)
            #expect(try await put([Self.wish(1)], fixture.hand(at: 21)) == [.created])
        }
    }

    @Test("Every shelf keeps what it is told, and pages through it in order without a gap or a double")
    func shelves() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let uhd = CollectionDetails(
                mediaType: "bluray", resolution: "uhd_4k", hdr: "dolby_vision", audio: "dolby_atmos",
                audioChannels: "7.1", is3D: false)
            // Many items with the same date: the title decides the order.
            let owned = (0..<1_000).map { number in
                ShelfItem(
                    title: LedgerFixture.title(number), kind: number % 2 == 0 ? TitleKind.movie : .episode,
                    at: LedgerFixture.at(number / 100), details: uhd)
            }
            let outcomes = try await fixture.shelves.put(owned, by: fixture.file(), until: deadline)
            #expect(outcomes.allSatisfy { $0 == .created })
            var place = ShelfCursor.newest
            var seen: [TitleID] = []
            while true {
                let page = try await fixture.shelves.page(
                    of: fixture.user, as: CollectionDetails.self, after: place, kinds: [.movie], limit: 77,
                    until: deadline)
                guard let last = page.last else { break }
                #expect(page.allSatisfy { $0.item.details == uhd && $0.item.kind == .movie })
                seen += page.map(\.item.title)
                place = try #require(ShelfCursor(ShelfCursor(at: last.item.at, title: last.item.title).text))
            }
            #expect(seen.count == 500)
            #expect(Set(seen).count == 500)

            let half = ShelfItem(
                title: LedgerFixture.title(1), kind: .movie, at: LedgerFixture.at(5),
                details: ProgressDetails(percent: 50))
            let later = ShelfItem(
                title: LedgerFixture.title(1), kind: .movie, at: LedgerFixture.at(6),
                details: ProgressDetails(percent: 50))
            #expect(try await fixture.shelves.put([half], by: fixture.file(), until: deadline) == [.created])
            #expect(try await fixture.shelves.put([half], by: fixture.file(), until: deadline) == [.same])
            #expect(
                try await fixture.shelves.put([later, later], by: fixture.file(), until: deadline) == [
                    .repeated, .updated,
                ])
            #expect(try await fixture.shelves.put([half], by: fixture.file(), until: deadline) == [.older])
            let like = ShelfItem(
                title: LedgerFixture.title(2), kind: .movie, at: LedgerFixture.at(5), details: LikeDetails())
            #expect(
                try await fixture.shelves.put([like, like], by: fixture.plan(), until: deadline) == [
                    .repeated, .created,
                ])
        }
    }
}
