import Contracts
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// What was written since a given moment, whatever its own dates.
@Suite struct SinceTests {
    @Test("The watchlist since a moment is what a click or a batch wrote later, however old its dates are")
    func watchlist() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            func put(_ title: Int, dated seconds: Int, by writer: LedgerWriter) async throws {
                let wish = ShelfItem(
                    title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.at(seconds),
                    details: WatchlistDetails())
                #expect(try await fixture.shelves.put([wish], by: writer, until: deadline) == [.created])
            }
            // Sent at 0, in a batch that ends at 50.
            let batch = try await fixture.newBatch()
            try await put(1, dated: -1_000_000, by: fixture.file(batch))
            try await fixture.batches.advance(
                batch, of: fixture.user, to: .applied, at: LedgerFixture.at(50), until: deadline)
            try await put(2, dated: -2_000_000, by: fixture.hand(at: 20))
            try await put(3, dated: 0, by: fixture.hand(at: 0))
            func titles(since seconds: Int?) async throws -> [TitleID] {
                try await fixture.shelves.wishes(
                    of: fixture.user, .planToWatch, since: seconds.map { LedgerFixture.at($0) }, after: .newest,
                    kinds: nil, limit: 10, until: deadline
                ).map(\.item.title)
            }
            #expect(try await titles(since: nil) == [3, 1, 2].map { LedgerFixture.title($0) })
            #expect(try await titles(since: 10) == [1, 2].map { LedgerFixture.title($0) })
            #expect(try await titles(since: 30) == [LedgerFixture.title(1)])
            #expect(try await titles(since: 50).isEmpty)
        }
    }

    @Test("The diary since a moment is what batches wrote that ended later: plays, and what stands beside others")
    func diary() async throws {
        try await LedgerFixture.with { fixture in
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let database = Database(pool: fixture.pool)
            // When the fixture's plays arrive, in seconds after its start.
            let arrival = 1_000_000
            func end(_ batch: BatchID, at seconds: Int) async throws {
                try await fixture.batches.advance(
                    batch, of: user, to: .applied, at: LedgerFixture.at(arrival + seconds), until: deadline)
            }
            func plays(since seconds: Int) async throws -> Set<PlayID> {
                let entries = try await ScrobbleStore(database: database).diary(
                    of: user, in: "UTC", since: LedgerFixture.at(arrival + seconds), after: .oldest, limit: 10,
                    until: deadline)
                return Set(entries.map(\.play))
            }
            let made = try await fixture.newBatch()
            let told = try await fixture.add(
                [fixture.play(1, at: 0, from: "letterboxd", key: "1", day: true)], made
            ).map(\.play)
            let clicked = try await fixture.add(
                [fixture.play(2, at: 0, from: "manual", key: "2")], nil, byHand: true
            ).map(\.play)
            #expect(try await plays(since: 10).isEmpty)
            try await end(made, at: 50)
            #expect(try await plays(since: 10) == Set(told))
            #expect(try await plays(since: 50).isEmpty)
            // A file sent long ago adds a note to the other play.
            let beside = try await fixture.newBatch()
            var note = ImportPlan.Note()
            note.review = "Fine."
            try await ImportStore(database: database).putNotes(
                [(play: clicked[0], note: note)], of: user, from: "letterboxd", in: beside, at: LedgerFixture.start,
                until: deadline)
            try await end(beside, at: 80)
            #expect(try await plays(since: 10) == Set(told + clicked))
            #expect(try await plays(since: 60) == Set(clicked))
            #expect(try await plays(since: 80).isEmpty)
        }
    }
}
