import Contracts

/// A position in a list: everything up to it has been shown.
struct ListPlace: Sendable, Hashable {
    let rank: Int
    let title: TitleID

    init(rank: Int, title: TitleID) {
        self.rank = rank
        self.title = title
    }

    /// Parses a cursor; nil text is the beginning, and anything that is not a cursor gives nil.
    init?(_ text: String?) {
        guard let text else {
            self.init(rank: 0, title: TitleID(UUIDBits(high: 0, low: 0)))
            return
        }
        guard let place = HistoryCursor(text), let rank = Int32(exactly: place.listedAt.microsecondsSinceEpoch),
            rank >= 0
        else { return nil }
        self.init(rank: Int(rank), title: TitleID(place.id.uuid))
    }

    var text: String {
        HistoryCursor(
            listedAt: Timestamp(clampingMicrosecondsSinceEpoch: Int64(rank)), id: PlayID(title.uuid)
        ).text
    }
}
