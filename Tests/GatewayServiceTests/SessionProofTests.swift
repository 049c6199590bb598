import Contracts
import Logging
import RPC
import Testing

@testable import GatewayService

/// Which sessions of a person may end others, and which ones a login ends.
@Suite struct SessionProofTests {
    private static let freshness = Duration.seconds(900)

    /// Runs `body` with the session of alice's that makes the requests, and another one of hers.
    private static func withTwo(
        _ body: (_ home: Household, _ asking: EdgeCaller, _ other: EdgeCaller) async throws -> Void
    ) async throws {
        try await Household.live { home async throws in
            let grants = [try await home.register("alice"), try await home.logIn("alice")]
            let (first, second) = (try await home.caller(grants[0]), try await home.caller(grants[1]))
            try await body(home, try #require(first), try #require(second))
        }
    }

    private static func count(_ home: Household, _ caller: EdgeCaller) async throws -> Int {
        try await home.store.sessions(
            of: caller.user, at: home.wall.now, limits: GatewayLimits(), until: Household.deadline()
        ).count
    }

    private static func endRefusal(
        _ home: Household, _ session: EdgeCaller, by caller: EdgeCaller
    ) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in try await home.end(session.credential, by: caller) }
    }

    private static func endOthersRefusal(_ home: Household, by caller: EdgeCaller) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in try await home.endOthers(by: caller) }
    }

    @Test("For 15 minutes after its login a session ends others, and itself whenever it likes")
    func fresh() async throws {
        try await Self.withTwo { home, asking, other async throws in
            home.wall.pass(Self.freshness - .seconds(1))
            #expect(await Self.endRefusal(home, other, by: asking) == nil)
            #expect(await Self.endRefusal(home, other, by: asking) == .loginNotFound)
            let third = try await home.logIn("alice")
            #expect(await Self.endOthersRefusal(home, by: asking) == nil)
            let ended = try await home.caller(third)
            #expect(ended == nil)
            home.wall.pass(Self.freshness)
            #expect(await Self.endRefusal(home, asking, by: asking) == nil)
            let left = try await Self.count(home, asking)
            #expect(left == 0)
        }
    }

    @Test("Later there must be a new login, whatever was refreshed, which has other tokens; without it nothing ends")
    func stale() async throws {
        try await Household.live { home async throws in
            let grant = try await home.register("alice")
            let second = try await home.logIn("alice")
            home.wall.pass(Self.freshness)
            let renewed = try await home.refresh(grant)
            let (mine, others) = (try await home.caller(renewed), try await home.caller(second))
            let (asking, other) = (try #require(mine), try #require(others))
            #expect(await Self.endRefusal(home, other, by: asking) == .loginTooOld)
            #expect(await Self.endOthersRefusal(home, by: asking) == .loginTooOld)
            let kept = try await Self.count(home, asking)
            #expect(kept == 2)
            let again = try await home.logIn("alice", replacing: renewed.refreshToken)
            #expect(again.token != renewed.token && again.refreshToken != renewed.refreshToken)
            let found = try await home.caller(again)
            let fresh = try #require(found)
            // A copy of the old token is worthless, and the other session is as old as before.
            let old = try await home.caller(renewed)
            #expect(old == nil)
            #expect(await Self.endOthersRefusal(home, by: asking) == .loginTooOld)
            #expect(await Self.endRefusal(home, fresh, by: other) == .loginTooOld)
            #expect(await Self.endRefusal(home, other, by: fresh) == nil)
            #expect(await Self.endOthersRefusal(home, by: fresh) == nil)
            home.wall.pass(Self.freshness)
            #expect(await Self.endOthersRefusal(home, by: fresh) == .loginTooOld)
        }
    }

    private static func closingRefusal(_ home: Household, by caller: EdgeCaller) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in
            let erasure = AccountErasure(store: home.store, keepers: [], logger: Logger(label: "tests"))
            _ = try await DeleteMe(accounts: home.accounts, erasure: erasure).run(
                DeleteMeInput(), caller, Household.context())
        }
    }

    @Test("The list of sessions says until when a login is fresh, which holds for others' ends and for the account's")
    func told() async throws {
        try await Self.withTwo { home, asking, other async throws in
            let begun = home.wall.now
            home.wall.pass(.seconds(60))
            let listed = try await ListSessions(accounts: home.accounts).run(
                ListSessionsInput(), asking, Household.context()
            ).body.items
            for session in listed { #expect(session.freshUntil == begun.advanced(by: Self.freshness)) }
            #expect(listed.count == 2 && listed.contains { $0.isCurrent && $0.id.uuid == asking.credential })
            home.wall.pass(Self.freshness - .seconds(61))
            #expect(await Self.endRefusal(home, Self.nobody, by: asking) == .loginNotFound)
            home.wall.pass(.seconds(1))
            #expect(await Self.endRefusal(home, Self.nobody, by: asking) == .loginTooOld)
            #expect(await Self.closingRefusal(home, by: asking) == .loginTooOld)
            let again = try await home.caller(try await home.logIn("alice"))
            let fresh = try #require(again)
            #expect(await Self.closingRefusal(home, by: fresh) == nil)
            let left = try await Self.count(home, other)
            #expect(left == 0)
        }
    }

    /// A caller whose session does not exist.
    private static let nobody = EdgeCaller(
        user: UserID(UUIDBits(high: 7, low: 1)), credential: UUIDBits(high: 7, low: 2))

    @Test("A session that has ended proves nothing, though its token is believed for a moment")
    func gone() async throws {
        try await Self.withTwo { home, asking, other async throws in
            try await home.endOthers(by: asking)
            #expect(await Self.endRefusal(home, asking, by: other) == .loginTooOld)
            #expect(await Self.endOthersRefusal(home, by: other) == .loginTooOld)
            let left = try await Self.count(home, asking)
            #expect(left == 1)
        }
    }

    /// What a login of alice's reports to the audit.
    private static func told(_ home: Household, replacing token: String? = nil) async throws -> EdgeSubject.Facts {
        let context = Household.context()
        let body = LoginRequest(username: "alice", password: Household.phrase, refreshToken: token)
        _ = try await Login(accounts: home.accounts).run(LoginInput(body: body), context)
        return context.subject.facts
    }

    @Test("A login tells the audit which session it has ended, and where it ended none, none")
    func named() async throws {
        try await Household.live { home async throws in
            let (first, bob) = (try await home.register("alice"), try await home.register("bob"))
            let found = try await home.caller(first)
            let alice = try #require(found)
            let renewed = try await home.refresh(first)
            let none = try await Self.told(home, replacing: bob.refreshToken)
            #expect(none.person == alice.user && none.objects.isEmpty)
            let one = try await Self.told(home, replacing: renewed.refreshToken)
            #expect(one.person == alice.user && one.objects == [alice.credential])
            let again = try await Self.told(home, replacing: renewed.refreshToken)
            #expect(again.person == alice.user && again.objects.isEmpty)
        }
    }

    @Test("So does one that ended others because there were too many, however many these were")
    func surplusNamed() async throws {
        var limits = GatewayLimits()
        limits.sessionsMax = 2
        try await Household.live(limits) { home async throws in
            let found = try await home.caller(try await home.register("alice"))
            let first = try #require(found)
            home.wall.pass(.seconds(60))
            let second = try await Self.told(home)
            #expect(second.objects.isEmpty)
            home.wall.pass(.seconds(60))
            let third = try await Self.told(home)
            #expect(third.objects == [first.credential])
            home.wall.pass(.seconds(60))
            // As if an earlier version had allowed more.
            var fewer = GatewayLimits()
            fewer.sessionsMax = 1
            let listed = try await home.store.sessions(
                of: first.user, at: home.wall.now, limits: GatewayLimits(), until: Household.deadline())
            let known = try await home.store.credentials(
                of: Username("alice"), from: nil, decoy: "x", until: Household.deadline())
            let attempt = LoginAttempt.login(
                Username("alice"), from: "192.0.2.1", isKnown: false, limits: GatewayLimits())
            let (session, _, _) = home.accounts.newSession(at: home.wall.now)
            let ended = try await home.store.open(
                GatewayStore.OpenedLogin(
                    credentials: known, session: session, attempt: attempt, newHash: nil, shownFactor: nil),
                at: home.wall.now, limits: fewer, until: Household.deadline())
            #expect(ended.count == 2 && Set(ended) == Set(listed.map(\.id)))
        }
    }

    @Test("A login ends the session that its client had, by any refresh token that it ever had, and no other")
    func replaced() async throws {
        try await Household.live { home async throws in
            let (first, second) = (try await home.register("alice"), try await home.logIn("alice"))
            let bob = try await home.register("bob")
            for grant in [first, second, bob] {
                let caller = try await home.caller(grant)
                #expect(caller != nil)
            }
            // A stranger's, an unknown and a malformed token: nothing changes, and nothing is refused.
            for token in [bob.refreshToken, "reelay_rt_" + String(repeating: "A", count: 43), first.token] {
                _ = try await home.logIn("alice", replacing: token)
            }
            let wrong = await Household.refusal { () async throws(RPCError) in
                _ = try await home.logIn("alice", "not this phrase", replacing: first.refreshToken)
            }
            #expect(wrong == .invalidCredentials)
            let mine = try await home.caller(first)
            let alice = try #require(mine)
            let before = try await Self.count(home, alice)
            #expect(before == 5)

            let third = try await home.logIn("alice", replacing: first.refreshToken)
            let ended = try await home.caller(first)
            #expect(ended == nil, "at once")
            let refusal = await Household.refusal { () async throws(RPCError) in _ = try await home.refresh(first) }
            #expect(refusal == .invalidRefreshToken)
            // Renewed twice, and the client presents its first token.
            let renewed = try await home.refresh(try await home.refresh(third))
            let fourth = try await home.logIn("alice", replacing: third.refreshToken)
            let gone = try await home.caller(renewed)
            #expect(gone == nil)
            for grant in [second, fourth, bob] {
                let caller = try await home.caller(grant)
                #expect(caller != nil)
            }
            let after = try await Self.count(home, alice)
            #expect(after == 5)
        }
    }
}
