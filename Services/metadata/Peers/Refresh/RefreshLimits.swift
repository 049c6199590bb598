/// Every bound of enrichment.
package struct EnrichmentLimits: Sendable {
    /// For all providers together, where somebody waits for the title.
    package var foregroundMax = Duration.seconds(12)
    /// The same, where nobody waits.
    package var backgroundMax = Duration.seconds(60)
    /// What is left of a call's time for storing what was found.
    package var storingReserve = Duration.seconds(1)
    /// Tries to store a title that others store at the same moment.
    package var attemptsMax = 5

    package init() {}
}

/// Every bound of working due titles in the background.
package struct RefreshLimits: Sendable {
    /// Titles that one replica works at the same moment.
    package var titlesMax = 80
    /// How often due titles are looked for, and demand is written.
    package var interval = Duration.seconds(2)
    /// How long finding due titles, and writing demand, may take.
    package var storeTimeout = Duration.seconds(10)

    package init() {}
}

/// What is kept of the changes of a title's scores.
package enum HistoryLimits {
    /// Older changes of a source are thinned to the last one of each week.
    package static let weeklyAfter = Duration.seconds(90 * 86_400)
    /// Older ones still to the last one of each month.
    package static let monthlyAfter = Duration.seconds(730 * 86_400)
    /// Changes of one title, of all sources together; the oldest go first.
    package static let changesMax = 2_000
}
