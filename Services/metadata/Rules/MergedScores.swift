/// The best offer per source among any number of answers.
///
/// Merging takes the maximum of a total order per source, so the result depends neither on the order in which providers
/// answered nor on how often an answer is merged.
package struct MergedScores: Sendable, Hashable {
    private var best: [ScoreSource: OutsideScore] = [:]

    package init() {}

    package init(_ offers: some Sequence<OutsideScore>) {
        for offer in offers { add(offer) }
    }

    /// The chosen scores in the fixed order of sources, at most one from each.
    package var scores: [OutsideScore] { best.values.sorted { $0.source.order < $1.source.order } }

    package subscript(_ source: ScoreSource) -> OutsideScore? { best[source] }

    /// Adds an offer; one whose score is off the scale is left out.
    package mutating func add(_ offer: OutsideScore) {
        if let score = offer.scoreHundredths, !(0...ScoreReading.scoreHundredthsMax).contains(score) { return }
        guard let present = best[offer.source] else {
            best[offer.source] = offer
            return
        }
        if Preference(offer) < Preference(present) { best[offer.source] = offer }
    }

    package mutating func merge(_ other: MergedScores) {
        for offer in other.best.values { add(offer) }
    }

    /// Orders the offers of one source, the one to keep first: fresh ones; then by provider, the owner, OMDb, Trakt,
    /// Simkl; then the newest; then, only to be deterministic, by the fixed order of providers and the content itself.
    private struct Preference: Comparable {
        let offer: OutsideScore

        init(_ offer: OutsideScore) { self.offer = offer }

        private var standing: [Int64] {
            [
                offer.status == .stale ? 1 : 0,
                Int64(offer.source.distance(of: offer.via)),
                -offer.fetchedAtMilliseconds,
                Int64(offer.via.order),
                -(offer.votes ?? -1),
                -(offer.scoreHundredths ?? -1),
                offer.status == .popularity ? 1 : 0,
            ]
        }

        static func == (left: Preference, right: Preference) -> Bool { left.offer == right.offer }

        static func < (left: Preference, right: Preference) -> Bool {
            for (first, second) in zip(left.standing, right.standing) where first != second { return first < second }
            if left.offer.value != right.offer.value { return left.offer.value < right.offer.value }
            switch (left.offer.url, right.offer.url) {
            case (let first?, let second?): return first < second
            case (.some, nil): return true
            default: return false
            }
        }
    }
}
