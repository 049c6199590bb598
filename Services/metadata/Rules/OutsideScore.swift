/// How current an outside score is, and whether it is a rating at all.
package enum ScoreStatus: String, Sendable, Hashable, CaseIterable {
    /// Reported at the last refresh.
    case fresh
    /// The provider could not be asked at the last refresh; this is the older value.
    case stale
    /// The figure counts interest and is not a rating, so there is no score.
    case popularity
}

/// One source's score of one title, normalized.
package struct OutsideScore: Sendable, Hashable {
    package let source: ScoreSource
    /// As the source shows it, such as "7.5/10".
    package let value: String
    /// The score in hundredths of a point, 0 … 10 000; nil if the figure is not a rating.
    package let scoreHundredths: Int64?
    /// The number of people who rated, above 0; nil if the source does not say.
    package let votes: Int64?
    /// The provider that reported it.
    package let via: ProviderID
    /// Milliseconds since 1970.
    package private(set) var fetchedAtMilliseconds: Int64
    package var status: ScoreStatus
    /// The page on which the source shows it.
    package let url: String?

    package init(
        source: ScoreSource, value: String, scoreHundredths: Int64?, votes: Int64?, via: ProviderID,
        fetchedAtMilliseconds: Int64, status: ScoreStatus, url: String? = nil
    ) {
        self.source = source
        self.value = value
        self.scoreHundredths = scoreHundredths
        self.votes = votes
        self.via = via
        self.fetchedAtMilliseconds = fetchedAtMilliseconds
        self.status = status
        self.url = url
    }

    /// Returns the same score, confirmed just now.
    package func confirmed(atMilliseconds now: Int64) -> OutsideScore {
        var score = self
        score.fetchedAtMilliseconds = now
        return score
    }

    /// The score on the scale of 0 to 100, to two decimals.
    package var score: Double? { scoreHundredths.map { Double($0) / 100 } }
}

/// A figure that cannot be on its source's scale: kept apart and reported, never merged.
package struct QuarantinedScore: Sendable, Hashable {
    package let source: ScoreSource
    package let figure: NativeFigure
    package let votes: Int64?
    package let via: ProviderID
    /// Milliseconds since 1970.
    package let fetchedAtMilliseconds: Int64
}

/// The meaning of a provider's figure for one source.
package enum ScoreReading: Sendable, Hashable {
    case score(OutsideScore)
    /// The provider says that there is no rating.
    case noRating
    case quarantined(QuarantinedScore)

    /// The highest score, in hundredths of a point.
    package static let scoreHundredthsMax: Int64 = 10_000
    /// The highest number of votes that is believed, 2⁵³ − 1.
    package static let votesMax: Int64 = 9_007_199_254_740_991

    /// Normalizes one figure.
    ///
    /// No figure, zero votes, and 0 on a scale that starts above it mean "no rating", never a score of 0. A figure
    /// outside its scale is quarantined. A negative or implausible number of votes counts as not given.
    package init(
        source: ScoreSource, figure: NativeFigure?, votes: Int64? = nil, via: ProviderID, fetchedAtMilliseconds: Int64,
        url: String? = nil
    ) {
        let believed = votes.flatMap { (0...Self.votesMax).contains($0) ? $0 : nil }
        guard let figure, believed != 0, source.countsZero || figure.millionths != 0 else {
            self = .noRating
            return
        }
        let score = source.scale.scoreHundredths(figure)
        if let score, !(0...Self.scoreHundredthsMax).contains(score) {
            self = .quarantined(
                QuarantinedScore(
                    source: source, figure: figure, votes: believed, via: via,
                    fetchedAtMilliseconds: fetchedAtMilliseconds))
            return
        }
        self = .score(
            OutsideScore(
                source: source, value: source.scale.shown(figure), scoreHundredths: score, votes: believed, via: via,
                fetchedAtMilliseconds: fetchedAtMilliseconds, status: score == nil ? .popularity : .fresh, url: url))
    }
}
