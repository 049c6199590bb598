import Contracts

/// Splits ratings to be written into parts that the ratings service accepts in one call each. Pure.
enum RatingParts {
    /// The number of ratings in one call, as in the contract.
    static let itemsMax = 1_000
    /// The size of the reviews in one call as JSON, in bytes: a call is 1 MiB at most, and a thousand ratings without a
    /// review take a fifth of that.
    static let reviewBytesMax = 786_432

    /// Returns all of `items`, in order, in parts.
    static func cut(_ items: [RatingWrite]) -> [ArraySlice<RatingWrite>] {
        var parts: [ArraySlice<RatingWrite>] = []
        var start = 0
        var bytes = 0
        for (place, item) in items.enumerated() {
            let size = item.review.map(jsonBytes) ?? 0
            if place > start, place - start == itemsMax || bytes + size > reviewBytesMax {
                parts.append(items[start..<place])
                (start, bytes) = (place, 0)
            }
            bytes += size
        }
        if start < items.count { parts.append(items[start...]) }
        return parts
    }

    private static func jsonBytes(_ text: String) -> Int {
        text.utf8.reduce(0) { bytes, byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x09, 0x0A, 0x0D: bytes + 2
            case 0..<0x20: bytes + 6
            default: bytes + 1
            }
        }
    }
}
