import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import GatewayService

/// How failed logins make wait, as two copies of the gateway count them in a real Postgres.
@Suite struct LoginThrottleTests {
    /// Two copies on one database whose time is moved by hand.
    private struct Fixture {
        let stores: [GatewayStore]
        let pool: PGPool
        var limits = GatewayLimits()

        /// Makes an attempt at one copy: the seconds that it must wait, nil where it may be made.
        func admit(_ attempt: LoginAttempt, at copy: Int = 0) async throws -> Int? {
            try await stores[copy % 2].admit(attempt, limits: limits, until: LoginThrottleTests.deadline())
        }

        /// As if so much time had passed.
        func pass(_ seconds: Int) async throws {
            try await pool.execute(LoginThrottleTests.age, [.int(seconds)], deadline: LoginThrottleTests.deadline())
        }

        /// Failures of a subject, and how long its last one makes wait.
        func count(_ subject: LoginAttempt.Subject) async throws -> [Int]? {
            try await pool.first(LoginThrottleTests.counted, [.bytea(subject.digest)])
        }

        func login(_ name: String, _ address: String, isKnown: Bool = false) -> LoginAttempt {
            .login(Username(name), from: address, isKnown: isKnown, limits: limits)
        }
    }

    private static let age = PGCommand(
        "tests.age",
        """
        UPDATE login_throttles SET last_at = last_at - $1 * interval '1 second', free_at = free_at - $1 * interval '1 second'
        """)

    private static let counted = PGStatement(
        "tests.counted",
        """
        SELECT failures::bigint, extract(epoch FROM free_at - last_at)::bigint FROM login_throttles WHERE subject = $1
        """
    ) { row throws(PGError) in [try row.next(Int.self), try row.next(Int.self)] }

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    private static func withCopies(_ body: (Fixture) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            try await body(Fixture(stores: pools.map { GatewayStore(database: Database(pool: $0)) }, pool: pools[0]))
        }
    }

    private static func confirmation() -> LoginAttempt {
        .confirmation(by: UserID(SystemIDSource().next()), limits: GatewayLimits())
    }

    @Test("Nine failures cost nothing, the tenth a second, each further one twice as much, at the most 900 s")
    func doubling() async throws {
        try await Self.withCopies { fixture async throws in
            let attempt = Self.confirmation()
            let waits = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
            for (index, wait) in waits.enumerated() {
                #expect(try await fixture.admit(attempt, at: index) == nil)
                #expect(try await fixture.count(attempt.subjects[0]) == [index + 1, wait])
                if wait >= 64 {
                    // Who comes too early is told how long, and not counted.
                    let told = try #require(try await fixture.admit(attempt, at: index + 1))
                    #expect((wait - 20...wait).contains(told), "\(told)")
                    #expect(try await fixture.count(attempt.subjects[0]) == [index + 1, wait])
                }
                try await fixture.pass(wait)
            }
        }
    }

    @Test("Failures are forgotten when none came for an hour, and not before")
    func memory() async throws {
        try await Self.withCopies { fixture async throws in
            let attempt = Self.confirmation()
            for number in 0..<12 {
                #expect(try await fixture.admit(attempt, at: number) == nil)
                try await fixture.pass(10)
            }
            try await fixture.pass(3_500)
            #expect(try await fixture.admit(attempt) == nil)
            #expect(try await fixture.count(attempt.subjects[0]) == [13, 8])
            try await fixture.pass(3_601)
            #expect(try await fixture.admit(attempt) == nil)
            #expect(try await fixture.count(attempt.subjects[0]) == [1, 0])
        }
    }

    @Test("Of many at once, at two copies, as many are let through as cost nothing")
    func atOnce() async throws {
        try await Self.withCopies { fixture async throws in
            var fixture = fixture
            fixture.limits.failureWaitMin = .seconds(60)
            let (copies, attempt) = (fixture, Self.confirmation())
            let waits = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<40 { group.addTask { try await copies.admit(attempt, at: number) } }
                return try await group.reduce(into: [Int?]()) { $0.append($1) }
            }
            #expect(waits.count { $0 == nil } == 10)
            #expect(waits.allSatisfy { $0 == nil || (1...60).contains($0 ?? 0) }, "\(waits)")
            #expect(try await fixture.count(attempt.subjects[0]) == [10, 60])
        }
    }

    /// A device that went on with an old password was refused for its name, counted for its address all the same, and after
    /// fifty attempts its whole household was refused.
    @Test("What is refused for its name counts neither for its address nor in all")
    func refused() async throws {
        try await Self.withCopies { fixture async throws in
            var fixture = fixture
            fixture.limits.failureWaitMin = .seconds(60)
            let attempt = fixture.login("alice", "192.0.2.1")
            for number in 0..<10 { #expect(try await fixture.admit(attempt, at: number) == nil) }
            for number in 0..<60 { #expect(try await fixture.admit(attempt, at: number) != nil) }
            #expect(try await fixture.count(attempt.subjects[0]) == [10, 60])
            for subject in attempt.subjects.dropFirst() { #expect(try await fixture.count(subject) == [10, 0]) }
            #expect(try await fixture.admit(fixture.login("bob", "192.0.2.1")) == nil)
        }
    }

    /// Somebody with very many addresses could guess at very many names, each below its limit.
    @Test("All names and addresses together have a limit too, which keeps nobody out of where they have been before")
    func all() async throws {
        try await Self.withCopies { fixture async throws in
            var fixture = fixture
            fixture.limits.allFailuresMax = 20
            fixture.limits.failureWaitMin = .seconds(60)
            fixture.limits.allFailuresWaitMax = .seconds(60)
            var number = 0
            /// Another name from another address each time.
            func guess() -> LoginAttempt {
                number += 1
                return fixture.login("name\(number)", "203.0.113.\(number)")
            }
            for copy in 0..<20 { #expect(try await fixture.admit(guess(), at: copy) == nil) }
            let refused = guess()
            let wait = try #require(try await fixture.admit(refused))
            #expect((40...60).contains(wait), "\(wait)")
            // Nothing of it was counted.
            #expect(try await fixture.count(refused.subjects[0]) == nil)
            for copy in 0..<3 {
                #expect(try await fixture.admit(fixture.login("alice", "192.0.2.1", isKnown: true), at: copy) == nil)
            }
            // The wait does not double: one more each time it has passed.
            for failures in 21...24 {
                try await fixture.pass(60)
                let attempt = guess()
                #expect(try await fixture.admit(attempt) == nil)
                #expect(try await fixture.count(attempt.subjects[2]) == [failures, 60])
                #expect(try await fixture.admit(guess(), at: 1) != nil)
            }
            // One that was taken back makes room for another.
            try await fixture.pass(60)
            let attempt = guess()
            #expect(try await fixture.admit(attempt) == nil)
            try await fixture.stores[1].refund(attempt, until: Self.deadline())
            #expect(try await fixture.admit(guess()) == nil)
        }
    }
}
