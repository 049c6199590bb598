/// The outcome of asking one provider about one title.
package enum ProviderOutcome: String, Sendable, Hashable, CaseIterable {
    case ok
    /// Answered without a rating.
    case noRating = "none"
    /// The provider is not known to have the title.
    case notMapped = "not_mapped"
    /// Not asked: switched off or without a key.
    case skipped
    /// Not asked, or refused, because the allowance is used up.
    case quota
    case error
}

/// One provider's part in a refresh.
package struct ProviderAnswer: Sendable, Hashable {
    package let provider: ProviderID
    package let outcome: ProviderOutcome
    /// Empty unless the outcome is `ok`.
    package let scores: [OutsideScore]

    package init(provider: ProviderID, outcome: ProviderOutcome, scores: [OutsideScore] = []) {
        self.provider = provider
        self.outcome = outcome
        self.scores = outcome == .ok ? scores : []
    }
}

/// The scores of a title after a refresh: only a confirmed "no rating" removes a stored score.
package struct ScoreRefresh: Sendable, Hashable {
    /// In the fixed order of sources.
    package let scores: [OutsideScore]
    /// Answers that were not believed because they are too far from what is stored.
    package let doubted: [OutsideScore]

    /// The largest change, in hundredths of a point, that is believed with about as many votes.
    static let jumpHundredthsMax: Int64 = 3_000
    /// The age at which a stored score loses its privileges, 30 days.
    static let trustMillisecondsMax: Int64 = 30 * 24 * 3_600_000

    /// Joins what is stored with what a refresh brought.
    ///
    /// A stored score whose provider answered without it is removed. One whose provider could not be asked stays as
    /// stale; for 30 days it also takes precedence over the answer of a provider farther from the source. Providers
    /// that are not among the answers keep their scores unchanged.
    package init(stored: [OutsideScore], answers: [ProviderAnswer]) {
        let offered = MergedScores(answers.flatMap(\.scores))
        var outcomes: [ProviderID: ProviderOutcome] = [:]
        for answer in answers { outcomes[answer.provider] = answer.outcome }
        var kept: [ScoreSource: OutsideScore] = [:]
        for score in offered.scores { kept[score.source] = score }
        var doubted: [OutsideScore] = []
        for old in MergedScores(stored).scores {
            guard let new = kept[old.source] else {
                if let remaining = Self.remaining(old, outcome: outcomes[old.via]) { kept[old.source] = remaining }
                continue
            }
            guard new.fetchedAtMilliseconds - old.fetchedAtMilliseconds <= Self.trustMillisecondsMax else { continue }
            if Self.isDoubtful(new, beside: old) {
                doubted.append(new)
                kept[old.source] = Self.stale(old)
            } else if old.source.distance(of: old.via) < old.source.distance(of: new.via),
                let remaining = Self.remaining(old, outcome: outcomes[old.via])
            {
                kept[old.source] = remaining
            }
        }
        scores = kept.values.sorted { $0.source.order < $1.source.order }
        self.doubted = doubted
    }

    /// Returns what is left of a stored score that no answer replaces.
    private static func remaining(_ old: OutsideScore, outcome: ProviderOutcome?) -> OutsideScore? {
        switch outcome {
        case .ok, .noRating: nil
        case .notMapped, .skipped, .quota, .error: stale(old)
        case nil: old
        }
    }

    private static func stale(_ old: OutsideScore) -> OutsideScore {
        var old = old
        if old.status == .fresh { old.status = .stale }
        return old
    }

    private static func isDoubtful(_ new: OutsideScore, beside old: OutsideScore) -> Bool {
        guard let newScore = new.scoreHundredths, let oldScore = old.scoreHundredths,
            let newVotes = new.votes, let oldVotes = old.votes
        else { return false }
        return abs(newScore - oldScore) > jumpHundredthsMax && max(newVotes, oldVotes) / 2 <= min(newVotes, oldVotes)
    }
}
