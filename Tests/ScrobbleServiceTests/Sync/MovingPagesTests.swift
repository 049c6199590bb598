import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Lists that change while their pages are read.
@Suite struct MovingPagesTests {
    private static let both = FacetPolicy(direction: .both)

    /// Runs with twenty plays that both sides have, two days apart; Trakt returns ten per page, newest first.
    private static func run(_ body: @escaping @Sendable (SyncTest) async throws -> Void) async throws {
        try await SyncTest.run { test in
            test.trakt.behaveQuickly { $0.pageMax = 10 }
            try await test.want([.history: Self.both])
            for number in 1...20 { try await test.there("sync/history", Self.play(number)) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            #expect(try await Self.here(test) == Array(1...20))
            try await body(test)
        }
    }

    /// Two days apart; `place` is its position among the others.
    private static func play(_ number: Int, at place: Int? = nil) -> String {
        let at = Timestamp("2024-01-01T20:00:00Z")?.advanced(by: .seconds((place ?? number) * 2 * 86_400))
        return #"{"movies":[{"ids":{"trakt":\#(number)},"watched_at":"\#(at?.description ?? "")"}]}"#
    }

    private static func json(_ text: String) throws -> JSONValue {
        try decodeJSON(JSONValue.self, from: Array(text.utf8))
    }

    private static func row(_ number: Int, _ test: SyncTest) throws -> Int {
        try #require(test.trakt.plays.first { $0.ids["trakt"].int == number }).id
    }

    /// Returns what was watched here, by Trakt number.
    private static func here(_ test: SyncTest) async throws -> [Int] {
        try await test.store.plays(of: test.user, until: QueueTest.deadline()).filter { !$0.isRemoved }
            .map { NeighbourBook.number($0.title) }.sorted()
    }

    /// Previously, the play in the middle, which moved from the second page to the first after that had been read, was
    /// taken for removed.
    @Test("One play goes and another one comes between two pages: the one that slips past is not taken for removed")
    func slipping() async throws {
        try await Self.run { test in
            let gone = try Self.row(20, test)
            test.trakt.between(
                "/sync/history/movies", page: 1,
                do: [
                    (path: ["sync", "history", "remove"], body: try Self.json(#"{"ids":[\#(gone)]}"#)),
                    // Older than all the others, so that it comes last.
                    (path: ["sync", "history"], body: try Self.json(Self.play(50, at: 0))),
                ])
            try await test.readEverything()
            let torn = try await test.sync()
            #expect(torn.changesThere == 0)
            #expect(try await Self.here(test).filter { $0 <= 19 } == Array(1...19))
            // The next sync finds what was really removed and added.
            try await test.sync()
            #expect(try await Self.here(test) == Array(1...19) + [50])
            #expect(test.trakt.plays.count == 20)
        }
    }

    @Test("What is gone for good is taken away by the run that finds it, after a second reading and no more")
    func gone() async throws {
        try await Self.run { test in
            try await test.there("sync/history/remove", #"{"ids":[\#(try Self.row(7, test))]}"#)
            try await test.readEverything()
            let before = test.lastCall
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 1)
            #expect(try await Self.here(test) == Array(1...6) + Array(8...20))
            let calls = test.calls(after: before)
            #expect(calls.count { $0 == "GET /sync/history/movies" } == 4, "two pages, twice")
            #expect(calls.count { $0 == "GET /sync/last_activities" } == 2)
            let idle = test.lastCall
            try await test.sync()
            #expect(test.calls(after: idle) == ["GET /sync/last_activities"])
        }
    }

    @Test("A row that comes on two pages says that the list has moved")
    func twice() async throws {
        try await Self.run { test in
            let gone = try Self.row(1, test)
            test.trakt.between(
                "/sync/history/movies", page: 1,
                do: [
                    (path: ["sync", "history", "remove"], body: try Self.json(#"{"ids":[\#(gone)]}"#)),
                    (path: ["sync", "history"], body: try Self.json(Self.play(60))),
                ])
            let reader = TraktReader(
                http: test.http, tokens: test.tokens, allowance: test.store, clock: SystemWallClock())
            let reading = try #require(
                try await reader.lists(.history, [.movie], from: nil, of: test.lane)[.movie])
            #expect(reading.tally.doubt == .moved)
            let again = try #require(
                try await reader.lists(.history, [.movie], from: nil, of: test.lane)[.movie])
            #expect(again.tally.doubt == nil && again.tally.isOfManyPages)
            // Joined with a list that moved, it proves nothing.
            #expect(reading.joined(with: again).tally.doubt == .moved)
            #expect(reading.joined(with: again).rows.count == 20)
        }
    }
}
