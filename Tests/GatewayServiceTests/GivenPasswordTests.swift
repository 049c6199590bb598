import Contracts
import Cryptography
import Postgres
import RPC
import Store
import Testing

@testable import GatewayService

/// What a password printed by an administrator's command can be used for.
@Suite struct GivenPasswordTests {
    private static let given = "aXk3-odd_Xq7wLg0vT2s"
    private static let day = Duration.seconds(24 * 3_600)

    /// Adds an account as `add-user` does.
    private static func add(_ name: String, to home: Household) async throws {
        let hash = try await home.accounts.hash(given)
        try await home.store.add(
            Username(name), UserID(SystemIDSource().next()), hash, at: home.wall.now, limits: GatewayLimits(),
            until: Household.deadline())
    }

    /// Resets the password as `reset-password` does.
    private static func reset(_ name: String, in home: Household) async throws {
        let hash = try await home.accounts.hash(given)
        let found = try await home.store.resetPassword(
            of: name, to: hash, limits: GatewayLimits(), until: Household.deadline())
        _ = try #require(found)
    }

    private static func loginRefusal(_ home: Household, _ name: String, _ password: String) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in _ = try await home.logIn(name, password) }
    }

    private static func changeRefusal(
        _ home: Household, _ caller: EdgeCaller, _ current: String, _ new: String
    ) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in
            try await home.changePassword(caller, from: current, to: new)
        }
    }

    @Test(
        "It opens a session that is there to change it, and is worth nothing once that is done",
        arguments: [false, true])
    func changed(isReset: Bool) async throws {
        try await Household.live { home async throws in
            if isReset {
                let chosen = try await home.register("alice")
                #expect(chosen.user.changePasswordBy == nil)
                try await Self.reset("alice", in: home)
            } else {
                try await Self.add("alice", to: home)
            }
            let grant = try await home.logIn("alice", Self.given)
            let end = try #require(grant.user.changePasswordBy)
            // This machine's clock and that of Postgres may differ.
            let expected = home.wall.now.advanced(by: Self.day)
            #expect(end > expected.advanced(by: .seconds(-60)) && end < expected.advanced(by: .seconds(60)))
            for copy in 0..<2 {
                let caller = try await home.caller(grant, at: copy)
                #expect(caller?.hasGivenPassword == true)
            }
            let renewed = try await home.refresh(grant)
            #expect(renewed.user.changePasswordBy == end)
            let callers = [try await home.caller(renewed), try await home.caller(renewed, at: 1)]
            #expect(callers.map { $0?.hasGivenPassword } == [true, true])
            let caller = try #require(callers[0])

            #expect(await Self.changeRefusal(home, caller, Self.given, Self.given) == .weakPassword)
            #expect(await Self.changeRefusal(home, caller, Household.phrase, "a newer odd phrase") == .wrongPassword)
            try await home.changePassword(caller, from: Self.given, to: Household.phrase)
            // At once, at every copy, even though each looked it up a moment ago.
            for copy in 0..<2 {
                let free = try await home.caller(renewed, at: copy)
                #expect(free?.hasGivenPassword == false)
            }
            #expect(await Self.loginRefusal(home, "alice", Self.given) == .invalidCredentials)
            // Nor by way of another password.
            #expect(await Self.changeRefusal(home, caller, Household.phrase, Self.given) == .weakPassword)
            home.wall.pass(Self.day * 2)
            let later = try await home.logIn("alice")
            #expect(later.user.changePasswordBy == nil)
            let member = try await home.caller(later)
            #expect(member?.hasGivenPassword == false)
        }
    }

    private static let failures = PGStatement(
        "tests.failures", "SELECT coalesce(sum(failures), 0)::bigint FROM login_throttles"
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("After its day it is refused as a wrong one is, and its sessions have ended with it")
    func expired() async throws {
        try await Household.live { home async throws in
            try await Self.add("alice", to: home)
            home.wall.pass(Self.day - .seconds(60))
            let grant = try await home.logIn("alice", Self.given)
            let before = try await home.caller(grant)
            #expect(before != nil)
            home.wall.pass(.seconds(120))
            for copy in 0..<2 {
                let after = try await home.caller(grant, at: copy)
                #expect(after == nil)
            }
            let refusal = await Household.refusal { () async throws(RPCError) in _ = try await home.refresh(grant) }
            #expect(refusal == .invalidRefreshToken)
            let counted = try await home.pool.first(Self.failures)
            #expect(await Self.loginRefusal(home, "alice", Self.given) == .invalidCredentials)
            let more = try await home.pool.first(Self.failures)
            #expect(counted == 0 && more != 0, "it counts as a guess")
        }
    }

    private static let setAsBefore = PGCommand("tests.setAsBefore", "UPDATE users SET password_hash = $1")

    @Test("One that a copy of the version before has changed is the person's own")
    func besideVersionBefore() async throws {
        try await Household.live { home async throws in
            try await Self.add("alice", to: home)
            let hash = try await home.accounts.hash(Household.phrase)
            try await home.pool.execute(Self.setAsBefore, [.text(hash)], deadline: Household.deadline())
            home.wall.pass(Self.day * 2)
            let grant = try await home.logIn("alice")
            #expect(grant.user.changePasswordBy == nil)
            let caller = try await home.caller(grant)
            #expect(caller?.hasGivenPassword == false)
        }
    }

    /// Rehashing the same password used to make it valid forever.
    @Test("It stays what it is where another copy wants hashes of other parameters")
    func otherParameters() async throws {
        try await Household.live(logN: [4, 5]) { home async throws in
            try await Self.add("alice", to: home)
            for _ in 0..<2 {
                let grant = try await home.logIn("alice", Self.given, at: 1)
                #expect(grant.user.changePasswordBy != nil)
            }
        }
    }

    /// An intruder in an account could go on changing its password until a change took place after the reset.
    @Test("Who is in the account when an administrator sets another password has no say any more")
    func lastWord() async throws {
        try await Household.live { home async throws in
            let grant = try await home.register("alice")
            let found = try await home.caller(grant)
            let thief = try #require(found)
            try await Self.reset("alice", in: home)
            #expect(await Self.changeRefusal(home, thief, Self.given, "a newer odd phrase") == .unauthenticated)
            let mine = try await home.logIn("alice", Self.given)
            #expect(mine.user.changePasswordBy != nil)
        }
    }

    /// It used to get its earlier answer, and the printed password stayed in place.
    @Test("A change that a reset has undone is no answer to the same request that comes again")
    func repeatedAfterReset() async throws {
        try await Household.live { home async throws in
            let grant = try await home.register("alice")
            let found = try await home.caller(grant)
            let before = try #require(found)
            for _ in 0..<2 {
                try await home.changePassword(before, from: Household.phrase, to: "a newer odd phrase", key: "k")
            }
            try await Self.reset("alice", in: home)
            let renewed = try await home.logIn("alice", Self.given)
            let present = try await home.caller(renewed)
            let after = try #require(present)
            let again = await Household.refusal { () async throws(RPCError) in
                try await home.changePassword(after, from: Household.phrase, to: "a newer odd phrase", key: "k")
            }
            #expect(again == .wrongPassword)
        }
    }

    /// Anyone who had tried the expired password used to wait for up to a quarter of an hour with the next one.
    @Test(
        "What failed before a reset keeps nobody waiting after it: from anywhere, from a known network, at the change")
    func failuresBefore() async throws {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 3
        limits.failureWaitMin = .seconds(60)
        try await Household.live(limits) { home async throws in
            try await Self.add("alice", to: home)
            for _ in 0..<2 {
                for _ in 0..<3 {
                    #expect(await Self.loginRefusal(home, "alice", "not this phrase") == .invalidCredentials)
                }
                #expect(await Self.loginRefusal(home, "alice", Self.given) == .tooManyAttempts)
                try await Self.reset("alice", in: home)
                // From here on, the network is known.
                _ = try await home.logIn("alice", Self.given)
            }
            func newcomer() async throws -> EdgeCaller {
                let grant = try await home.logIn("alice", Self.given)
                let caller = try await home.caller(grant)
                return try #require(caller)
            }
            let alice = try await newcomer()
            for _ in 0..<3 {
                #expect(await Self.changeRefusal(home, alice, "not this phrase", Household.phrase) == .wrongPassword)
            }
            #expect(await Self.changeRefusal(home, alice, Self.given, Household.phrase) == .tooManyAttempts)
            try await Self.reset("alice", in: home)
            let next = try await newcomer()
            #expect(await Self.changeRefusal(home, next, Self.given, Household.phrase) == nil)
        }
    }
}
