/// Why one attempt of a call brought no result.
enum AttemptFailure: Sendable, Hashable {
    /// The peer certainly did not run it: never sent, refused, or above the last stream of a GOAWAY.
    case notProcessed
    /// The connection or stream broke after the call had been sent.
    case lost
    /// The peer answered with an error.
    case answered(RPCError)
}

/// Decides after each failed attempt of a call whether to retry it. Pure; one value per call.
struct RetryRule: Sendable {
    enum Decision: Sendable, Hashable {
        /// Retry at once on another connection, with the same attempt number: nothing has happened yet.
        case move
        /// Retry after the wait, with the next attempt number.
        case retry(after: Duration)
        case fail(RPCError)
    }

    private let isIdempotent: Bool
    private let mayRetry: Bool
    private let limits: RPCLimits
    private(set) var retries = 0
    private var moves = 0

    /// `attempt` is the number that the call came with: above 0 a caller further up retries, so this layer does not.
    init(isIdempotent: Bool, attempt: Int, limits: RPCLimits) {
        self.isIdempotent = isIdempotent
        mayRetry = attempt == 0
        self.limits = limits
    }

    /// Returns the decision, given the `remaining` time and a `random` in 0..<1; a retry is paid from `budget`.
    mutating func decide(
        _ failure: AttemptFailure, remaining: Duration, random: Double, budget: inout RetryBudget
    ) -> Decision {
        if failure == .notProcessed, moves < limits.transparentRetriesMax {
            moves += 1
            return .move
        }
        let error = self.error(of: failure)
        guard mayRetry, isRetryable(failure), retries + 1 < limits.attemptsPerCallMax else { return .fail(error) }
        let wait = retryBackoff(retry: retries + 1, random: random, limits: limits)
        guard wait < remaining, budget.spend() else { return .fail(error) }
        retries += 1
        return .retry(after: wait)
    }

    private func isRetryable(_ failure: AttemptFailure) -> Bool {
        switch failure {
        case .notProcessed: true
        case .lost: isIdempotent
        case .answered(let error): isIdempotent && error.code == RPCError.Code.unavailable
        }
    }

    private func error(of failure: AttemptFailure) -> RPCError {
        switch failure {
        case .notProcessed: .unavailable("The service did not accept the call.")
        case .lost: isIdempotent ? .unavailable("The connection to the service broke.") : .outcomeUnknown
        case .answered(let error): error
        }
    }
}
