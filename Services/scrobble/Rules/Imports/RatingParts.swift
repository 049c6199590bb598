import Contracts

/// Ratings to write, in parts that the ratings service takes in one call each. Pure.
enum RatingParts {
    /// Ratings of one call, as many as the contract has.
    static let itemsMax = 1_000
    /// Bytes of the reviews of one call, as JSON writes them: all of a call is 1 MiB at most, and a thousand ratings
    /// without a review are a fifth of that.
    static let reviewBytesMax = 786_432

    /// All of `items`, in their order.
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
