/// Every bound of bringing in files; times are `Duration`, counts end in `Max`.
package struct ImportLimits: Sendable, Hashable {
    /// Files of one upload.
    package var filesMax = 100
    /// Bytes of all files of an upload: 50 MiB.
    package var uploadBytesMax = 50 << 20
    /// How long an upload may take before it is given up; requests end long before.
    package var uploadLife = Duration.seconds(3_600)
    /// Files that are listed of one import, those within archives included.
    package var filesListedMax = 1_000
    /// Rows of an import.
    package var rowsMax = 2_000_000
    /// Imports of a person that are not at their end.
    package var openMax = 20
    /// Rows that are written by one statement.
    package var rowsAtOnce = 1_000
    /// Titles of an import that its reader remembers to have kept; those beyond are put again with each row.
    package var titlesRemembered = 65_536
    /// From so many rows on the planner is told of an import at once; smaller ones do without.
    package var analysedRowsMin = 1_000
    /// Titles that metadata is asked for at once; its own bound is 500.
    package var titlesAtOnce = 500
    /// Rows that are judged or applied together. The rows of a title stay together beyond it: somewhat fewer than the ledger takes at
    /// once, so that a page is seldom two calls.
    package var pageRows = 900
    /// Bytes of one element of a JSON file: 256 KiB.
    package var elementBytesMax = 256 << 10
    /// Bytes of a show with all of its episodes, which is one element: 4 MiB, some 16,000 episodes of a collection.
    package var showElementBytesMax = 4 << 20
    /// Bytes of one row of `reelay.json`, which may hold a review twice, as text and as it came: 1 MiB.
    package var losslessElementBytesMax = 1 << 20
    /// How long a worker may hold an import without a sign of life, by the database's clock.
    package var lease = Duration.seconds(60)
    /// How often imports are looked for where nobody rings, with jitter of a quarter either way.
    package var poll = Duration.seconds(1)
    /// The longest that one step of a worker may take.
    package var stepTimeout = Duration.seconds(30)
    /// The longest that a look at an import waits for it to rest, and how often it looks.
    package var waitMax = Duration.seconds(25)
    package var waitInterval = Duration.milliseconds(100)
    /// Wait of an import whose step failed, before it is tried again; doubles up to `backoffMax`.
    package var backoffMin = Duration.seconds(2)
    package var backoffMax = Duration.seconds(600)
    /// Failures of one import in a row before it is given up.
    package var failuresMax = 12

    package init() {}
}
