import Testing
import TestSupport

@testable import Postgres

/// The thread that sends a lone read watches for its answer itself.
@Suite struct PGWatchTests {
    private static let text = PGStatement("tests.repeat", "SELECT repeat('x', $1::int)") { row throws(PGError) in
        try row.next(String.self)
    }

    /// Answers in one piece and in many, watched for as long as it takes, for hardly any time, and not at all; alone
    /// and beside other calls, which end the watching.
    @Test(arguments: [Duration.zero, .nanoseconds(1), .microseconds(400), .seconds(1)])
    func longAnswersArriveWhole(_ watch: Duration) async throws {
        var limits = PGLimits()
        limits.answerWatch = watch
        limits.answerWatchMax = watch * 2
        try await TestDatabase.withPool("watch", limits: limits) { pool in
            for count in [0, 1, 8_000, 8_192, 20_000, 300_000, 3_000_000] {
                for _ in 0..<5 {
                    #expect(try await pool.first(Self.text, [.text("\(count)")])?.utf8.count == count)
                }
                try await withThrowingTaskGroup(of: Int?.self) { group in
                    for other in 0..<4 {
                        group.addTask { try await pool.first(Self.text, [.text("\(count + other)")])?.utf8.count }
                    }
                    var sum = 0
                    for try await length in group { sum += length ?? 0 }
                    #expect(sum == 4 * count + 6)
                }
            }
        }
    }

    /// An answer that does not come is given up and reported by the loop.
    @Test func aDeadlineHoldsWhileSomebodyLooks() async throws {
        var limits = PGLimits()
        limits.answerWatch = .milliseconds(300)
        limits.answerWatchMax = .milliseconds(300)
        try await TestDatabase.withPool("watch", limits: limits) { pool in
            for _ in 0..<3 {
                let failure = await failureOf { () throws(PGError) in
                    try await pool.query(Statements.sleep, [.double(600)], deadline: .now + .milliseconds(50))
                }
                #expect(failure?.kind == .deadlineExceeded)
            }
            let sum = try await pool.first(Statements.add, [.int(1), .int(1)])
            #expect(sum == 2)
        }
    }

    @Test func lookingInVainBecomesRare() {
        var rule = PGWatchRule()
        var lookCount = 0
        for _ in 0..<10_000 where rule.mayStart() {
            lookCount += 1
            rule.note(isAnswered: false)
        }
        #expect(lookCount < 25)
        // Once answers arrive in time, all are watched for again.
        while !rule.mayStart() {}
        for _ in 0..<12 { rule.note(isAnswered: true) }
        var isLooking = true
        for _ in 0..<100 { isLooking = rule.mayStart() && isLooking }
        #expect(isLooking)
    }
}
