import AsyncHTTPClient
import Contracts
import Cryptography
import JSON
import NIOCore
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Connecting a Simkl account by code, and sending changes to it.
@Suite struct SimklAccountTests {
    struct Setting: Sendable {
        let pool: PGPool
        let store: ConnectionStore
        let http: SimklHTTP
        let client: HTTPClient
        let upstreams: RunningUpstreams
        let user = UserID(SystemIDSource().next())

        var simkl: SimklAccounts { upstreams.server.simklAccounts }
        var mirror: SimklMirrorStore { SimklMirrorStore(database: Database(pool: pool)) }
        var lane: LaneKey { LaneKey(user: user, provider: .simkl) }
        var account: SimklAccount {
            SimklAccount(store: store, http: http, clock: SystemWallClock(), ids: SystemIDSource())
        }
        var tokens: TokenKeeper {
            TokenKeeper(
                store: store, issuer: SimklIssuer(http: http, clock: SystemWallClock()), clock: SystemWallClock())
        }

        /// Opens the page where the person approves, or refuses if there is no name.
        func enter(_ code: String, as name: String?) async throws {
            let url = "\(upstreams.url(.simkl))/pin/\(code)\(name.map { "?as=\($0)" } ?? "")"
            _ = try await client.execute(HTTPClientRequest(url: url), deadline: .distantFuture)
        }

        /// Allows the next poll at once, on both sides.
        func letTimePass(_ seconds: Double = 10) async throws {
            simkl.pass(seconds: seconds)
            _ = try await pool.execute(
                PGCommand(
                    "tests.due",
                    "UPDATE oauth_flows SET next_poll_at = next_poll_at - interval '\(Int(seconds)) seconds'"),
                [])
        }

        func poll(_ invitation: DeviceInvitation, by other: UserID? = nil) async throws -> ConnectResult {
            try await account.poll(other ?? user, invitation.flow, until: QueueTest.deadline()).result
        }

        func begin() async throws -> DeviceInvitation {
            try #require(try await account.start(user, until: QueueTest.deadline()))
        }

        func connect(as name: String = "alice") async throws {
            let invitation = try await begin()
            try await enter(invitation.userCode, as: name)
            try await letTimePass()
            #expect(try await poll(invitation) == .connected)
        }

        func state() async throws -> StoredConnection? {
            try await store.list(of: user, until: QueueTest.deadline()).first { $0.provider == .simkl }
        }

        func writer(_ titles: @escaping SimklWriter.Titles) -> SimklWriter {
            SimklWriter(
                http: http, titles: titles, standing: { _, _ in [:] }, mirror: mirror, tokens: tokens,
                clock: SystemWallClock(), pace: .milliseconds(1))
        }

        /// Sends jobs with the same action for titles of the catalogue.
        func send(
            _ action: JobAction, _ titles: [(kind: TitleKind, query: TitleQuery)], _ payload: JobPayload = JobPayload(),
            age: Duration = .zero
        ) async -> [JobReply] {
            let jobs = titles.enumerated().map { place, title in
                QueueJob(
                    id: UUIDBits(high: 1, low: UInt64(place)), position: Int64(place), kind: title.kind,
                    title: TitleID(UUIDBits(high: 7, low: UInt64(place))), action: action, payload: payload,
                    state: JobState(
                        action: action, status: .pending, retryCount: 1, sends: 1, looks: 0, unsettled: 1, age: age,
                        sinceSent: .zero))
            }
            let known = Dictionary(uniqueKeysWithValues: zip(jobs, titles).map { ($0.title, $1.query) })
            return await writer { _ in known }.send(
                Parcel(lane: lane, jobs: jobs, deadline: .now + .seconds(20), isOurs: { true }))
        }
    }

    static func run(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            try await RunningUpstreams.run { upstreams in
                let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
                let store = ConnectionStore(
                    database: Database(pool: pool), sealer: Sealer(try KeyRing(parsing: KeyRing.makeLine(id: "test"))))
                let http = SimklHTTP(
                    settings: SimklHTTP.Settings(
                        url: upstreams.url(.simkl), siteURL: upstreams.url(.simkl),
                        redirectURI: "http://127.0.0.1:8080/oauth/simkl/callback",
                        clientID: Secret(SimklEmulator.clientID), clientSecret: nil,
                        version: "1.0"), holds: HoldStore(database: Database(pool: pool)), client: client)
                let setting = Setting(pool: pool, store: store, http: http, client: client, upstreams: upstreams)
                upstreams.server.simklAccounts.behave { $0.writeMilliseconds = 0 }
                var outcome: (any Error)?
                do { try await body(setting) } catch { outcome = error }
                try await client.shutdown()
                if let outcome { throw outcome }
            }
        }
    }

    // MARK: Connecting

    @Test("A code is shown, entered and polled: pending until then, connected and named once, good for its person only")
    func pin() async throws {
        try await Self.run { setting in
            let invitation = try await setting.begin()
            #expect(invitation.verificationUrl == "https://simkl.com/pin/\(invitation.userCode)")
            #expect(try await setting.poll(invitation) == .pending, "no sooner than Simkl allows")
            #expect(setting.upstreams.server.desk.book(provider: .simkl, after: 0).entries.count == 1)
            try await setting.letTimePass()
            #expect(try await setting.poll(invitation) == .pending, "Simkl says so, with 200")
            let stranger = UserID(SystemIDSource().next())
            try await setting.enter(invitation.userCode, as: "alice")
            try await setting.letTimePass()
            #expect(try await setting.poll(invitation, by: stranger) == .unknown)
            #expect(try await setting.poll(invitation) == .connected)
            #expect(try await setting.poll(invitation) == .unknown, "once")
            let state = try #require(try await setting.state())
            #expect(state.state == .connected && state.account == "demo-alice" && !state.isEnabled)
            #expect(try await setting.account.disconnect(setting.user, until: QueueTest.deadline()))
            #expect(try await setting.state()?.state == .disconnected)
        }
    }

    @Test("A code that was turned down, one that was too late, and one that is asked about too often say so")
    func endings() async throws {
        try await Self.run { setting in
            let denied = try await setting.begin()
            try await setting.enter(denied.userCode, as: nil)
            try await setting.letTimePass()
            #expect(try await setting.poll(denied) == .denied)
            #expect(try await setting.poll(denied) == .unknown)

            let late = try await setting.begin()
            _ = try await setting.pool.execute(
                PGCommand("tests.late", "UPDATE oauth_flows SET expires_at = now() - interval '1 second'"), [])
            #expect(try await setting.poll(late) == .expired)

            let hasty = try await setting.begin()
            try await setting.letTimePass()
            #expect(try await setting.poll(hasty) == .pending)
            // Another replica has just polled: Simkl demands a longer interval, and gets it.
            _ = try await setting.pool.execute(
                PGCommand("tests.hasty", "UPDATE oauth_flows SET next_poll_at = now() - interval '1 second'"), [])
            let slowed = try await setting.account.poll(setting.user, hasty.flow, until: QueueTest.deadline())
            #expect(slowed.result == .pending && slowed.retryAfter == .seconds(10))
            let again = try await setting.account.poll(setting.user, hasty.flow, until: QueueTest.deadline())
            #expect(again.result == .pending && (again.retryAfter ?? .zero) > .seconds(5))
        }
    }

    @Test("A pair of tokens is renewed at half its life by the token that stays; one for years is never renewed")
    func tokens() async throws {
        try await Self.run { setting in
            try await setting.connect()
            _ = try await setting.pool.execute(
                PGCommand(
                    "tests.years",
                    "UPDATE scrobble_connections SET token_issued_at = now() - interval '4 years', token_expires_at = now() + interval '1 year'"
                ), [])
            guard case .good(let first) = await setting.tokens.token(of: setting.lane) else {
                Issue.record("good for years")
                return
            }
            #expect(setting.simkl.renewalCount == 0)
            #expect(
                await setting.tokens.renewed(of: setting.lane, instead: first) == .none(.needsReauth),
                "what is withdrawn there is connected again")

            setting.simkl.behave { $0.isV2 = true }
            try await setting.connect(as: "bob")
            guard case .good(let old) = await setting.tokens.token(of: setting.lane) else {
                Issue.record("good for days")
                return
            }
            let halfWay =
                "UPDATE scrobble_connections SET token_issued_at = now() - interval '4 days', token_expires_at = now() + interval '3 days'"
            _ = try await setting.pool.execute(PGCommand("tests.days", halfWay), [])
            guard case .good(let new) = await setting.tokens.token(of: setting.lane) else {
                Issue.record("renewed")
                return
            }
            #expect(new != old && setting.simkl.renewalCount == 1)
            _ = try await setting.pool.execute(PGCommand("tests.days", halfWay), [])
            guard case .good = await setting.tokens.token(of: setting.lane) else {
                Issue.record("renewed once more, by the same token")
                return
            }
            #expect(setting.simkl.renewalCount == 2)
        }
    }

    /// Previously, a token with `+` or `&` in it arrived changed.
    @Test("A renewal is a form like every other: tokens and secrets arrive as they are, whatever is in them")
    func escaping() async throws {
        try await Self.run { setting in
            let settings = SimklHTTP.Settings(
                url: setting.upstreams.url(.simkl), siteURL: setting.upstreams.url(.simkl),
                redirectURI: "http://127.0.0.1:8080/oauth/simkl/callback", clientID: Secret(SimklEmulator.clientID),
                clientSecret: Secret("s&=ß"), version: "1.0")
            let http = SimklHTTP(
                settings: settings, holds: HoldStore(database: Database(pool: setting.pool)), client: setting.client)
            _ = await SimklIssuer(http: http, clock: SystemWallClock()).tokens(
                for: Secret("a+b&c=d%41 e"), usesSecret: true)
            let sent = setting.upstreams.server.desk.book(provider: .simkl).entries.last?.request
            #expect(sent?.path == "/oauth2/token")
            #expect(
                String(decoding: sent?.body ?? [], as: UTF8.self)
                    == "grant_type=refresh_token&refresh_token=a%2Bb%26c%3Dd%2541%20e&client_id=\(SimklEmulator.clientID)&client_secret=s%26%3D%C3%9F"
            )
        }
    }

    // MARK: Telling

    private static let film = TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt9100001"), name: "A film")
    private static let unknown = TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt0000009"), name: "Nobody's")

    @Test("Starts, pauses and stops arrive; a stop twice is one; what is late goes into the history with its date")
    func scrobbles() async throws {
        try await Self.run { setting in
            try await setting.connect()
            let films: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film)]
            #expect(await setting.send(.start, films, JobPayload(progressPercent: 1)) == [.delivered])
            #expect(setting.simkl.watching("demo-alice") != nil)
            #expect(await setting.send(.pause, films, JobPayload(progressPercent: 45.5)) == [.delivered])
            #expect(setting.simkl.positions(of: "demo-alice") == [45.5])
            #expect(await setting.send(.stop, films, JobPayload(progressPercent: 80)) == [.delivered])
            #expect(await setting.send(.stop, films, JobPayload(progressPercent: 95)) == [.alreadyThere])
            let item = try #require(setting.simkl.items(of: "demo-alice").values.first)
            #expect(item.status == "completed" && item.lastWatchedAt != nil)
            #expect(setting.simkl.positions(of: "demo-alice").isEmpty)
            let at = try #require(Timestamp("2026-01-02T03:04:05Z"))
            #expect(
                await setting.send(
                    .stop, films, JobPayload(progressPercent: 95, watchedAt: at), age: .seconds(3_600)) == [.delivered])
            #expect(setting.simkl.items(of: "demo-alice").values.first?.lastWatchedAt == "2026-01-02T03:04:05Z")
            #expect(
                await setting.send(.start, [(.movie, Self.unknown)]) == [
                    .refused("Simkl does not know the title (404)")
                ])
        }
    }

    @Test("History, then ratings, then lists: what is unknown there is told apart; what it cannot hold says why")
    func lists() async throws {
        try await Self.run { setting in
            try await setting.connect()
            let both: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film), (.movie, Self.unknown)]
            #expect(
                await setting.send(.addPlay, both, JobPayload())
                    == [.delivered, .refused("Simkl does not know the title")])
            #expect(setting.simkl.items(of: "demo-alice").values.first?.lastWatchedAt == "1970-01-01T00:00:01Z")
            #expect(
                await setting.send(.rate, both, JobPayload(rating: 9))
                    == [.delivered, .refused("Simkl does not know the title")])
            #expect(setting.simkl.items(of: "demo-alice").values.first?.rating == 9)
            #expect(
                setting.simkl.items(of: "demo-alice").values.first?.lastWatchedAt == "1970-01-01T00:00:01Z",
                "a rating files only what is on no list")
            #expect(await setting.send(.unrate, [(.movie, Self.film)]) == [.delivered])
            #expect(setting.simkl.items(of: "demo-alice").values.first?.rating == nil)
            #expect(await setting.send(.addToCollection, [(.movie, Self.film)]) == [.refused("Simkl has no library")])
            // It is not yet known what else the account has of it.
            #expect(
                await setting.send(.removeFromWatchlist, [(.movie, Self.film)]) == [
                    .notTaken("what Simkl has about the titles cannot be looked up")
                ])
            #expect(!setting.simkl.items(of: "demo-alice").isEmpty)
        }
    }

    /// Previously, such an episode was taken to be sent for good.
    @Test(
        "An episode that Simkl does not have is told apart from the others of its show, whatever its ids come back as")
    func unknownEpisodes() async throws {
        try await Self.run { setting in
            try await setting.connect()
            func episode(_ number: Int) -> (kind: TitleKind, query: TitleQuery) {
                (
                    .episode,
                    TitleQuery(
                        kind: .episode, ids: ExternalIds(), seriesIds: ExternalIds(tmdb: 42, simkl: 77),
                        seriesName: "A show", seasonNumber: 1, episodeNumber: number)
                )
            }
            setting.simkl.behave { $0.missingEpisodes = ["1x2"] }
            let at = try #require(Timestamp("2026-01-02T03:04:05Z"))
            #expect(
                await setting.send(.addPlay, [episode(1), episode(2), episode(3)], JobPayload(watchedAt: at))
                    == [.delivered, .refused("Simkl does not know the title"), .delivered])
            let episodes = setting.simkl.items(of: "demo-alice")[77]?.episodes ?? [:]
            #expect(episodes.keys.sorted() == ["1x1", "1x3"])
            let film = TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 987_654_321), name: "Nobody's")
            #expect(
                await setting.send(.rate, [(.movie, film)], JobPayload(rating: 8)) == [
                    .refused("Simkl does not know the title")
                ])
        }
    }

    /// Previously, half an answer, or none, was taken for a delivery.
    @Test("A write is delivered where Simkl says what became of it; else it is sent again, which changes nothing there")
    func unsaid() async throws {
        try await Self.run { setting in
            try await setting.connect()
            let films: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film)]
            _ = setting.upstreams.server.desk.add(
                Fault(provider: .simkl, kind: .truncated, path: "/sync/ratings", times: 1))
            #expect(
                await setting.send(.rate, films, JobPayload(rating: 8))
                    == [.notTaken("Simkl does not say what happened to it (201)")])
            #expect(await setting.send(.rate, films, JobPayload(rating: 8)) == [.delivered])
            #expect(setting.simkl.items(of: "demo-alice").values.map(\.rating) == [8])
        }
    }

    @Test("Off the watchlist goes what has nothing else there, by what is there now and not when it was read")
    func takenOff() async throws {
        try await Self.run { setting in
            try await setting.connect()
            func simkl() throws -> Int { try #require(setting.simkl.items(of: "demo-alice").keys.first) }
            let film: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film)]
            #expect(await setting.send(.addToWatchlist, film) == [.delivered])
            let number = try simkl()
            let body = try decodeJSON(
                JSONValue.self,
                from: Array(#"{"movies":[{"status":"plantowatch","movie":{"ids":{"simkl":\#(number)}}}]}"#.utf8))
            let stamps = try decodeJSON(
                JSONValue.self, from: Array(#"{"all":"2999-01-01T00:00:00Z","tv_shows":{},"movies":{}}"#.utf8))
            var read = try #require(SimklStamps(stamps))
            let items = try #require(SimklRows.items(body)).items
            try await setting.mirror.keep(items, [:], read, of: setting.user, until: QueueTest.deadline())
            let numbered = TitleQuery(kind: .movie, ids: ExternalIds(simkl: number))
            // Rated since it was read.
            setting.simkl.change("demo-alice", number) { $0.rating = 9 }
            read.all = "2000-01-01T00:00:00Z"
            try await setting.mirror.keep([], [:], read, of: setting.user, until: QueueTest.deadline())
            #expect(
                await setting.send(.removeFromWatchlist, [(.movie, numbered)]) == [
                    .refused("Simkl would remove the title's rating, too, so it stays on the list there")
                ])
            #expect(setting.simkl.items(of: "demo-alice")[number]?.rating == 9)
            // Watched and dropped: it returns to what is watched, with its date.
            setting.simkl.change("demo-alice", number) {
                ($0.status, $0.lastWatchedAt) = ("dropped", "2020-02-02T00:00:00Z")
            }
            #expect(await setting.send(.removeFromWatchlist, [(.movie, numbered)]) == [.delivered])
            let moved = setting.simkl.items(of: "demo-alice")[number]
            #expect(
                moved?.status == "completed" && moved?.lastWatchedAt == "2020-02-02T00:00:00Z" && moved?.rating == 9)
            #expect(await setting.send(.removeFromWatchlist, [(.movie, numbered)]) == [.alreadyThere])
            // On the watchlist, and nothing else.
            setting.simkl.change("demo-alice", number) {
                ($0.status, $0.lastWatchedAt, $0.rating) = ("plantowatch", nil, nil)
            }
            #expect(await setting.send(.removeFromWatchlist, [(.movie, numbered)]) == [.delivered])
            #expect(setting.simkl.items(of: "demo-alice").isEmpty)
            let left = try await setting.mirror.items(of: setting.user, in: ["movies"], until: QueueTest.deadline())
            #expect(left.map(\.isGone) == [true])
        }
    }

    @Test(
        "What keeps a look before a title is taken off from being made is what it is: too often waits, 401 asks its person"
    )
    func turnedAway() async throws {
        try await Self.run { setting in
            setting.simkl.behave { $0.isV2 = true }
            try await setting.connect()
            let film: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film)]
            #expect(await setting.send(.addToWatchlist, film) == [.delivered])
            let stamps = try decodeJSON(
                JSONValue.self, from: Array(#"{"all":"2000-01-01T00:00:00Z","tv_shows":{},"movies":{}}"#.utf8))
            let read = try #require(SimklStamps(stamps))
            try await setting.mirror.keep([], [:], read, of: setting.user, until: QueueTest.deadline())
            func look(_ kind: Fault.Kind, _ status: Int? = nil, times: Int? = nil) async -> [JobReply] {
                let desk = setting.upstreams.server.desk
                _ = desk.add(
                    Fault(
                        provider: .simkl, kind: kind, path: "/sync/all-items", times: times, status: status,
                        retryAfter: "17"))
                let replies = await setting.send(.removeFromWatchlist, film)
                desk.clearFaults(.simkl)
                return replies
            }
            #expect(await look(.rateLimited) == [.wait(.seconds(17), "too many requests (429)")])
            let unknown = JobReply.notTaken("what Simkl has about the titles cannot be looked up")
            #expect(await look(.status, 500) == [unknown])
            #expect(await look(.status, 400) == [unknown], "the question was refused, not the job")
            #expect(await look(.html, 502) == [unknown])
            #expect(setting.simkl.renewalCount == 0)
            #expect(await look(.status, 401) == [.askUser(.needsReauth)])
            #expect(setting.simkl.renewalCount == 1 && setting.simkl.items(of: "demo-alice").count == 1)
            // As if renewed elsewhere a moment ago: with another token it continues.
            #expect(await look(.status, 401, times: 1) == [.delivered])
            #expect(setting.simkl.renewalCount == 2 && setting.simkl.items(of: "demo-alice").isEmpty)
        }
    }

    @Test(
        "The lock of a running write is waited for; who is blocked waits longer; a token that may only read asks its person"
    )
    func limits() async throws {
        try await Self.run { setting in
            try await setting.connect()
            let films: [(kind: TitleKind, query: TitleQuery)] = [(.movie, Self.film)]
            setting.simkl.behave { $0.lockMilliseconds = 60_000 }
            _ = await setting.send(.rate, films, JobPayload(rating: 8))
            #expect(
                await setting.send(.rate, films, JobPayload(rating: 8))
                    == [.wait(.seconds(20), "Simkl is busy with another write (RATE_LIMIT)")])
            setting.simkl.behave {
                $0.lockMilliseconds = 0
                $0.writeMilliseconds = 600_000
            }
            #expect(
                await setting.send(.rate, films, JobPayload(rating: 8))
                    == [.wait(.seconds(600), "Simkl does not accept the client id at the moment (412)")])
            #expect(setting.simkl.blockCount == 1)
            _ = try await setting.pool.execute(PGCommand("tests.unblocked", "DELETE FROM provider_holds"), [])
            setting.simkl.reset()
            setting.simkl.behave {
                $0.writeMilliseconds = 0
                $0.isV2 = true
                $0.isReadOnly = true
            }
            try await setting.connect(as: "reader")
            #expect(await setting.send(.rate, films, JobPayload(rating: 8)) == [.askUser(.needsReauth)])
            #expect(setting.simkl.items(of: "demo-reader").isEmpty)
        }
    }
}
