package import Contracts

/// The details of a shelf item besides its title and date.
package protocol ShelfDetails: Sendable, Hashable {
    /// Whether the item's date is part of its content, so that a later date alone is a change.
    static var isDated: Bool { get }
}

/// A title that a person keeps: on the watchlist, in the collection, among the likes, or half watched.
package struct ShelfItem<Details: ShelfDetails>: Sendable, Hashable {
    package let title: TitleID
    package let kind: TitleKind
    /// The item's own date: when it was listed, collected, liked, or last watched.
    package let at: Timestamp
    package let details: Details

    package init(title: TitleID, kind: TitleKind, at: Timestamp, details: Details) {
        self.title = title
        self.kind = kind
        self.at = at
        self.details = details
    }
}

package struct WatchlistDetails: ShelfDetails {
    package static var isDated: Bool { false }

    /// At most 2,000 bytes.
    package let note: String?
    /// Whether it is still wanted.
    package let status: WishStatus

    package init(note: String? = nil, status: WishStatus = .planToWatch) {
        self.note = note
        self.status = status
    }
}

/// The form in which a person owns a title, in the terms of its source.
package struct CollectionDetails: ShelfDetails {
    package static var isDated: Bool { false }

    /// Such as `digital`, `bluray` or `dvd`.
    package let mediaType: String?
    /// Such as `uhd_4k` or `hd_1080p`.
    package let resolution: String?
    /// Such as `dolby_vision` or `hdr10`.
    package let hdr: String?
    /// Such as `dolby_atmos` or `dts_ma`.
    package let audio: String?
    /// Such as `5.1`.
    package let audioChannels: String?
    package let is3D: Bool?

    package init(
        mediaType: String? = nil, resolution: String? = nil, hdr: String? = nil, audio: String? = nil,
        audioChannels: String? = nil, is3D: Bool? = nil
    ) {
        self.mediaType = mediaType
        self.resolution = resolution
        self.hdr = hdr
        self.audio = audio
        self.audioChannels = audioChannels
        self.is3D = is3D
    }
}

package struct LikeDetails: ShelfDetails {
    package static var isDated: Bool { false }

    package init() {}
}

package struct ProgressDetails: ShelfDetails {
    package static var isDated: Bool { true }

    /// 0 to 100.
    package let percent: Double

    package init(percent: Double) { self.percent = percent }
}

/// An existing item.
package struct KnownItem<Details: ShelfDetails>: Sendable, Hashable {
    package let item: ShelfItem<Details>
    /// Nil while it is on the shelf.
    package let removedAt: Timestamp?
    /// The road of its last write, and the batch; nil for a person's own click.
    package let source: String
    package let batch: BatchID?

    package init(item: ShelfItem<Details>, removedAt: Timestamp?, source: String, batch: BatchID?) {
        self.item = item
        self.removedAt = removedAt
        self.source = source
        self.batch = batch
    }
}
