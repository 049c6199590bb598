/// Splits a JSON array into its elements without holding more than one; a text that is not an array is one element.
///
/// Parses only as much of the grammar as is needed to find the end of an element: the receiver decodes, and thereby
/// validates, each one.
package struct JSONParts: Sendable {
    package enum Failure: Error, Sendable, Hashable {
        /// The text ends inside an element or an array, or brackets do not match.
        case broken(element: Int)
    }

    package enum Part: Sendable, Hashable {
        case element([UInt8])
        /// Larger than `bytesMax`: it was skipped, and nothing of it is kept.
        case tooLarge
    }

    /// The largest capacity, in bytes, that is reserved for the next element based on the size of the previous one.
    private static let usualBytes = 4 << 10

    private let bytesMax: Int
    private var element: [UInt8] = []
    /// Whether the current element is larger than `bytesMax`, so that only its end is looked for.
    private var isTooLarge = false
    private var count = 0
    private var depth = 0
    /// 1 inside an array, whose elements are wanted; 0 for a text that is itself one element.
    private var base: Int?
    private var isInString = false
    private var isEscaped = false
    private var isOver = false

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Parses a chunk; `show` receives each complete element, with its number from 1.
    package mutating func feed(
        _ chunk: [UInt8], _ show: (_ number: Int, _ part: Part) -> Void
    ) throws(Failure) {
        for byte in chunk {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                append(byte)
                continue
            }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                if hasBegun { append(byte) }
            // A byte order mark.
            case _ where base == nil && (byte == 0xEF || byte == 0xBB || byte == 0xBF): break
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard !isOver else { throw .broken(element: count + 1) }
                depth += 1
                if base == nil {
                    base = byte == UInt8(ascii: "[") ? 1 : 0
                    if base == 1 { continue }
                }
                append(byte)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
                guard let base, depth >= 0 else { throw .broken(element: count + 1) }
                if base == 1, depth == 0 {
                    end(show)
                    isOver = true
                } else {
                    append(byte)
                    if depth == 0 {
                        end(show)
                        isOver = true
                    }
                }
            case UInt8(ascii: ",") where base == 1 && depth == 1: end(show)
            default:
                if byte == UInt8(ascii: "\"") { isInString = true }
                if base == nil { base = 0 }
                append(byte)
            }
        }
    }

    /// Ends the text; an empty one has no elements.
    package mutating func finish() throws(Failure) {
        guard depth == 0, !isInString, !hasBegun else { throw .broken(element: count + 1) }
    }

    private var hasBegun: Bool { isTooLarge || !element.isEmpty }

    private mutating func append(_ byte: UInt8) {
        if isTooLarge { return }
        guard element.count < bytesMax else {
            isTooLarge = true
            element = []
            return
        }
        element.append(byte)
    }

    private mutating func end(_ show: (Int, Part) -> Void) {
        guard hasBegun else { return }
        count += 1
        guard !isTooLarge else {
            isTooLarge = false
            return show(count, .tooLarge)
        }
        // Handed over as a whole: copying it, or reserving a large element's capacity for each later one, would be
        // expensive.
        let whole = element
        element = []
        element.reserveCapacity(min(whole.count, Self.usualBytes))
        show(count, .element(whole))
    }
}
