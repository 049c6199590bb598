import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Removals here are sent there as well, unless the person has switched removals of the history off.
@Suite struct ToldRemovalTests {
    private static func add(_ numbers: [Int], _ test: SyncTest, batch: BatchID? = nil) async throws -> [PlayID] {
        let at = try #require(Timestamp("2024-06-10T20:00:00Z"))
        let verdicts = try await test.ledger.add(
            LedgerStore.Arrival(
                user: test.user, timeZone: "UTC", batch: batch, at: SystemWallClock().now, isByHand: true,
                plays: numbers.map {
                    IncomingPlay(
                        title: NeighbourBook.title($0), kind: .movie, moment: .minute(at, day: at.date), percent: nil,
                        runtimeMinutes: nil, source: PlaySource(name: "person", key: "\($0)"))
                }, telling: true), until: QueueTest.deadline())
        try await test.deliver()
        return verdicts.map(\.play)
    }

    private static func there(_ test: SyncTest) -> [Int] {
        test.trakt.plays.compactMap { $0.ids["trakt"].int }.sorted()
    }

    @Test(
        "A click takes a play out there only where removals are on; a sync brings back nothing",
        arguments: [true, false])
    func click(deletes: Bool) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: .both, deletes: deletes)])
            let plays = try await Self.add([1, 2], test)
            #expect(Self.there(test) == [1, 2])
            _ = try await test.ledger.remove(
                [plays[0]], by: .person(test.user, at: SystemWallClock().now), telling: true,
                until: QueueTest.deadline())
            try await test.deliver()
            #expect(Self.there(test) == (deletes ? [2] : [1, 2]))
            try await test.letLagEnd()
            let run = try await test.sync()
            #expect(run.changesHere == 0 && run.changesThere == 0, "\(run)")
            let stored = try await test.store.plays(of: test.user, until: QueueTest.deadline())
            #expect(stored.filter { !$0.isRemoved }.map { NeighbourBook.number($0.title) } == [2])
        }
    }

    private static let urgencies = PGStatement(
        "tests.urgencies", "SELECT urgency::int FROM scrobble_queue WHERE user_id = $1 AND position >= 0"
    ) { row throws(PGError) in try row.next(Int.self) }

    /// Returns whether something waits, none of it ahead of what the person does.
    private static func isBulk(_ test: SyncTest) async throws -> Bool {
        let waiting = try await test.pool.query(urgencies, [.id(test.user)])
        return !waiting.isEmpty && waiting.allSatisfy { $0 == Int(JobUrgency.bulk.rawValue) }
    }

    /// Imports one play from a file.
    private static func bring(
        _ day: String, _ batch: BatchID, telling: Bool, _ test: SyncTest
    ) async throws -> PlayVerdict? {
        try await test.batches.open(
            batch, of: test.user, source: "letterboxd", label: "import", as: .applied,
            at: SystemWallClock().now, until: QueueTest.deadline())
        let day = try #require(CalendarDate(day))
        let verdicts = try await test.ledger.add(
            LedgerStore.Arrival(
                user: test.user, timeZone: "UTC", batch: batch, at: SystemWallClock().now, isByHand: false,
                plays: [
                    IncomingPlay(
                        title: NeighbourBook.title(1), kind: .movie, moment: .day(day), percent: nil,
                        runtimeMinutes: nil, source: PlaySource(name: "letterboxd", key: "aaaaa"))
                ], telling: telling, moving: true), until: QueueTest.deadline())
        let isBulk = try await Self.isBulk(test)
        #expect(isBulk, "\(day)")
        return verdicts.first
    }

    @Test("A play that a later file has on another day is moved there as well, and back with the file's batch")
    func movedByAFile() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: .both, deletes: false)])
            func isThere(on day: String) -> Bool {
                test.trakt.plays.map { String($0.watchedAt?.prefix(10) ?? "") } == [day]
            }
            let (first, second) = (BatchID(SystemIDSource().next()), BatchID(SystemIDSource().next()))
            let made = try #require(try await Self.bring("2024-06-10", first, telling: true, test))
            try await test.deliver()
            #expect(isThere(on: "2024-06-10"), "\(test.trakt.plays)")
            let moved = try await Self.bring("2024-06-12", second, telling: false, test)
            #expect(moved == .moved(made.play))
            try await test.deliver()
            #expect(isThere(on: "2024-06-12"), "\(test.trakt.plays)")
            try await test.letLagEnd()
            let run = try await test.sync()
            #expect(run.changesHere == 0 && run.changesThere == 0, "\(run)")
            try await test.batches.advance(
                second, of: test.user, to: .undoing, at: SystemWallClock().now, until: QueueTest.deadline())
            _ = try await test.batches.undoSome(
                of: second, test.user, after: nil, at: SystemWallClock().now, until: QueueTest.deadline())
            let isUndoneBulk = try await Self.isBulk(test)
            #expect(isUndoneBulk)
            try await test.deliver()
            #expect(isThere(on: "2024-06-10"), "\(test.trakt.plays)")
        }
    }

    @Test(
        "What its person does with a play waits behind a file's move of it that was not told yet",
        arguments: [false, true])
    func behindAFile(isEdited: Bool) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: .both, deletes: true)])
            let ids = SystemIDSource()
            let made = try #require(try await Self.bring("2024-06-10", BatchID(ids.next()), telling: true, test))
            try await test.deliver()
            let moved = try await Self.bring("2024-06-12", BatchID(ids.next()), telling: false, test)
            #expect(moved == .moved(made.play))
            let person = LedgerWriter.person(test.user, at: SystemWallClock().now)
            if isEdited {
                let day = try #require(CalendarDate("2024-06-16"))
                _ = try await test.ledger.edit(
                    made.play, to: .day(day), timeZone: "UTC", by: person, until: QueueTest.deadline())
            } else {
                _ = try await test.ledger.remove([made.play], by: person, telling: true, until: QueueTest.deadline())
            }
            let isBulk = try await Self.isBulk(test)
            #expect(isBulk)
        }
    }

    @Test("A play with another date is moved there all the same, and what was told of a batch is taken back with it")
    func movedAndUndone() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: FacetPolicy(direction: .both, deletes: false)])
            let play = try #require(try await Self.add([1], test).first)
            let at = try #require(Timestamp("2024-07-10T20:00:00Z"))
            _ = try await test.ledger.edit(
                play, to: .minute(at, day: at.date), timeZone: "UTC",
                by: .person(test.user, at: SystemWallClock().now), until: QueueTest.deadline())
            try await test.deliver()
            #expect(Self.there(test) == [1])
            #expect(test.trakt.plays.first?.watchedAt?.hasPrefix("2024-07-10T20:00") == true, "\(test.trakt.plays)")
            let batch = BatchID(SystemIDSource().next())
            try await test.batches.open(
                batch, of: test.user, source: "mark", label: nil, as: .applied, at: SystemWallClock().now,
                until: QueueTest.deadline())
            _ = try await Self.add([2], test, batch: batch)
            #expect(Self.there(test) == [1, 2])
            try await test.batches.advance(
                batch, of: test.user, to: .undoing, at: SystemWallClock().now, until: QueueTest.deadline())
            _ = try await test.batches.undoSome(
                of: batch, test.user, after: nil, at: SystemWallClock().now, until: QueueTest.deadline())
            try await test.deliver()
            #expect(Self.there(test) == [1])
        }
    }
}
