/// Every bound of what Trakt is asked, beside those of the queue and of syncs.
package enum TraktLimits {
    /// Bytes of an answer that are read.
    package static let bodyBytesMax = 4_194_304
    /// Rows of a page that are asked for; Trakt may give fewer and says so.
    package static let pageRows = 250
    /// Pages of a list that are read.
    package static let pagesMax = 1_000
    /// Days without a job between two that are looked for by one reading.
    package static let readingGapDays = 14
    /// Readings of a history for the jobs of one claim, of films and of episodes each.
    package static let readingsMax = 16
    /// Rows of a history that are taken out by one write.
    package static let removedAtOnceMax = 100
    /// The longest that one reading of a page may take.
    package static let readTimeout = Duration.seconds(25)
    /// Before a page that failed in passing is asked for again: once for each.
    package static let readPauses = [Duration.seconds(2), .seconds(10)]
    /// The longest that one call about connecting may take.
    package static let connectTimeout = Duration.seconds(15)
    /// How long a facet stands still of which nothing more was taken, before a sync tries again by itself.
    package static let stoppedFor = Duration.seconds(86_400)
    /// How long a state and its verifier are good.
    package static let flowLife = Duration.seconds(600)
    /// How long one replica has a refresh for itself; longer than its call may take.
    package static let refreshLease = Duration.seconds(60)
    /// The longest that a refresh may take.
    package static let refreshTimeout = Duration.seconds(20)
    /// Who finds somebody else refreshing waits this long for the outcome, where the old token is dead already.
    package static let refreshPatience = Duration.seconds(5)
    /// First wait after a refresh without an answer; doubles up to the longest.
    package static let refreshWaitMin = Duration.seconds(60)
    package static let refreshWaitMax = Duration.seconds(6 * 3_600)
}
