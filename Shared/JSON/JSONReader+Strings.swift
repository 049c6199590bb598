extension JSONReader {
    /// The position of a string in the text: the bytes between its quotes.
    @usableFromInline
    struct StringSpan {
        @usableFromInline let start: Int
        @usableFromInline let count: Int
        @usableFromInline let hasEscapes: Bool
        @usableFromInline let isASCII: Bool

        @usableFromInline
        init(start: Int, count: Int, hasEscapes: Bool, isASCII: Bool) {
            self.start = start
            self.count = count
            self.hasEscapes = hasEscapes
            self.isASCII = isASCII
        }
    }

    /// Scans the string at the next quote and checks every byte of it.
    @usableFromInline
    mutating func scanString() throws(JSONError) -> StringSpan {
        let start = index + 1
        var position = start
        var hasEscapes = false
        var isASCII = true
        while true {
            position = JSONBytesScan.plainEnd(base, from: position, end: end)
            guard position < end else { throw ends(start) }
            let byte = base[position]
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position = try scanEscape(at: position)
            } else if byte < 0x20 {
                throw fail(at: start - 1, "has a control character that is not escaped")
            } else {
                isASCII = false
                let length = JSONBytesScan.utf8Length(base + position, count: end - position)
                guard length > 0 else { throw fail(at: start - 1, "is not valid UTF-8") }
                position &+= length
            }
        }
        if position - start > limits.stringBytesMax {
            throw fail(at: start - 1, "is longer than \(limits.stringBytesMax) bytes")
        }
        index = position + 1
        return StringSpan(start: start, count: position - start, hasEscapes: hasEscapes, isASCII: isASCII)
    }

    @inline(never)
    private func ends(_ start: Int) -> JSONError { fail(at: start - 1, "is not JSON: a string is not terminated") }

    /// Checks the escape at `position` and returns the position after it; a surrogate includes its partner.
    @inline(never)
    private func scanEscape(at position: Int) throws(JSONError) -> Int {
        guard position + 1 < end else { throw fail(at: position, "is not JSON: a string is not terminated") }
        switch base[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return position + 2
        case UInt8(ascii: "u"):
            guard let unit = hexUnit(at: position) else { break }
            if unit & 0xFC00 == 0xD800 {
                guard let low = hexUnit(at: position + 6), low & 0xFC00 == 0xDC00 else {
                    throw fail(at: position, "has a lone surrogate")
                }
                return position + 12
            }
            if unit & 0xFC00 == 0xDC00 { throw fail(at: position, "has a lone surrogate") }
            return position + 6
        default: break
        }
        throw fail(at: position, "has an escape that JSON does not define")
    }

    /// Returns the code unit of the `\uXXXX` at `position`, or nil if there is none.
    private func hexUnit(at position: Int) -> UInt16? {
        guard position + 6 <= end, base[position] == UInt8(ascii: "\\"), base[position + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for offset in 2..<6 {
            let byte = base[position + offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// Returns the bytes of a checked span with its escapes resolved.
    @usableFromInline
    func unescaped(_ span: StringSpan) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(span.count)
        var position = span.start
        let stop = span.start + span.count
        while position < stop {
            let byte = base[position]
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                position += 1
                continue
            }
            position += 2
            switch base[position - 1] {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"): position = appendUnit(at: position - 2, to: &result)
            case let plain: result.append(plain)
            }
        }
        return result
    }

    private func appendUnit(at position: Int, to result: inout [UInt8]) -> Int {
        guard let unit = hexUnit(at: position) else { return position + 2 }
        var value = UInt32(unit)
        var next = position + 6
        if unit & 0xFC00 == 0xD800, let low = hexUnit(at: next) {
            value = 0x1_0000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
            next += 6
        }
        if let scalar = Unicode.Scalar(value) { result.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
        return next
    }

    @usableFromInline
    func text(_ span: StringSpan) -> String {
        if span.hasEscapes { return String(decoding: unescaped(span), as: UTF8.self) }
        return String(decoding: UnsafeBufferPointer(start: base + span.start, count: span.count), as: UTF8.self)
    }
}

extension JSONReader {
    /// Reads a string.
    @usableFromInline
    package mutating func string() throws(JSONError) -> String {
        guard peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        return text(try scanString())
    }

    /// Reads a string of `min` to `max` characters (Unicode scalars, as in JSON Schema). Refuses U+0000, which JSON can
    /// express and Postgres cannot store.
    @usableFromInline
    package mutating func string(min: Int, max: Int = .max) throws(JSONError) -> String {
        guard peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        let offset = index
        let span = try scanString()
        let result = text(span)
        if span.hasEscapes, result.utf8.contains(0) { throw fail(at: offset, "contains U+0000") }
        let isExact = span.isASCII && !span.hasEscapes
        if isExact ? span.count < min || span.count > max : !Self.fits(result, min, max) {
            throw wrongLength(at: offset, result, min, max)
        }
        return result
    }

    private static func fits(_ text: String, _ min: Int, _ max: Int) -> Bool {
        // A scalar takes one to four bytes, which usually decides without counting.
        let bytes = text.utf8.count
        if bytes <= max, bytes / 4 >= min { return true }
        let count = text.unicodeScalars.count
        return count >= min && count <= max
    }

    @inline(never)
    private func wrongLength(at offset: Int, _ text: String, _ min: Int, _ max: Int) -> JSONError {
        if text.isEmpty { return fail(at: offset, "is empty") }
        let isShort = text.unicodeScalars.count < min
        return fail(at: offset, isShort ? "is shorter than \(min) characters" : "is longer than \(max) characters")
    }

    /// Reads a string and passes its bytes (UTF-8, escapes resolved) to `body`, which returns nil to refuse them with
    /// `reason`.
    @inlinable
    package mutating func parseString<Value>(
        _ reason: StaticString, _ body: (UnsafeBufferPointer<UInt8>) -> Value?
    ) throws(JSONError) -> Value {
        guard peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        let offset = index
        let span = try scanString()
        let value: Value?
        if span.hasEscapes {
            value = unescaped(span).withUnsafeBufferPointer(body)
        } else {
            value = body(UnsafeBufferPointer(start: base + span.start, count: span.count))
        }
        guard let value else { throw fail(at: offset, "\(reason)") }
        return value
    }
}

/// Scans bytes, eight at a time where possible.
@usableFromInline
enum JSONBytesScan {
    @inlinable @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    /// Returns the first position at or after `start` that is a quote, a backslash or not printable ASCII; `end` if
    /// there is none.
    @inlinable @inline(__always)
    static func plainEnd(_ base: UnsafePointer<UInt8>, from start: Int, end: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var position = start
        while position &+ 8 <= end {
            let word = load(base + position)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // Borrows only propagate upwards, so the lowest marked byte is exact.
            let marks =
                ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- ones &* 0x20) & ~word)
                | word
            if marks & highs != 0 { return position &+ (marks & highs).trailingZeroBitCount &>> 3 }
            position &+= 8
        }
        while position < end {
            let byte = base[position]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { break }
            position &+= 1
        }
        return position
    }

    /// Returns the length of the well-formed UTF-8 sequence at `pointer` (Unicode table 3-7), or 0 if there is none.
    @usableFromInline
    static func utf8Length(_ pointer: UnsafePointer<UInt8>, count: Int) -> Int {
        let first = pointer[0]
        if first < 0x80 { return 1 }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard length <= count, second.contains(pointer[1]) else { return 0 }
        for position in 2..<Swift.max(length, 2) where pointer[position] & 0xC0 != 0x80 { return 0 }
        return length
    }

    @inlinable @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
        var position = 0
        while position &+ 8 <= count {
            if load(left + position) != load(right + position) { return false }
            position &+= 8
        }
        while position < count {
            if left[position] != right[position] { return false }
            position &+= 1
        }
        return true
    }
}
