import Testing

@testable import RPC

@Suite struct RetryTests {
    private static let unavailable = RPCError.unavailable("down")

    private func decide(
        _ rule: inout RetryRule, _ failure: AttemptFailure, _ budget: inout RetryBudget,
        remaining: Duration = .seconds(5)
    ) -> RetryRule.Decision {
        rule.decide(failure, remaining: remaining, random: 0.5, budget: &budget)
    }

    /// 1 000 calls to a service that always fails: at most a tenth more attempts than calls, after the initial burst.
    @Test func theBudgetBoundsTheTries() {
        let limits = RPCLimits()
        var budget = RetryBudget(burst: limits.retryBurstMax, percent: limits.retryPercentMax)
        var tries = 0
        for _ in 0..<1_000 {
            budget.earn()
            var rule = RetryRule(isIdempotent: true, attempt: 0, limits: limits)
            tries += 1
            while case .retry = decide(&rule, .answered(Self.unavailable), &budget) { tries += 1 }
        }
        #expect(tries > 1_000)
        #expect(tries <= 1_100 + limits.retryBurstMax)
    }

    @Test func onlyWhatIsSafeIsRetried() {
        let limits = RPCLimits()
        var budget = RetryBudget(burst: 10, percent: 10)
        var idempotent = RetryRule(isIdempotent: true, attempt: 0, limits: limits)
        #expect(decide(&idempotent, .lost, &budget) == .retry(after: limits.retryBackoffInitial * 0.5))
        var changing = RetryRule(isIdempotent: false, attempt: 0, limits: limits)
        #expect(decide(&changing, .lost, &budget) == .fail(.outcomeUnknown))
        #expect(decide(&changing, .answered(Self.unavailable), &budget) == .fail(Self.unavailable))
        let other = RPCError(code: 1_010, message: "absent")
        #expect(decide(&idempotent, .answered(other), &budget) == .fail(other))
    }

    @Test func whatWasNotProcessedMovesOnceWithoutBudget() {
        var budget = RetryBudget(burst: 0, percent: 0)
        var rule = RetryRule(isIdempotent: false, attempt: 3, limits: RPCLimits())
        #expect(decide(&rule, .notProcessed, &budget) == .move)
        #expect(rule.retries == 0)
        guard case .fail(let error) = decide(&rule, .notProcessed, &budget) else {
            Issue.record("a second move")
            return
        }
        #expect(error.code == RPCError.Code.unavailable)
    }

    @Test func onlyTheFirstLayerRetries() {
        var budget = RetryBudget(burst: 10, percent: 10)
        var rule = RetryRule(isIdempotent: true, attempt: 1, limits: RPCLimits())
        #expect(decide(&rule, .answered(Self.unavailable), &budget) == .fail(Self.unavailable))
        #expect(budget.hundredths == 1_000)
    }

    @Test func triesAndTimeAreBounded() {
        var limits = RPCLimits()
        limits.attemptsPerCallMax = 3
        var budget = RetryBudget(burst: 10, percent: 10)
        var rule = RetryRule(isIdempotent: true, attempt: 0, limits: limits)
        for retry in 1...2 {
            #expect(decide(&rule, .lost, &budget) == .retry(after: .milliseconds(25) * Double(1 << (retry - 1)) * 0.5))
        }
        guard case .fail = decide(&rule, .lost, &budget) else {
            Issue.record("a fourth try")
            return
        }
        var late = RetryRule(isIdempotent: true, attempt: 0, limits: limits)
        guard case .fail = decide(&late, .lost, &budget, remaining: .milliseconds(12)) else {
            Issue.record("a retry beyond the deadline")
            return
        }
        #expect(budget.hundredths == 800)
    }

    @Test func connectBackoffGrowsToItsCapAndResets() {
        let limits = RPCLimits()
        var backoff = ConnectBackoff(limits)
        #expect(backoff.wait(random: 0.5) == .seconds(1))
        #expect(backoff.wait(random: 0.5) == .seconds(1) * 1.6)
        for _ in 0..<20 { _ = backoff.wait(random: 0) }
        #expect(backoff.wait(random: 0.5) == .seconds(10))
        #expect(backoff.wait(random: 0) == .seconds(10) * 0.8)
        backoff.reset()
        #expect(backoff.wait(random: 0.5) == .seconds(1))
    }
}
