package import Contracts

/// The moment at which an import arrived: nothing it reports can have happened later.
package struct ImportPresent: Sendable {
    private let latest: Timestamp
    private let latestDay: CalendarDate

    package init(_ moment: Timestamp) {
        latest = moment.advanced(by: PlayDates.aheadMax)
        latestDay = PlayDates.latestDay(at: moment)
    }

    /// Returns the row with a problem if one of its dates lies ahead; nil if none does. A rating is dated back when
    /// written.
    package func refused(_ row: ImportedRow) -> ImportedRow? {
        var date: String?
        switch row.kind {
        case .play, .review, .watched:
            if let at = row.watchedAt, at > latest { date = "watched at: \(at)" }
            if let day = row.watchedOn, day > latestDay { date = "watched date: \(day)" }
        // A day is stored as its start in UTC, which may still lie ahead.
        case .watchlist, .like, .collection, .progress, .listItem:
            if let at = row.datedAt, at.date > latestDay { date = "date: \(at)" }
        case .rating, .list, .shown: break
        }
        guard let date else { return nil }
        var refused = row
        refused.problems = Array((row.problems ?? []).prefix(19)) + ["\(date) \(ImportText.ahead)"]
        return refused
    }
}
