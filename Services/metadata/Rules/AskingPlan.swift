/// How asking a provider ended the last time.
struct KeptOutcome: Sendable, Hashable {
    let outcome: ProviderOutcome
    let detail: String?
    /// Milliseconds since 1970.
    let askedAtMilliseconds: Int64
    let nextAtMilliseconds: Int64?
}

/// Which providers a refresh asks, and whose last answers still hold.
struct AskingPlan: Sendable, Hashable {
    let asked: Set<ProviderID>
    /// Providers whose stored facts count as their answer, because it is too early to ask again.
    let kept: Set<ProviderID>

    /// `isForced` asks every provider that may be asked: a person wants to know now. An answer holds for at least
    /// `interval` milliseconds: a turn that comes early, because some failed or had no allowance left, is for those.
    init(
        kind: SubjectKind, enabled: [ProviderProfile], facts: [ProviderID: ProviderFacts],
        outcomes: [ProviderID: KeptOutcome], now: Int64, isForced: Bool, interval: Int64 = 0
    ) {
        var asked: Set<ProviderID> = []
        var kept: Set<ProviderID> = []
        for profile in enabled where profile.kinds.contains(kind) {
            let provider = profile.provider
            // A provider that must not be retried must not be asked early either.
            let isPatient = !isForced || !profile.mayRetry
            if let facts = facts[provider], outcomes[provider]?.outcome.isAnswer != false,
                now - facts.fetchedAtMilliseconds < max(profile.keeping.answer.milliseconds, interval), isPatient
            {
                kept.insert(provider)
            } else if let next = outcomes[provider]?.nextAtMilliseconds, next > now, isPatient {
                continue
            } else {
                asked.insert(provider)
            }
        }
        self.asked = asked
        self.kept = kept
    }

    /// Returns when a provider with this outcome may be asked about the title again, in milliseconds since 1970; nil
    /// for the title's own next turn.
    static func nextAt(
        _ outcome: ProviderOutcome, _ error: ProviderError?, profile: ProviderProfile, now: Int64, spread: UInt64
    ) -> Int64? {
        switch outcome {
        case .ok, .noRating, .skipped: return nil
        case .notMapped: return now + profile.keeping.absence.milliseconds
        case .quota:
            let rest = profile.restAfterRefusal.milliseconds
            switch error {
            // It only had no turn in time.
            case .busy?: return now + min(rest, 3_600_000)
            // Spread out, so that not all come the moment the allowance renews.
            case .quota(let until?)?, .reserved(let until)?:
                return until + RefreshSchedule.jittered(18 * 3_600_000, seed: spread) - 18 * 3_600_000
            default: return now + rest
            }
        case .error: return profile.mayRetry ? nil : now + profile.keeping.answer.milliseconds
        }
    }
}

extension ProviderOutcome {
    /// Whether the provider said something about the title.
    var isAnswer: Bool { self == .ok || self == .noRating }
}

extension Duration {
    /// Whole milliseconds, clamped to Int64.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000)
        return overflows ? .max : product + attoseconds / 1_000_000_000_000_000
    }
}
