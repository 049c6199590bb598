package import Contracts

/// The moment at which an import came: nothing that it tells of has happened later.
package struct ImportPresent: Sendable {
    private let latest: Timestamp
    private let latestDay: CalendarDate

    package init(_ moment: Timestamp) {
        latest = moment.advanced(by: PlayDates.aheadMax)
        latestDay = PlayDates.latestDay(at: moment)
    }

    /// The row with a problem where one of its dates lies ahead; nil where none does. A rating is dated back when it is written.
    package func refused(_ row: ImportedRow) -> ImportedRow? {
        var date: String?
        switch row.kind {
        case .play, .review, .watched:
            if let at = row.watchedAt, at > latest { date = "watched at: \(at)" }
            if let day = row.watchedOn, day > latestDay { date = "watched date: \(day)" }
        // A day stands there as its start by UTC, where it may be tomorrow yet.
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
