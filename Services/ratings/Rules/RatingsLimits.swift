/// The limits of the ratings service that are not in the contract.
package enum RatingsLimits {
    /// The number of ratings or changes on a page if the caller gives none.
    static let pageRowsDefault = 50
    /// The number of changes in a part of the feed if the caller gives none.
    static let feedRowsDefault = 500
    /// The size of the reviews on a page or part, in bytes; one with more ends earlier. As JSON they are at most six
    /// times as large, which is below the 8 MiB that an answer may have.
    static let pageReviewBytesMax = 1_000_000
    /// The number of titles that one call for several people asks about.
    static let lookUpTitlesMax = 100
    /// The number of titles that one call restores.
    static let restoreTitlesMax = 1_000
    /// The size of the reviews that one call restores, in bytes (4 MiB); with more it ends earlier.
    static let restoreReviewBytesMax = 4_194_304
    /// The number of ratings that one statement removes or moves, and of statements in one call.
    static let sweepRowsMax = 1_000
    static let sweepStatementsMax = 50
    /// How long the answer to an idempotency key is kept.
    package static let keyLife = Duration.seconds(24 * 3_600)
    /// The number of ways in which the titles of a request may have been named before merges that are tried, to
    /// recognize a key kept by an earlier version.
    static let formerTitlesMax = 32
    /// How often expired keys are removed, and how many at a time.
    static let keySweepInterval = Duration.seconds(600)
    static let keySweepRowsMax = 10_000
}

/// The part of a list that fits on a page.
enum PageCut {
    /// How many of `sizes` (of a review each, in bytes) fit on a page of `limit` rows; at least one if there is one.
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
