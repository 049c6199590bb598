import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import GatewayService

/// How failed logins lead to waits, as two copies of the gateway count them in a real Postgres.
@Suite struct LoginThrottleTests {
    /// Two copies on one database whose clock is moved by hand.
    private struct Fixture {
        let stores: [GatewayStore]
        let pool: PGPool
        var limits = GatewayLimits()

        /// Makes an attempt at one copy; returns the seconds that it must wait, or nil if it is admitted.
        func admit(_ attempt: LoginAttempt, at copy: Int = 0) async throws -> Int? {
            try await stores[copy % 2].admit(attempt, limits: limits, until: LoginThrottleTests.deadline())
        }

        /// Moves the clock ahead by a number of seconds.
        func pass(_ seconds: Int) async throws {
            try await pool.execute(LoginThrottleTests.age, [.int(seconds)], deadline: LoginThrottleTests.deadline())
        }

        /// The failures of a subject that is not shared, and the wait in seconds after the last one.
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
        SELECT failures::bigint, CASE WHEN free_at = '-infinity' THEN 0 ELSE extract(epoch FROM free_at - last_at)::bigint END
        FROM login_throttles WHERE subject = $1
        """
    ) { row throws(PGError) in [try row.next(Int.self), try row.next(Int.self)] }

    private static let lock = PGCommand(
        "tests.lock", "SELECT 1 FROM login_throttles WHERE subject = $1 FOR UPDATE NOWAIT")

    private static let waiting = PGStatement(
        "tests.waiting",
        """
        SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE '%login_throttles%' AND datname = current_database())
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

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
                    // An attempt that comes too early is told how long to wait, and is not counted.
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
            // One more for an attempt that began just before the one that was counted last.
            #expect(waits.allSatisfy { $0 == nil || (1...61).contains($0 ?? 0) }, "\(waits)")
            #expect(try await fixture.count(attempt.subjects[0]) == [10, 60])
        }
    }

    /// A device that kept using an old password was refused by its name but still counted for its address, and after
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

    /// A subject without a wait used to be free only as of the last counted attempt, so later than one that had begun
    /// before it.
    @Test("An attempt is let through that began before another one which was counted first")
    func earlier() async throws {
        try await Self.withCopies { fixture async throws in
            let attempt = fixture.login("alice", "192.0.2.1")
            #expect(try await fixture.admit(attempt) == nil)
            // As if it had begun five seconds from now.
            try await fixture.pass(-5)
            let other = fixture.login("bob", "198.51.100.7")
            #expect(try await fixture.admit(other, at: 1) == nil)
            try await fixture.stores[1].refund(other, until: Self.deadline())
            try await fixture.pass(-5)
            #expect(try await fixture.admit(other) == nil)
            try await fixture.stores[0].clearFailures(attempt, until: Self.deadline())
            try await fixture.pass(-5)
            #expect(try await fixture.admit(attempt, at: 1) == nil)
        }
    }

    /// Two attempts that each held a row that the other wanted used to deadlock, and the database aborted one.
    @Test("Who waits for the count that all share holds no other meanwhile", arguments: [false, true])
    func order(takesBack: Bool) async throws {
        try await Self.withCopies { fixture async throws in
            // An attempt whose own row comes before the shared one by its digest.
            let attempts = (0..<100).map { fixture.login("name\($0)", "192.0.2.1") }
            let found = attempts.first { $0.subjects[0].digest.lexicographicallyPrecedes($0.subjects[2].digest) }
            let attempt = try #require(found)
            #expect(try await fixture.admit(attempt) == nil)
            let (waiters, started) = AsyncStream.makeStream(of: Task<Int?, any Error>.self)
            try await fixture.pool.withTransaction(deadline: Self.deadline()) { transaction throws(PGError) in
                try await transaction.execute(Self.lock, [.bytea(attempt.subjects[2].digest)])
                started.yield(
                    Task { () async throws -> Int? in
                        guard takesBack else { return try await fixture.admit(attempt, at: 1) }
                        try await fixture.stores[1].refund(attempt, until: Self.deadline())
                        return nil
                    })
                started.finish()
                let end = Self.deadline()
                while try await fixture.pool.first(Self.waiting) != true, ContinuousClock.now < end {
                    try? await Task.sleep(for: .milliseconds(5))
                }
                try await transaction.execute(Self.lock, [.bytea(attempt.subjects[0].digest)])
            }
            for await waiter in waiters {
                let wait = try await waiter.value
                #expect(wait == nil)
            }
        }
    }

    /// Somebody is always logging in somewhere, so nothing was ever forgotten.
    @Test("What all fail together is forgotten evenly, however often somebody tries, and is not kept without end")
    func evenly() async throws {
        try await Self.withCopies { fixture async throws in
            var fixture = fixture
            // One failure is forgotten every 180 seconds.
            fixture.limits.allFailuresMax = 20
            var number = 0
            func guess() -> LoginAttempt {
                number += 1
                return fixture.login("name\(number)", "203.0.113.\(number)")
            }
            let all = guess().subjects[2]
            for copy in 0..<10 { #expect(try await fixture.admit(guess(), at: copy) == nil) }
            #expect(try await fixture.count(all)?.first == 10)
            for copy in 0..<18 {
                try await fixture.pass(100)
                let attempt = guess()
                #expect(try await fixture.admit(attempt, at: copy) == nil)
                try await fixture.stores[1].refund(attempt, until: Self.deadline())
                if copy == 8 { #expect(try await fixture.count(all)?.first == 5) }
            }
            #expect(try await fixture.count(all)?.first == 0)
            // The count stops at 30: with eleven waits from the twentieth failure on, the longest needs no more.
            for copy in 0..<60 {
                try await fixture.pass(2)
                #expect(try await fixture.admit(guess(), at: copy) == nil)
            }
            #expect(try await fixture.count(all)?.first == 30)
        }
    }

    /// With very many addresses, an attacker could guess at very many names, staying below the limit of each.
    @Test("All names and addresses together have a limit too, which keeps nobody out of where they have been before")
    func all() async throws {
        try await Self.withCopies { fixture async throws in
            var fixture = fixture
            fixture.limits.allFailuresMax = 20
            fixture.limits.failureWaitMin = .seconds(60)
            fixture.limits.allFailuresWaitMax = .seconds(60)
            // Nothing is forgotten here.
            fixture.limits.failureMemory = .seconds(1_000_000)
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
            // None of it was counted.
            #expect(try await fixture.count(refused.subjects[0]) == nil)
            for copy in 0..<3 {
                #expect(try await fixture.admit(fixture.login("alice", "192.0.2.1", isKnown: true), at: copy) == nil)
            }
            // The wait does not double: one more attempt is admitted each time it has passed.
            for failures in 21...24 {
                try await fixture.pass(60)
                let attempt = guess()
                #expect(try await fixture.admit(attempt) == nil)
                #expect(try await fixture.count(attempt.subjects[2])?.first == failures)
                let wait = try #require(try await fixture.admit(guess(), at: 1))
                #expect((40...60).contains(wait), "\(wait)")
            }
            // A refunded attempt makes room for another.
            try await fixture.pass(60)
            let attempt = guess()
            #expect(try await fixture.admit(attempt) == nil)
            try await fixture.stores[1].refund(attempt, until: Self.deadline())
            #expect(try await fixture.admit(guess()) == nil)
        }
    }
}
