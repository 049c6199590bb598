import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Sittings and check-ins as an emulated Simkl receives them: the real worker and writer. Its films are 90 minutes
/// long.
@Suite struct SimklSittingTests {
    private typealias Setting = SimklSyncTests.Setting

    private static let ids = SystemIDSource()
    private static let length = Duration.seconds(90 * 60)

    private static func playback(_ test: Setting) -> PlaybackStore {
        PlaybackStore(database: Database(pool: test.pool), ids: ids)
    }

    private static func sitting(
        _ test: Setting, _ number: Int, at start: Timestamp = SystemWallClock().now, isCheckIn: Bool = false
    ) -> Sitting {
        Sitting(
            id: PlaybackSessionID(ids.next()), user: test.user, title: NeighbourBook.title(number), kind: .movie,
            progressPercent: 0, startedAt: start, expiresAt: start.advanced(by: length), runtimeMinutes: 90,
            isCheckIn: isCheckIn)
    }

    private static func checkIn(
        _ test: Setting, _ number: Int, at start: Timestamp = SystemWallClock().now
    ) async throws -> PlaybackSession {
        try await playback(test).checkIn(
            sitting(test, number, at: start, isCheckIn: true), until: QueueTest.deadline())
    }

    private static func move(
        _ test: Setting, _ session: PlaybackSession, to state: PlaybackState?, at percent: Double?,
        _ step: PlaybackChange.Step?, after time: Duration = .seconds(1)
    ) async throws -> PlaybackSession? {
        let at = session.startedAt.advanced(by: time)
        return try await playback(test).move(
            PlaybackStore.Move(
                user: test.user, session: session.id, state: state, progressPercent: percent, at: at,
                expiresAt: at.advanced(by: .seconds(3_600)), step: step), until: QueueTest.deadline())
    }

    private static func stop(
        _ test: Setting, _ session: PlaybackSession, at percent: Double
    ) async throws -> StopOutcome? {
        try await playback(test).close(
            PlaybackStore.Stop(
                user: test.user, session: session.id, progressPercent: percent, at: SystemWallClock().now),
            until: QueueTest.deadline())
    }

    /// Closes the sittings that have expired at a moment.
    private static func keep(_ test: Setting, at moment: Timestamp) async throws -> Int {
        try await playback(test).closeExpired(at: moment, limit: 10, until: QueueTest.deadline()).ended
    }

    /// Sends what is waiting.
    private static func tell(_ test: Setting) async throws {
        let isDone = try await QueueTest.work([test.queueWorker()]) {
            try await test.pool.query(QueueTest.waiting) == [0]
        }
        #expect(isDone)
    }

    private static func told(_ test: Setting) -> [String] {
        test.calls(after: 0).filter { $0.hasPrefix("POST ") && !$0.hasSuffix("/users/settings") }
    }

    /// Returns the progress that each call reported, or nil where it reported none.
    private static func progress(_ test: Setting, of step: String) -> [Double?] {
        test.upstreams.server.desk.book(provider: .simkl, after: 0).entries
            .filter { $0.request.path == "/scrobble/\(step)" }
            .map { (try? decodeJSON(JSONValue.self, from: $0.request.body))?["progress"].double }
    }

    private static let history: [SyncFacet: FacetPolicy] = [.history: FacetPolicy(direction: .both)]

    @Test(
        "A start, a break and an end are told as they happen, each with its place; the end is the play, and told once")
    func steps() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.playback(test).open(
                Self.sitting(test, 1), until: QueueTest.deadline())
            try await Self.tell(test)
            #expect(test.simkl.watching("demo-alice") == 1)
            _ = try await Self.move(test, session, to: .paused, at: 45.5, .paused)
            try await Self.tell(test)
            #expect(test.simkl.watching("demo-alice") == nil && test.simkl.positions(of: "demo-alice") == [45.5])
            _ = try await Self.move(test, session, to: .playing, at: 46, .resumed, after: .seconds(2))
            try await Self.tell(test)
            #expect(test.simkl.watching("demo-alice") == 1)
            let outcome = try await Self.stop(test, session, at: 95)
            #expect(outcome?.play != nil)
            try await Self.tell(test)
            let steps = ["/scrobble/start", "/scrobble/pause", "/scrobble/start", "/scrobble/stop"]
            #expect(Self.told(test) == steps.map { "POST \($0)" })
            #expect(Self.progress(test, of: "start") == [0, 46] && Self.progress(test, of: "stop") == [95])
            #expect(test.items[1]?.status == "completed" && test.simkl.positions(of: "demo-alice").isEmpty)
            // No sync sends it again.
            for _ in 0..<2 {
                let run = try await test.sync()
                #expect(run.state == .done && run.changesThere == 0, "\(run)")
                try await test.letLagEnd()
            }
            #expect(Self.told(test).count == steps.count)
            #expect(try await test.played() == [1: 1])
        }
    }

    @Test("While Simkl is away what is watched is told by its last word only; nothing is lost of another title")
    func superseded() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.playback(test).open(Self.sitting(test, 1), until: QueueTest.deadline())
            _ = try await Self.playback(test).open(Self.sitting(test, 2), until: QueueTest.deadline())
            _ = try await Self.move(test, session, to: .paused, at: 20, .paused)
            _ = try await Self.move(test, session, to: .playing, at: 21, .resumed, after: .seconds(2))
            #expect(try await test.pool.query(QueueTest.waiting) == [2])
            _ = try await Self.stop(test, session, at: 40)
            #expect(try await test.pool.query(QueueTest.waiting) == [2])
            #expect(try await test.pool.query(QueueTest.faults) == [0])
            #expect(try await QueueTest.outcomes(test.pool) == ["done: superseded": 3])
            try await Self.tell(test)
            #expect(Set(Self.told(test)) == ["POST /scrobble/start", "POST /scrobble/pause"])
            #expect(Self.told(test).count == 2 && test.simkl.positions(of: "demo-alice") == [40])
        }
    }

    @Test("While Simkl works at another write of the account an end waits, and is told once that is done")
    func locked() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            test.simkl.behave { $0.lockMilliseconds = 2_000 }
            let session = try await Self.playback(test).open(Self.sitting(test, 1), until: QueueTest.deadline())
            try await Self.tell(test)
            _ = try await Self.stop(test, session, at: 95)
            try await Self.tell(test)
            #expect(Self.progress(test, of: "stop").count > 1, "it was locked at first")
            #expect(test.items[1]?.status == "completed")
            #expect(try await QueueTest.outcomes(test.pool) == ["done: delivered": 2])
        }
    }

    @Test("A check-in is told once and ends by itself on both sides: one play each, of which nothing more is told")
    func checkIn() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.checkIn(test, 1)
            #expect(session.endsAt == session.startedAt.advanced(by: Self.length) && session.state == .playing)
            try await Self.tell(test)
            #expect(test.simkl.watching("demo-alice") == 1)
            let again = try await Self.checkIn(test, 1, at: session.startedAt.advanced(by: .seconds(60)))
            #expect(again == session, "it goes on as it is")
            let end = try #require(session.endsAt)
            #expect(try await Self.keep(test, at: end.advanced(by: .seconds(-1))) == 0)
            #expect(try await Self.keep(test, at: end.advanced(by: .seconds(30))) == 1)
            #expect(try await test.pool.query(QueueTest.waiting) == [0], "Simkl counts it by itself")
            #expect(try await test.played() == [1: 1])
            test.simkl.pass(seconds: 90 * 60 + 90)
            #expect(test.items[1]?.status == "completed" && test.simkl.watching("demo-alice") == nil)
            #expect(Self.told(test) == ["POST /scrobble/checkin"] && Self.progress(test, of: "checkin") == [nil])
        }
    }

    @Test("What Simkl counts of a check-in a minute later is the play that is here; a sync doubles it on neither side")
    func synced() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.checkIn(
                test, 1, at: SystemWallClock().now.advanced(by: .seconds(-90 * 60 - 120)))
            try await Self.tell(test)
            #expect(try await Self.keep(test, at: SystemWallClock().now) == 1)
            let counted = try #require(session.endsAt).advanced(by: .seconds(60))
            test.there(1) { ($0.status, $0.lastWatchedAt) = ("completed", SimklCalls.second(counted)) }
            for _ in 0..<2 {
                let run = try await test.sync()
                #expect(run.state == .done && run.changesHere == 0 && run.changesThere == 0, "\(run)")
                try await test.letLagEnd()
            }
            #expect(try await test.played() == [1: 1] && Self.told(test) == ["POST /scrobble/checkin"])
        }
    }

    @Test("A check-in that did not reach Simkl, or was refused there, is told as a play when it is over")
    func untold() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let start = SystemWallClock().now.advanced(by: .seconds(-90 * 60 - 20))
            _ = test.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .status, path: "/scrobble/checkin", status: 404))
            _ = try await Self.checkIn(test, 1, at: start)
            try await Self.tell(test)
            #expect(try await Self.keep(test, at: SystemWallClock().now) == 1)
            try await Self.tell(test)
            #expect(Self.told(test) == ["POST /scrobble/checkin", "POST /scrobble/stop"])
            #expect(test.items[1]?.status == "completed")
            // The other check-in was never sent: the end replaces it.
            _ = try await Self.checkIn(test, 2, at: start)
            #expect(try await Self.keep(test, at: SystemWallClock().now) == 1)
            try await Self.tell(test)
            #expect(Self.told(test).count == 3 && test.items[2]?.status == "completed")
        }
    }

    @Test(
        "Who stops a check-in before its end has not watched it, there neither, however far it came",
        arguments: [0.0, 40, 79.995])
    func takenBack(percent: Double) async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.checkIn(test, 1)
            try await Self.tell(test)
            let outcome = try await Self.stop(test, session, at: percent)
            #expect(outcome?.play == nil && outcome?.session.endsAt == nil)
            try await Self.tell(test)
            test.simkl.pass(seconds: 3 * 3_600)
            #expect(test.items[1] == nil, "not counted")
            #expect(Self.progress(test, of: "stop") == [min(percent, 79.99)])
            #expect(try await Self.keep(test, at: SystemWallClock().now.advanced(by: .seconds(9_000))) == 0)
            #expect(try await test.played().isEmpty)
        }
    }

    @Test("Another check-in ends the one before it where that must be by now; each is told")
    func another() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let start = SystemWallClock().now.advanced(by: .seconds(-45 * 60))
            _ = try await Self.checkIn(test, 1, at: start)
            try await Self.tell(test)
            let second = try await Self.checkIn(test, 2, at: start.advanced(by: .seconds(45 * 60)))
            try await Self.tell(test)
            #expect(Self.told(test).map { String($0.dropFirst(15)) } == ["checkin", "stop", "checkin"])
            #expect(Self.progress(test, of: "stop") == [50])
            let open = try await Self.playback(test).now(
                of: test.user, at: SystemWallClock().now, limit: 10, until: QueueTest.deadline())
            #expect(open.map(\.id) == [second.id])
            test.simkl.pass(seconds: 3 * 3_600)
            #expect(test.items[1] == nil && test.items[2]?.status == "completed")
        }
    }

    @Test("A player that takes a check-in over makes it a sitting like any other, there too", arguments: [true, false])
    func takenOver(byHeartbeat: Bool) async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.checkIn(test, 1)
            try await Self.tell(test)
            if byHeartbeat {
                let moved = try await Self.move(test, session, to: nil, at: 30, nil)
                #expect(moved?.endsAt == nil)
            } else {
                let opened = try await Self.playback(test).open(Self.sitting(test, 1), until: QueueTest.deadline())
                #expect(opened.id == session.id && opened.endsAt == nil)
            }
            try await Self.tell(test)
            test.simkl.pass(seconds: 3 * 3_600)
            #expect(test.items[1] == nil, "Simkl does not count it by itself any more")
            _ = try await Self.stop(test, session, at: 95)
            try await Self.tell(test)
            #expect(test.items[1]?.status == "completed")
            #expect(Self.told(test).map { String($0.dropFirst(15)) } == ["checkin", "start", "stop"])
        }
    }

    @Test("A check-in that is paused without a word of its place has come as far as its time says")
    func paused() async throws {
        try await SimklSyncTests.run { test in
            try await test.want(Self.history)
            let session = try await Self.checkIn(test, 1)
            let moved = try await Self.move(
                test, session, to: .paused, at: nil, .paused, after: .seconds(27 * 60))
            #expect(moved?.progressPercent == 30 && moved?.endsAt == nil)
            try await Self.tell(test)
            #expect(Self.told(test) == ["POST /scrobble/stop"], "the check-in never left")
            #expect(test.simkl.positions(of: "demo-alice") == [30])
        }
    }

    @Test("A place where somebody stopped at Simkl comes in with a sync")
    func places() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.history: FacetPolicy(direction: .both), .progress: FacetPolicy(direction: .both)])
            let session = try await Self.playback(test).open(Self.sitting(test, 1), until: QueueTest.deadline())
            _ = try await Self.move(test, session, to: .paused, at: 45.5, .paused)
            try await Self.tell(test)
            _ = try await test.pool.execute(PGCommand("tests.forget", "DELETE FROM watch_progress"), [])
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 1 && run.changesThere == 0, "\(run)")
            let places = try await test.pool.query(
                PGStatement("tests.places", "SELECT title_id, percent FROM watch_progress WHERE removed_at IS NULL") {
                    row throws(PGError) in (try row.next(TitleID.self), try row.next(Double.self))
                })
            #expect(places.map(\.0) == [NeighbourBook.title(1)] && places.map(\.1) == [45.5])
        }
    }
}
