package import Contracts
import Cryptography

/// A position in a person's history: everything listed before it has been shown.
package struct HistoryCursor: Sendable, Hashable {
    package let listedAt: Timestamp
    package let id: PlayID

    /// The position before the first row.
    package static let newest = HistoryCursor(
        listedAt: Timestamp(clampingMicrosecondsSinceEpoch: .max), id: PlayID(UUIDBits(high: .max, low: .max)))

    /// The position before the first row of a list in ascending order.
    package static let oldest = HistoryCursor(
        listedAt: Timestamp(clampingMicrosecondsSinceEpoch: .min), id: PlayID(UUIDBits(high: 0, low: 0)))

    package init(listedAt: Timestamp, id: PlayID) {
        self.listedAt = listedAt
        self.id = id
    }

    /// Parses the output of `text`; nil for anything else.
    init?(_ text: String) {
        guard let bytes = Base64.decodeURL(text), bytes.count == 24 else { return nil }
        let moment = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let listedAt = Timestamp(microsecondsSinceEpoch: Int64(bitPattern: moment)),
            let id = PlayID(bytes: bytes.suffix(16))
        else { return nil }
        self.init(listedAt: listedAt, id: id)
    }

    var text: String {
        let moment = UInt64(bitPattern: listedAt.microsecondsSinceEpoch)
        let bytes = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: moment >> UInt64($0)) }
        return Base64.encodeURL(bytes + id.uuid.bytes)
    }
}
