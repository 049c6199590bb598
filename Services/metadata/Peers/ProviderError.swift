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
    /// Was not asked: no turn came in time.
    case busy
    /// Was not asked: what is left of the day's calls, which end then (milliseconds since 1970), is left to others: people who
    /// wait, and films and shows before episodes.
    case reserved(untilMilliseconds: Int64)
    /// Was not asked: it is left alone after what it did lately.
    case resting(ProviderStanding.State)

    /// What is reported for the provider in a refresh.
    package var outcome: ProviderOutcome {
        switch self {
        case .notFound: .notMapped
        case .quota, .rateLimited, .busy, .reserved, .resting(.quota): .quota
        case .unauthorized, .unavailable, .malformed, .timeout, .resting: .error
        }
    }

    /// Why, for people; never holds an address or a key.
    package var detail: String {
        switch self {
        case .notFound: "It does not have the title."
        case .unauthorized: "It does not accept the key."
        case .quota: "Its allowance is used up."
        case .rateLimited: "It was asked too fast."
        case .unavailable(let why): "It cannot be reached: \(why.prefix(120))."
        case .malformed(let why): "Its answer cannot be understood: \(why.prefix(120))."
        case .timeout: "It did not answer in time."
        case .busy: "Its turn did not come in time."
        case .reserved: "What is left of its day's calls is for people who wait, then for films and shows."
        case .resting(.quota): "Its allowance is used up."
        case .resting(.keyRejected): "It does not accept the key."
        case .resting: "It failed too often and is left alone for a while."
        }
    }
}
