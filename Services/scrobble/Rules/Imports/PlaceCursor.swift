import Cryptography

/// A position among the rows of an import: everything up to it has been shown.
enum PlaceCursor {
    private static let mark = UInt8(ascii: "p")

    static func text(_ place: Int) -> String {
        Base64.encodeURL([mark] + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: place >> $0) })
    }

    /// Parses the output of `text`; nil for anything else.
    static func place(_ text: String) -> Int? {
        guard let bytes = Base64.decodeURL(text), bytes.count == 5, bytes[0] == mark else { return nil }
        let place = bytes.dropFirst().reduce(0) { $0 << 8 | Int($1) }
        return place <= Int(Int32.max) ? place : nil
    }
}
