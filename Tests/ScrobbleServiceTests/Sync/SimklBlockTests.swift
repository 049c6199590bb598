import AsyncHTTPClient
import Contracts
import Cryptography
import NIOHTTP1
import NIOPosix
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// A client id that the emulated Simkl rejects affects everybody who is connected.
@Suite struct SimklBlockTests {
    private typealias Setting = SimklSyncTests.Setting

    private static func trouble(_ lane: LaneKey, _ test: Setting) async -> ReadTrouble? {
        let reader = SimklReader(
            http: test.http, tokens: test.tokens, mirror: test.mirror, allowance: test.store, clock: SystemWallClock())
        do throws(ReadTrouble) {
            _ = try await reader.activities(of: lane)
            return nil
        } catch {
            return error
        }
    }

    /// Returns the outcome of sending a rating.
    private static func rate(_ lane: LaneKey, _ test: Setting) async -> JobReply? {
        let title = NeighbourBook.title(1)
        let job = QueueJob(
            id: UUIDBits(high: 1, low: 1), position: 0, kind: .movie, title: title, action: .rate,
            payload: JobPayload(rating: 8),
            state: JobState(
                action: .rate, status: .pending, retryCount: 1, sends: 1, looks: 0, unsettled: 1, age: .zero,
                sinceSent: .zero))
        let writer = SimklWriter(
            http: test.http, titles: { _ in [title: TitleQuery(kind: .movie, ids: ExternalIds(simkl: 1))] },
            standing: { _, _ in [:] }, mirror: test.mirror, tokens: test.tokens, clock: SystemWallClock(),
            pace: .milliseconds(1))
        return await writer.send(
            Parcel(lane: lane, jobs: [job], deadline: .now + .seconds(20), isOurs: { true })
        ).first
    }

    @Test("Where one person's call meets 412 nobody's account is read or told anything for ten minutes; then all go on")
    func everybody() async throws {
        try await SimklSyncTests.run { test in
            let other = LaneKey(user: UserID(SystemIDSource().next()), provider: .simkl)
            let now = SystemWallClock().now
            try await test.connections.connect(
                other,
                AccountTokens(
                    access: Secret("demo-bob"), refresh: nil, issuedAt: now,
                    expiresAt: now.advanced(by: .seconds(157_680_000))), usesSecret: false, until: QueueTest.deadline())
            #expect(await Self.trouble(other, test) == nil)
            _ = test.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .quota, path: "/sync/activities", times: 1))
            #expect(await Self.trouble(test.lane, test) == .wait(.seconds(600), SimklAnswer.blocked))

            let last = test.lastCall
            guard case .wait(let read, _) = await Self.trouble(other, test),
                case .wait(let told, _) = await Self.rate(other, test)
            else {
                Issue.record("somebody else was asked for")
                return
            }
            #expect(read > .seconds(590) && read <= .seconds(600) && told > .seconds(590) && told <= read)
            #expect(test.calls(after: last).isEmpty)

            _ = try await test.pool.execute(
                PGCommand(
                    "tests.tenMinutes", "UPDATE provider_holds SET held_until = held_until - interval '10 minutes'"), []
            )
            #expect(await Self.trouble(other, test) == nil)
            #expect(await Self.rate(other, test) == .delivered)
            #expect(test.simkl.items(of: "demo-bob")[1]?.rating == 8)
        }
    }

    /// Records the calls reported to a sink.
    private final class Calls: Sendable {
        private let state = Mutex<[UpstreamCall]>([])
        var all: [UpstreamCall] { state.withLock { $0 } }
        func add(_ call: UpstreamCall) { state.withLock { $0.append(call) } }
    }

    /// Previously, calls to Simkl were not measured at all, and a block was not reported.
    @Test("A call that meets 412 is counted as one that turns the application away; what is not asked then is no call")
    func counted() async throws {
        try await SimklSyncTests.run { test in
            let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            let calls = Calls()
            let http = SimklHTTP(
                settings: test.http.settings, holds: HoldStore(database: Database(pool: test.pool)), client: client,
                observe: { calls.add($0) })
            func ask() async {
                _ = await http.call(.GET, "sync/activities", token: Secret("demo-alice"), until: .now + .seconds(20))
            }
            await ask()
            _ = test.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .quota, path: "/sync/activities", times: 1))
            await ask()
            await ask()
            try await client.shutdown()
            #expect(calls.all.map(\.status) == [200, 412])
            #expect(calls.all.map { $0.turnsAway(at: .simkl) } == [false, true])
            #expect(calls.all.map { $0.turnsAway(at: .trakt) } == [false, false])
        }
    }

    @Test("A renewal that is turned away for the client id waits as well, and asks nobody to connect again")
    func renewal() async throws {
        try await SimklSyncTests.run { test in
            _ = test.upstreams.server.desk.add(Fault(provider: .simkl, kind: .quota, path: "/oauth2/token", times: 1))
            let issuer = SimklIssuer(http: test.http, clock: SystemWallClock())
            let first = await issuer.tokens(for: Secret("refresh"), usesSecret: false)
            #expect(first == .wait(.seconds(600)))
            let last = test.lastCall
            guard case .wait = await issuer.tokens(for: Secret("refresh"), usesSecret: false) else {
                Issue.record("asked again")
                return
            }
            #expect(test.calls(after: last).isEmpty)
        }
    }

    @Test("Another write of the same account that is worked at, and asking too often, hold that account alone")
    func alone() async throws {
        try await SimklSyncTests.run { test in
            _ = test.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .rateLimited, path: "/sync/activities", times: 1, retryAfter: "30"))
            #expect(await Self.trouble(test.lane, test) == .wait(.seconds(30), "too many requests (429)"))
            #expect(await Self.trouble(test.lane, test) == nil, "what holds it is its run")
            test.simkl.behave { $0.lockMilliseconds = 60_000 }
            #expect(await Self.rate(test.lane, test) == .delivered)
            #expect(
                await Self.rate(test.lane, test)
                    == .wait(.seconds(20), "Simkl is busy with another write (RATE_LIMIT)"))
            #expect(await Self.trouble(test.lane, test) == nil)
        }
    }
}
