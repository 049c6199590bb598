/// One source's score when it changed; nil if the source has none from then on.
struct ScoreChanged: Sendable, Hashable {
    let source: ScoreSource
    let score: OutsideScore?

    /// Returns what a refresh changed, to one decimal on the scale of 0 to 100, in the fixed order of sources. A score
    /// that becomes stale is not a change.
    static func between(_ old: [OutsideScore], _ new: [OutsideScore]) -> [ScoreChanged] {
        let before = Dictionary(old.map { ($0.source, $0) }) { first, _ in first }
        let after = Dictionary(new.map { ($0.source, $0) }) { first, _ in first }
        return ScoreSource.allCases.sorted { $0.order < $1.order }.compactMap { source in
            let (one, other) = (before[source], after[source])
            if one == nil, other == nil { return nil }
            if let one, let other, shown(one) == shown(other) { return nil }
            return ScoreChanged(source: source, score: other)
        }
    }

    /// Returns the score to one decimal, or the figure itself if it is not a rating.
    private static func shown(_ score: OutsideScore) -> String {
        score.scoreHundredths.map { String(($0 + 5) / 10) } ?? score.value
    }
}
