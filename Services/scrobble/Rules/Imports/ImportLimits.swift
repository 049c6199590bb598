/// Every bound of file imports; times are `Duration`, counts end in `Max`.
package struct ImportLimits: Sendable, Hashable {
    /// The number of files in one upload.
    package var filesMax = 100
    /// The total size of the files of an upload, in bytes: 50 MiB.
    package var uploadBytesMax = 50 << 20
    /// How long an upload may take before it is given up; requests end long before that.
    package var uploadLife = Duration.seconds(3_600)
    /// The number of files listed for one import, including those in archives.
    package var filesListedMax = 1_000
    /// The number of rows in an import.
    package var rowsMax = 2_000_000
    /// The number of unfinished imports per person.
    package var openMax = 20
    /// The number of rows written by one statement.
    package var rowsAtOnce = 1_000
    /// The number of titles of an import that its reader remembers having stored; those beyond are stored again with
    /// each row.
    package var titlesRemembered = 65_536
    /// The number of rows from which on the query planner's statistics are updated for an import at once; smaller
    /// imports do without.
    package var analysedRowsMin = 1_000
    /// The number of titles in one query to metadata; its own bound is 500.
    package var titlesAtOnce = 500
    /// The number of rows judged or applied together; the rows of one title stay together even beyond it. It is
    /// slightly less than the ledger takes at once, so that a page rarely needs two calls.
    package var pageRows = 900
    /// The size of one element of a JSON file, in bytes: 256 KiB.
    package var elementBytesMax = 256 << 10
    /// The size of a show with all of its episodes, which is one element, in bytes: 4 MiB, some 16,000 episodes of a
    /// collection.
    package var showElementBytesMax = 4 << 20
    /// The size of one row of `reelay.json`, in bytes, which may hold a review twice, as text and as received: 1 MiB.
    package var losslessElementBytesMax = 1 << 20
    /// How long a worker may hold an import without renewing its lease, by the database's clock.
    package var lease = Duration.seconds(60)
    /// How often imports are looked for without a notification, with a jitter of ±25 %.
    package var poll = Duration.seconds(1)
    /// The timeout of one step of a worker.
    package var stepTimeout = Duration.seconds(30)
    /// How long a request for an import waits for it to come to rest, and how often it checks.
    package var waitMax = Duration.seconds(25)
    package var waitInterval = Duration.milliseconds(100)
    /// The wait before an import is retried after a failed step; doubles up to `backoffMax`.
    package var backoffMin = Duration.seconds(2)
    package var backoffMax = Duration.seconds(600)
    /// The number of consecutive failures after which an import is given up.
    package var failuresMax = 12

    package init() {}
}
