/// The name that a client gives a request, told back in the answer and written beside it in the log.
package enum RequestID {
    /// Bytes of a name.
    package static let bytesMax = 64

    /// The name in fields of `X-Request-Id`; nil where there is none, or none that may stand in a log and an answer.
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
