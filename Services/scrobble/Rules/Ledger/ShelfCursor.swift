package import Contracts

/// A position on a shelf: everything before it has been shown.
package struct ShelfCursor: Sendable, Hashable {
    package let at: Timestamp
    package let title: TitleID

    /// The position before the first item.
    package static let newest = ShelfCursor(
        at: Timestamp(clampingMicrosecondsSinceEpoch: .max), title: TitleID(UUIDBits(high: .max, low: .max)))

    package init(at: Timestamp, title: TitleID) {
        self.at = at
        self.title = title
    }

    /// Parses the output of `text`; nil for anything else.
    init?(_ text: String) {
        guard let place = HistoryCursor(text) else { return nil }
        self.init(at: place.listedAt, title: TitleID(place.id.uuid))
    }

    var text: String { HistoryCursor(listedAt: at, id: PlayID(title.uuid)).text }
}
