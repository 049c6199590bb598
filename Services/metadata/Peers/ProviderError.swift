/// Why a provider gave no answer; the same closed set for all of them.
package enum ProviderError: Error, Sendable, Hashable {
    /// The provider does not have the title.
    case notFound
    /// The key is wrong or was withdrawn: asking again is useless until somebody changes it.
    case unauthorized
    /// The allowance is used up, until then where it is known (milliseconds since 1970).
    case quota(untilMilliseconds: Int64?)
    /// Asked too fast; how long to wait where the provider says so.
    case rateLimited(retryAfter: Duration?)
    /// Cannot be reached, or is broken: network fault, 5xx, a web page instead of an answer.
    case unavailable(String)
    /// Answered something that is no answer to the question.
    case malformed(String)
    /// Took too long, or the caller gave up meanwhile.
    case timeout

    /// What is reported for the provider in a refresh.
    package var outcome: ProviderOutcome {
        switch self {
        case .notFound: .notMapped
        case .quota, .rateLimited: .quota
        case .unauthorized, .unavailable, .malformed, .timeout: .error
        }
    }
}
