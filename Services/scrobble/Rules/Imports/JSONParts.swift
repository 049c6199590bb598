/// Parts a JSON array into its elements without holding more than one; a text that is no array is one element.
///
/// Only as much of the grammar as tells where an element ends: each is decoded, and so checked, by whoever gets it.
package struct JSONParts: Sendable {
    package enum Failure: Error, Sendable, Hashable {
        /// The text ends within an element or an array, or brackets do not fit.
        case broken(element: Int)
    }

    package enum Part: Sendable, Hashable {
        case element([UInt8])
        /// Larger than `bytesMax`: it was passed over, and nothing of it is kept.
        case tooLarge
    }

    /// Bytes that the next element is given room for, at the most, from what the one before took.
    private static let usualBytes = 4 << 10

    private let bytesMax: Int
    private var element: [UInt8] = []
    /// Whether the element at hand is beyond `bytesMax` and only its end is looked for.
    private var isTooLarge = false
    private var count = 0
    private var depth = 0
    /// 1 within an array, whose elements are wanted; 0 for a text that is one element itself.
    private var base: Int?
    private var isInString = false
    private var isEscaped = false
    private var isOver = false

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Reads on; `show` gets each element that is complete, with its number from 1.
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

    /// The end of the text; an empty one holds nothing.
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
        // Given away whole: a copy of it, or the room of a large one for each that follows, would be dear.
        let whole = element
        element = []
        element.reserveCapacity(min(whole.count, Self.usualBytes))
        show(count, .element(whole))
    }
}
