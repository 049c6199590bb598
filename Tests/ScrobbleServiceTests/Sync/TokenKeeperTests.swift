import Contracts
import Cryptography
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Refreshing with single-use tokens.
@Suite struct TokenKeeperTests {
    /// A wall clock that a test can advance.
    final class Wall: WallClock {
        private let shift = Mutex(Duration.zero)
        var now: Timestamp { SystemWallClock().now.advanced(by: shift.withLock { $0 }) }
        func pass(_ time: Duration) { shift.withLock { $0 += time } }
    }

    struct Setting: Sendable {
        let inner: TraktAccountTests.Setting
        let wall = Wall()

        var lane: LaneKey { inner.lane }
        var tokens: TraktOAuth { inner.trakt.tokens }

        func keeper(
            _ observe: @escaping @Sendable (TokenKeeper.Point) -> Void = { _ in },
            tell: @escaping @Sendable (TokenRefresh) -> Void = { _ in }
        ) -> TokenKeeper {
            TokenKeeper(
                store: inner.store, issuer: TraktIssuer(http: inner.http, clock: wall), clock: wall, observe: observe,
                tell: tell)
        }

        func access() async throws -> Secret {
            try #require(try await inner.store.tokens(of: inner.lane, until: QueueTest.deadline())).access
        }

        /// Expires the lease at once, as if it had run out.
        func letLeaseEnd() async throws {
            _ = try await inner.pool.execute(
                PGCommand("tests.lapse", "UPDATE scrobble_connections SET refresh_held_until = now() - interval '1 s'"),
                [])
        }
    }

    static func run(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        try await TraktAccountTests.run { inner in
            let invitation = try await inner.begin()
            let back = try await inner.browser.approve(invitation.authorizeUrl, as: "alice")
            #expect(try await inner.complete(back.field("code"), back.field("state")) == .connected)
            try await body(Setting(inner: inner))
        }
    }

    @Test("Before half of its life a token is used as it is; after that it is refreshed before it is used")
    func halfLife() async throws {
        try await Self.run { setting in
            let first = try await setting.access()
            setting.wall.pass(.seconds(302_300))
            #expect(await setting.keeper().token(of: setting.lane) == .good(first))
            setting.wall.pass(.seconds(200))
            guard case .good(let second) = await setting.keeper().token(of: setting.lane) else {
                Issue.record("no token")
                return
            }
            #expect(second != first)
            #expect(try await setting.access() == second, "committed before it is used")
            #expect(setting.tokens.refreshCounts.granted == 1)
        }
    }

    @Test("Many at once make one call, whichever replica they belong to, and all get a token that is good")
    func atOnce() async throws {
        try await Self.run { setting in
            setting.wall.pass(.seconds(700_000))
            setting.tokens.pass(seconds: 700_000)
            let states = await withTaskGroup(of: TokenState.self) { group in
                for _ in 0..<24 { group.addTask { await setting.keeper().token(of: setting.lane) } }
                return await group.reduce(into: [TokenState]()) { $0.append($1) }
            }
            let (granted, spent) = setting.tokens.refreshCounts
            #expect(granted == 1 && spent == 0)
            let fresh = try await setting.access()
            #expect(states.allSatisfy { $0 == .good(fresh) }, "\(states)")
            #expect(setting.tokens.account(of: fresh.revealed) == "alice")
        }
    }

    @Test("Who dies between the answer and the commit leaves a connection to connect again, and no loop")
    func deathBeforeCommit() async throws {
        try await Self.run { setting in
            setting.wall.pass(.seconds(400_000))
            let before = try #require(
                try await setting.inner.store.tokens(of: setting.lane, until: QueueTest.deadline()))
            // As far as a process gets that dies there: the lease and the call, but nothing stored.
            _ = try #require(
                try await setting.inner.store.beginRefresh(setting.lane, of: before, until: QueueTest.deadline()))
            let spent = try #require(before.refresh).revealed
            let body =
                #"{"grant_type":"refresh_token","client_id":"\#(TraktOAuth.clientID)","refresh_token":"\#(spent)"}"#
            _ = await setting.inner.http.authorize("token", Array(body.utf8), until: QueueTest.deadline())
            #expect(setting.tokens.refreshCounts.granted == 1)
            #expect(await setting.keeper().token(of: setting.lane) == .good(before.access), "while the lease holds")
            try await setting.letLeaseEnd()
            #expect(await setting.keeper().token(of: setting.lane) == .none(.needsReauth))
            for _ in 0..<20 { #expect(await setting.keeper().token(of: setting.lane) == .none(.needsReauth)) }
            #expect(setting.tokens.refreshCounts.spent == 1, "the old token is tried once")
            #expect(try await setting.inner.state() == .needsReauth)

            let invitation = try await setting.inner.begin()
            let back = try await setting.inner.browser.approve(invitation.authorizeUrl, as: "alice")
            #expect(try await setting.inner.complete(back.field("code"), back.field("state")) == .connected)
            guard
                case .good = await TokenKeeper(
                    store: setting.inner.store,
                    issuer: TraktIssuer(http: setting.inner.http, clock: SystemWallClock()), clock: SystemWallClock()
                )
                .token(of: setting.lane)
            else {
                Issue.record("connected again, and still nothing")
                return
            }
        }
    }

    @Test("A refresh whose answer is lost waits; the old token serves as long as it lives; the next try decides")
    func lostAnswer() async throws {
        try await Self.run { setting in
            let old = try await setting.access()
            setting.wall.pass(.seconds(400_000))
            setting.tokens.behave { $0.lostRefreshes = 1 }
            for _ in 0..<10 { #expect(await setting.keeper().token(of: setting.lane) == .good(old)) }
            #expect(setting.tokens.refreshCounts.granted == 1 && setting.tokens.refreshCounts.spent == 0)
            try await setting.letLeaseEnd()
            #expect(await setting.keeper().token(of: setting.lane) == .none(.needsReauth))
        }
    }

    @Test("A token that is withdrawn over there is replaced once; where that fails its person is asked")
    func withdrawn() async throws {
        try await Self.run { setting in
            let old = try await setting.access()
            guard case .good(let fresh) = await setting.keeper().renewed(of: setting.lane, instead: old) else {
                Issue.record("no other token")
                return
            }
            #expect(await setting.keeper().renewed(of: setting.lane, instead: old) == .good(fresh), "renewed already")
            #expect(setting.tokens.refreshCounts.granted == 1)
            setting.tokens.withdraw("alice")
            #expect(await setting.keeper().renewed(of: setting.lane, instead: fresh) == .none(.needsReauth))
        }
    }

    /// Refuses the token, after something has happened.
    private struct Refusing: TokenIssuer {
        let meanwhile: @Sendable () async -> Void
        func tokens(for refresh: Secret, usesSecret: Bool) async -> TokenReply {
            await meanwhile()
            return .invalidGrant
        }
    }

    @Test("Who connects again while the old token is turned down is not asked to connect once more")
    func connectedMeanwhile() async throws {
        try await Self.run { setting in
            let old = try await setting.access()
            let issuer = Refusing {
                _ = try? await TraktTest.connect(setting.lane, as: "demo-alice", in: setting.inner.store)
            }
            let told = Mutex<[TokenRefresh]>([])
            let keeper = TokenKeeper(
                store: setting.inner.store, issuer: issuer, clock: setting.wall,
                tell: { outcome in told.withLock { $0.append(outcome) } })
            guard case .wait = await keeper.renewed(of: setting.lane, instead: old) else {
                Issue.record("the new tokens were taken for the old ones")
                return
            }
            #expect(told.withLock { $0 } == [.lost], "of the new tokens the refusal says nothing")
            #expect(await keeper.renewed(of: setting.lane, instead: old) == .good(Secret("demo-alice")))
            #expect(try await setting.inner.state() == .connected)
        }
    }

    @Test("What a refresh came to is told: a new token, or that its person must connect again")
    func told() async throws {
        try await Self.run { setting in
            let told = Mutex<[TokenRefresh]>([])
            let tell: @Sendable (TokenRefresh) -> Void = { outcome in told.withLock { $0.append(outcome) } }
            let first = try await setting.access()
            guard case .good(let second) = await setting.keeper(tell: tell).renewed(of: setting.lane, instead: first)
            else {
                Issue.record("no other token")
                return
            }
            #expect(told.withLock { $0 } == [.renewed])
            let keeper = TokenKeeper(
                store: setting.inner.store, issuer: Refusing(meanwhile: {}), clock: setting.wall, tell: tell)
            #expect(await keeper.renewed(of: setting.lane, instead: second) == .none(.needsReauth))
            #expect(told.withLock { $0 } == [.renewed, .refused])
        }
    }

    @Test("A refresh without an answer is told as put off")
    func toldLost() async throws {
        try await Self.run { setting in
            let told = Mutex<[TokenRefresh]>([])
            let keeper = setting.keeper(tell: { outcome in told.withLock { $0.append(outcome) } })
            setting.wall.pass(.seconds(400_000))
            setting.tokens.behave { $0.lostRefreshes = 1 }
            _ = await keeper.token(of: setting.lane)
            #expect(told.withLock { $0 } == [.putOff])
        }
    }

    @Test("A token moved to another row or column opens nowhere")
    func bound() async throws {
        try await Self.run { setting in
            let other = LaneKey(user: UserID(SystemIDSource().next()), provider: .trakt)
            try await TraktTest.connect(other, as: "demo-mallory", in: setting.inner.store)
            _ = try await setting.inner.pool.execute(
                PGCommand(
                    "tests.steal",
                    """
                    UPDATE scrobble_connections t SET access_token_encrypted = s.access_token_encrypted
                    FROM scrobble_connections s WHERE s.user_id = $1 AND t.user_id = $2
                    """), [.id(setting.lane.user), .id(other.user)])
            #expect(try await setting.inner.store.tokens(of: other, until: QueueTest.deadline()) == nil)
            _ = try await setting.inner.pool.execute(
                PGCommand(
                    "tests.swap",
                    "UPDATE scrobble_connections SET refresh_token_encrypted = access_token_encrypted WHERE user_id = $1"
                ),
                [.id(setting.lane.user)])
            let tokens = try #require(
                try await setting.inner.store.tokens(of: setting.lane, until: QueueTest.deadline()))
            #expect(tokens.refresh == nil)
        }
    }

    @Test("What a refresh was answered decides what it means", arguments: [400, 401, 403, 429, 500, 504, 200])
    func replies(status: Int) {
        func reply(_ body: String, isHTML: Bool = false) -> TokenReply {
            TokenReply(
                TraktAnswer(status: status, isHTML: isHTML, retryAfter: "7", rateLimit: nil, body: Array(body.utf8)),
                now: SystemWallClock().now)
        }
        switch status {
        case 400, 401:
            #expect(reply(#"{"error":"invalid_grant"}"#) == .invalidGrant)
            #expect(reply(#"{"error":"invalid_client"}"#) == .clientRefused)
            #expect(reply("<html>", isHTML: true) == .unknown)
            #expect(reply("") == .unknown)
        case 403:
            #expect(reply("") == .clientRefused)
            #expect(reply("<html>", isHTML: true) == .wait(.seconds(900)))
        case 429: #expect(reply("") == .wait(.seconds(7)))
        default: #expect(reply("<html>", isHTML: true) == .unknown, "a page of something in between is no token")
        }
    }
}
