import Contracts
import RPC
import Testing

@testable import GatewayService

/// What a person must show who ends sessions of theirs, and which of them a login ends.
@Suite struct SessionProofTests {
    private static let tenMinutes = Duration.seconds(600)

    /// Alice's session that asks, and another one of hers.
    private static func withTwo(
        _ limits: GatewayLimits = GatewayLimits(),
        _ body: (_ home: Household, _ asking: EdgeCaller, _ other: EdgeCaller) async throws -> Void
    ) async throws {
        try await Household.live(limits) { home async throws in
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

    @Test("For ten minutes after its login a session ends others, and itself whenever it likes")
    func fresh() async throws {
        try await Self.withTwo { home, asking, other async throws in
            home.wall.pass(Self.tenMinutes - .seconds(1))
            #expect(await Self.endRefusal(home, other, by: asking) == nil)
            #expect(await Self.endRefusal(home, other, by: asking) == .loginNotFound)
            let third = try await home.logIn("alice")
            #expect(await Self.endOthersRefusal(home, by: asking) == nil)
            let ended = try await home.caller(third)
            #expect(ended == nil)
            home.wall.pass(Self.tenMinutes)
            #expect(await Self.endRefusal(home, asking, by: asking) == nil)
            let left = try await Self.count(home, asking)
            #expect(left == 0)
        }
    }

    @Test("Later it must show the password first, whatever was refreshed; without it nothing ends")
    func stale() async throws {
        try await Household.live { home async throws in
            let grant = try await home.register("alice")
            let second = try await home.logIn("alice")
            home.wall.pass(Self.tenMinutes)
            let renewed = try await home.refresh(grant)
            let (mine, others) = (try await home.caller(renewed), try await home.caller(second))
            let (asking, other) = (try #require(mine), try #require(others))
            #expect(await Self.endRefusal(home, other, by: asking) == .reauthenticationRequired)
            #expect(await Self.endOthersRefusal(home, by: asking) == .reauthenticationRequired)
            let kept = try await Self.count(home, asking)
            #expect(kept == 2)
            let wrong = await Household.refusal { () async throws(RPCError) in
                try await home.confirm(asking, "not this phrase")
            }
            #expect(wrong == .wrongPassword)
            #expect(await Self.endOthersRefusal(home, by: asking) == .reauthenticationRequired)
            try await home.confirm(asking)
            // What one session has shown counts for no other.
            #expect(await Self.endRefusal(home, asking, by: other) == .reauthenticationRequired)
            #expect(await Self.endRefusal(home, other, by: asking) == nil)
            #expect(await Self.endOthersRefusal(home, by: asking) == nil)
            home.wall.pass(Self.tenMinutes)
            #expect(await Self.endOthersRefusal(home, by: asking) == .reauthenticationRequired)
        }
    }

    @Test("A session that has ended proves nothing, though its token is believed for a moment")
    func gone() async throws {
        try await Self.withTwo { home, asking, other async throws in
            try await home.endOthers(by: asking)
            #expect(await Self.endRefusal(home, asking, by: other) == .reauthenticationRequired)
            #expect(await Self.endOthersRefusal(home, by: other) == .reauthenticationRequired)
            let confirmed = await Household.refusal { () async throws(RPCError) in try await home.confirm(other) }
            #expect(confirmed == .unauthenticated)
            let left = try await Self.count(home, asking)
            #expect(left == 1)
        }
    }

    @Test("Guesses are slowed down, together with those at a change of the password; a right one clears them")
    func guesses() async throws {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 3
        limits.failureWaitMin = .seconds(60)
        try await Self.withTwo(limits) { home, asking, _ async throws in
            func guess() async -> RegistryError? {
                await Household.refusal { () async throws(RPCError) in
                    try await home.confirm(asking, "not this phrase")
                }
            }
            for _ in 0..<2 { #expect(await guess() == .wrongPassword) }
            try await home.confirm(asking)
            for _ in 0..<3 { #expect(await guess() == .wrongPassword) }
            #expect(await guess() == .tooManyAttempts)
            let right = await Household.refusal { () async throws(RPCError) in try await home.confirm(asking) }
            #expect(right == .tooManyAttempts)
            let change = await Household.refusal { () async throws(RPCError) in
                try await home.changePassword(asking, from: Household.phrase, to: "a newer odd phrase")
            }
            #expect(change == .tooManyAttempts)
        }
    }

    @Test("Once confirmed, a session counts as fresh for closing the account, too")
    func closing() async throws {
        try await Self.withTwo { home, asking, _ async throws in
            home.wall.pass(.seconds(900))
            func close() async throws -> Bool {
                try await home.store.close(
                    asking.user, asking: SessionID(asking.credential),
                    freshSince: home.wall.now.advanced(by: .seconds(-900)), until: Household.deadline())
            }
            let early = try await close()
            #expect(!early)
            try await home.confirm(asking)
            let late = try await close()
            #expect(late)
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
            // Of a stranger's, of nobody's and of no form: nothing changes, and nothing is refused.
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
            // Twice renewed, and the client shows what it had at first.
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
