package import Contracts

/// Which plays a history is asked for; nil asks for all.
package struct HistoryFilter: Sendable, Hashable {
    package let kind: TitleKind?
    package let title: TitleID?
    /// Of the episodes of a show.
    package let series: TitleID?
    /// At this moment or later, and before that one; a play known to the day is at noon UTC. What is of unknown date
    /// lies in no stretch of time.
    package let from: Timestamp?
    package let until: Timestamp?
    /// Only plays of unknown date, or only the others.
    package let unknownDate: Bool?

    package init(
        kind: TitleKind? = nil, title: TitleID? = nil, series: TitleID? = nil, from: Timestamp? = nil,
        until: Timestamp? = nil, unknownDate: Bool? = nil
    ) {
        self.kind = kind
        self.title = title
        self.series = series
        self.from = from
        self.until = until
        self.unknownDate = unknownDate
    }

    /// Whether plays of unknown date are left out, asked for alone, or neither.
    var wantsUnknown: Bool? { unknownDate ?? (from != nil || until != nil ? false : nil) }

    /// The columns that decide which index serves it, beside the person.
    var shape: HistoryShape {
        if title != nil { return .title }
        if series != nil { return .series }
        return kind == nil && wantsUnknown == nil ? .all : .some
    }
}

package enum HistoryShape: Sendable, Hashable, CaseIterable {
    case all
    case some
    case title
    case series
}
