/// The bounds of the ratings service that the contract does not have.
package enum RatingsLimits {
    /// Ratings or changes of a page where the caller does not say.
    static let pageRowsDefault = 50
    /// Changes of a part of the feed where the caller does not say.
    static let feedRowsDefault = 500
    /// Bytes of the reviews on one page or part; one that has more ends earlier. As JSON they are six times as many at the
    /// most, which is less than the 8 MiB that an answer may have.
    static let pageReviewBytesMax = 1_000_000
    /// Titles about which one call for several people asks.
    static let lookUpTitlesMax = 100
    /// Titles that one call puts back.
    static let restoreTitlesMax = 1_000
    /// Bytes of the reviews that one call puts back; with more it ends earlier. 4 MiB.
    static let restoreReviewBytesMax = 4_194_304
    /// Ratings that one statement removes or moves, and statements of one call.
    static let sweepRowsMax = 1_000
    static let sweepStatementsMax = 50
    /// How long the answer to an idempotency key is kept.
    package static let keyLife = Duration.seconds(24 * 3_600)
    /// Ways in which the titles of a request may have been named before merges that are tried, to recognise a key that a version
    /// before has kept.
    static let formerTitlesMax = 32
    /// How often expired keys are looked for, and how many go at once.
    static let keySweepInterval = Duration.seconds(600)
    static let keySweepRowsMax = 10_000
}

/// The part of a list that fits on a page.
enum PageCut {
    /// How many of `sizes` (bytes of review each) fit on a page of `limit`; at least one where there is one.
    static func count(_ sizes: some Sequence<Int>, limit: Int, bytesMax: Int) -> Int {
        var bytes = 0
        var count = 0
        for size in sizes {
            bytes += size
            if count == limit || count > 0 && bytes > bytesMax { break }
            count += 1
        }
        return count
    }
}
