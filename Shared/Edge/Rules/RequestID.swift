/// The client's own identifier for a request, repeated in the answer and the log.
package enum RequestID {
    /// The longest identifier, in bytes.
    package static let bytesMax = 64

    /// Returns the identifier in fields of `X-Request-Id`; nil if there is none, or none that is safe in a log and an
    /// answer.
    package static func given(in fields: [String]) -> String? {
        guard fields.count == 1, let text = fields.first, (1...bytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy(isAllowed)
        else { return nil }
        return text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}
