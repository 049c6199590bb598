package import CoreMetrics

/// How a call to a provider ended; the labels of its counter.
package enum CallOutcome: String, Sendable, Hashable, CaseIterable {
    case ok
    /// The provider does not have what it was asked for.
    case notFound = "not_found"
    /// It was asked too fast, or its allowance is exhausted.
    case limited
    /// It does not accept the key.
    case refused
    /// It could not be reached, is broken, or did not answer the question.
    case failed
    /// It took too long, or the caller gave up.
    case timeout

    /// Nil for a call that was not made.
    package init?(_ error: ProviderError?) {
        switch error {
        case nil: self = .ok
        case .notFound: self = .notFound
        case .quota, .rateLimited: self = .limited
        case .unauthorized: self = .refused
        case .unavailable, .malformed: self = .failed
        case .timeout: self = .timeout
        case .busy, .resting, .reserved: return nil
        }
    }
}

/// The metrics of calls to one provider.
package final class ProviderCalls: Sendable {
    /// All exist from the start: a counter first read at one does not show that it rose.
    private let counters: [CallOutcome: Counter]
    private let timer: Timer

    package init(_ provider: ProviderID, factory: any MetricsFactory) {
        counters = Dictionary(
            uniqueKeysWithValues: CallOutcome.allCases.map { outcome in
                let dimensions = [("provider", provider.rawValue), ("outcome", outcome.rawValue)]
                return (outcome, Counter(label: "provider_calls_total", dimensions: dimensions, factory: factory))
            })
        timer = Timer(
            label: "provider_call_duration_seconds", dimensions: [("provider", provider.rawValue)], factory: factory)
    }

    /// Records that a call has ended, with what its answer meant and how long it took.
    func ended(_ error: ProviderError?, after duration: Duration) {
        guard let outcome = CallOutcome(error) else { return }
        counters[outcome]?.increment()
        let (seconds, attoseconds) = duration.components
        timer.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
