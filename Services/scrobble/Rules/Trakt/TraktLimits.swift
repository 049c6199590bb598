/// Every bound of calls to Trakt, besides those of the queue and of syncs.
package enum TraktLimits {
    /// The size of a response that is read, in bytes.
    package static let bodyBytesMax = 4_194_304
    /// The number of rows requested per page; Trakt may return fewer, and says so.
    package static let pageRows = 250
    /// The number of pages read per list.
    package static let pagesMax = 1_000
    /// The number of days without a job between two jobs that one reading covers.
    package static let readingGapDays = 14
    /// The number of history readings for the jobs of one claim, for films and for episodes each.
    package static let readingsMax = 16
    /// The number of rows of a history removed by one write.
    package static let removedAtOnceMax = 100
    /// The timeout of reading one page.
    package static let readTimeout = Duration.seconds(25)
    /// The pauses before a page that failed temporarily is requested again, one per retry.
    package static let readPauses = [Duration.seconds(2), .seconds(10)]
    /// The timeout of one call for connecting.
    package static let connectTimeout = Duration.seconds(15)
    /// How long a facet of which nothing more was accepted is stopped before a sync tries it again.
    package static let stoppedFor = Duration.seconds(86_400)
    /// How long a state and its verifier are valid.
    package static let flowLife = Duration.seconds(600)
    /// How long one replica reserves a refresh; longer than its call may take.
    package static let refreshLease = Duration.seconds(60)
    /// The timeout of a refresh.
    package static let refreshTimeout = Duration.seconds(20)
    /// How long a caller waits for the outcome of someone else's refresh if the old token is already dead.
    package static let refreshPatience = Duration.seconds(5)
    /// The first wait after an unanswered refresh; doubles up to `refreshWaitMax`.
    package static let refreshWaitMin = Duration.seconds(60)
    package static let refreshWaitMax = Duration.seconds(6 * 3_600)
}
