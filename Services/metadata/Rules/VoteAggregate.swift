/// The mean of a title's outside scores, weighted by their votes, and the number of those votes.
///
/// Sources that do not count votes (critics) and figures that are not ratings are left out.
package struct VoteAggregate: Sendable, Hashable {
    /// The mean in hundredths on the scale of 0 to 10, 0 … 1 000, rounded half up.
    package let averageHundredths: Int64
    /// The votes of all sources that count them, above 0 and at most 2⁵³ − 1.
    package let count: Int64

    /// Nil if no source counts votes.
    package init?(_ scores: [OutsideScore]) {
        var weighted: Int128 = 0
        var total: Int128 = 0
        for score in scores {
            guard let hundredths = score.scoreHundredths, let votes = score.votes, votes > 0 else { continue }
            weighted += Int128(hundredths) * Int128(votes)
            total += Int128(votes)
        }
        guard total > 0 else { return nil }
        averageHundredths = Int64(clamping: (weighted * 2 + total * 10) / (total * 20))
        count = min(Int64(clamping: total), ScoreReading.votesMax)
    }

    /// The mean on the scale of 0 to 10, to two decimals.
    package var average: Double { Double(averageHundredths) / 100 }
}
