package import Contracts

/// Which plays of a history to return; nil returns all.
package struct HistoryFilter: Sendable, Hashable {
    package let kind: TitleKind?
    package let title: TitleID?
    /// The show whose episodes to return.
    package let series: TitleID?
    /// At or after this moment, and before that one; a play known to the day counts as noon UTC. A play of unknown date
    /// is in no range.
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

    /// Whether only plays of unknown date are wanted (true), only the others (false), or both (nil).
    var wantsUnknown: Bool? { unknownDate ?? (from != nil || until != nil ? false : nil) }

    /// The columns, besides the person, that decide which index is used.
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
