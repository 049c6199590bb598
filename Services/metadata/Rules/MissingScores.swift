/// Why a source has no score for a title: the answer to "why no Rotten Tomatoes?".
struct MissingScores: Sendable, Hashable {
    struct Missing: Sendable, Hashable {
        let source: ScoreSource
        let reason: String
        let providers: [ProviderID]
    }

    let missing: [Missing]

    /// Lists every source without a score that some provider supplies for titles of this kind, with what became of
    /// asking each of those providers. Without `outcomes`, none has been asked yet.
    init(
        kind: SubjectKind, scores: [OutsideScore], outcomes: [ProviderID: KeptOutcome], profiles: [ProviderProfile]
    ) {
        let present = Set(scores.map(\.source))
        missing = ScoreSource.allCases.sorted { $0.order < $1.order }.compactMap { source in
            guard !present.contains(source) else { return nil }
            let tellers = profiles.filter { $0.sources.contains(source) && $0.kinds.contains(kind) }
                .sorted {
                    (source.distance(of: $0.provider), $0.provider.order) < (
                        source.distance(of: $1.provider), $1.provider.order
                    )
                }
            guard !tellers.isEmpty else { return nil }
            let reasons = tellers.map { Self.reason($0, outcomes[$0.provider], source) }
            return Missing(
                source: source, reason: String(reasons.joined(separator: " ").prefix(300)),
                providers: tellers.map(\.provider))
        }
    }

    private static func reason(_ profile: ProviderProfile, _ kept: KeptOutcome?, _ source: ScoreSource) -> String {
        switch kept?.outcome {
        case nil: "\(profile.name) has not been asked yet."
        case .ok, .noRating: "\(profile.name) has no \(source.name) score for it."
        case .notMapped: "\(profile.name) is not known to have the title."
        case .skipped: "\(profile.name) is switched off or lacks a key."
        case .quota: "The allowance of \(profile.name) is used up."
        case .error: "\(profile.name) failed when it was asked."
        }
    }
}
