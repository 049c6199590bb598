import Contracts
import Testing

@testable import GatewayService

/// What a password attempt is counted for, and how long each failure makes it wait.
@Suite struct LoginAttemptTests {
    @Test(
        "Each wait is twice the one before, up to the longest",
        arguments: [
            (1, 900, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]),
            (1, 512, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
            (60, 900, [60, 120, 240, 480, 900]),
            (5, 5, [5]),
            (10, 3, [3]),
            (0, 900, [0]),
        ])
    func waits(first: Int, longest: Int, expected: [Int]) {
        var limits = GatewayLimits()
        limits.failureWaitMin = .seconds(first)
        limits.failureWaitMax = .seconds(longest)
        #expect(LoginAttempt.waits(limits) == expected)
    }

    @Test("What the limits are unless told otherwise")
    func figures() {
        let limits = GatewayLimits()
        #expect(LoginAttempt.waits(limits) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900])
        #expect(limits.failureMemory == .seconds(3_600))
        let attempt = Self.login("alice", "192.0.2.1")
        #expect(attempt.subjects.map(\.allowance) == [10, 50, 1_000])
        #expect(attempt.subjects.map(\.waitMaxSeconds) == [900, 900, 2])
        #expect(attempt.subjects.map(\.isShared) == [false, true, true])
    }

    private static func login(_ name: String, _ address: String, isKnown: Bool = false) -> LoginAttempt {
        .login(Username(name), from: address, isKnown: isKnown, limits: GatewayLimits())
    }

    @Test("A name, its address and all together are counted, each by itself")
    func subjects() {
        func shared(_ one: LoginAttempt, _ other: LoginAttempt) -> [Int] {
            one.subjects.indices.filter { other.subjects.contains(one.subjects[$0]) }
        }
        let attempt = Self.login("alice", "192.0.2.1")
        #expect(shared(attempt, Self.login("Alice", "192.0.2.1")) == [0, 1, 2])
        #expect(shared(attempt, Self.login("alice", "192.0.2.2")) == [0, 2])
        #expect(shared(attempt, Self.login("bob", "192.0.2.1")) == [1, 2])
        #expect(shared(attempt, Self.login("bob", "192.0.2.2")) == [2])
        // An IPv6 customer has tens of thousands of networks.
        let long = Self.login("alice", "2001:db8:1:2::1")
        #expect(shared(long, Self.login("bob", "2001:db8:1:ffff::2")) == [1, 2])
        #expect(shared(long, Self.login("bob", "2001:db8:2:2::1")) == [2])
        // Without an address, there is none to count for.
        #expect(Self.login("alice", "a socket").subjects.map(\.allowance) == [10, 1_000])
    }

    @Test("Who comes from a known network shares a count with nobody, and as much is counted")
    func known() {
        let known = Self.login("alice", "192.0.2.1", isKnown: true)
        let others = [
            Self.login("alice", "192.0.2.1"), Self.login("alice", "192.0.2.2", isKnown: true),
            Self.login("bob", "192.0.2.1", isKnown: true), Self.login("bob", "198.51.100.7"),
        ]
        for other in others {
            #expect(Set(known.subjects.map(\.digest)).isDisjoint(with: other.subjects.map(\.digest)))
        }
        #expect(Set(known.subjects.map(\.digest)).count == others[0].subjects.count)
        #expect(known.subjects[0].allowance == 10 && known.subjects.dropFirst().allSatisfy { $0.allowance > 1_000_000 })
    }
}
