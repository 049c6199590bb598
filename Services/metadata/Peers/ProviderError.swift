/// Why a provider gave no answer; a closed set, the same for all of them.
package enum ProviderError: Error, Sendable, Hashable {
    /// The provider does not have the title.
    case notFound
    /// The key is wrong or was revoked: asking again is useless until somebody changes it.
    case unauthorized
    /// The allowance is exhausted, until the given time if it is known (milliseconds since 1970).
    case quota(untilMilliseconds: Int64?)
    /// Asked too fast; how long to wait, if the provider says so.
    case rateLimited(retryAfter: Duration?)
    /// Unreachable or broken: a network fault, a 5xx status, or a web page instead of an answer.
    case unavailable(String)
    /// Answered something that does not answer the question.
    case malformed(String)
    /// Took too long, or the caller gave up.
    case timeout
    /// Not asked: no turn came in time.
    case busy
    /// Not asked: the rest of the day's calls is reserved, until the day ends (milliseconds since 1970), for people who
    /// wait, and for films and shows before episodes.
    case reserved(untilMilliseconds: Int64)
    /// Not asked: it is left alone for a while because of how recent calls ended.
    case resting(ProviderStanding.State)

    /// The outcome reported for the provider in a refresh.
    package var outcome: ProviderOutcome {
        switch self {
        case .notFound: .notMapped
        case .quota, .rateLimited, .busy, .reserved, .resting(.quota): .quota
        case .unauthorized, .unavailable, .malformed, .timeout, .resting: .error
        }
    }

    /// The reason, for people; never holds an address or a key.
    package var detail: String {
        switch self {
        case .notFound: "It does not have the title."
        case .unauthorized: "It does not accept the key."
        case .quota: "Its allowance is used up."
        case .rateLimited: "It was called too often."
        case .unavailable(let why): "It is unavailable: \(why.prefix(120))."
        case .malformed(let why): "Its answer cannot be understood: \(why.prefix(120))."
        case .timeout: "It did not answer in time."
        case .busy: "Its turn did not come in time."
        case .reserved:
            "Its remaining calls of the day are reserved for people who are waiting, then for films and shows."
        case .resting(.quota): "Its allowance is used up."
        case .resting(.keyRejected): "It does not accept the key."
        case .resting: "It failed too often and is not called for a while."
        }
    }
}
