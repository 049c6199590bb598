/// The limits of enrichment.
package struct EnrichmentLimits: Sendable {
    /// The longest that all providers together may take while somebody waits for the title.
    package var foregroundMax = Duration.seconds(12)
    /// The same while nobody waits.
    package var backgroundMax = Duration.seconds(60)
    /// The part of a call's time that is reserved for storing what was found.
    package var storingReserve = Duration.seconds(1)
    /// Attempts to store a title that others are storing at the same time.
    package var attemptsMax = 5

    package init() {}
}

/// The limits of refreshing due titles in the background.
package struct RefreshLimits: Sendable {
    /// Titles that one replica refreshes at the same time.
    package var titlesMax = 80
    /// How often due titles are looked for and demand is written.
    package var interval = Duration.seconds(2)
    /// The longest that finding due titles, or writing demand, may take.
    package var storeTimeout = Duration.seconds(10)

    package init() {}
}

/// How much of the changes of a title's scores is kept.
package enum HistoryLimits {
    /// The age beyond which a source's changes are thinned to the last one of each week.
    package static let weeklyAfter = Duration.seconds(90 * 86_400)
    /// The age beyond which they are thinned to the last one of each month.
    package static let monthlyAfter = Duration.seconds(730 * 86_400)
    /// Changes of one title, across all sources; the oldest are removed first.
    package static let changesMax = 2_000
}
