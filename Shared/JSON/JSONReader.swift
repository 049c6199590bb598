/// How a reader treats members that a type does not declare.
@usableFromInline
package enum UnknownMembers: Sendable {
    /// Checked as JSON and dropped, to allow rolling upgrades.
    case ignore
    /// Refused with their path.
    case refuse
    /// Dropped, even if a name is duplicated, in which case the first one counts. For texts that others write as they
    /// please.
    case tolerate
}

/// Reads one JSON text (RFC 8259) in a single pass over borrowed bytes and refuses anything not strictly valid.
///
/// Beyond the grammar it refuses a byte order mark, invalid UTF-8, lone surrogates, duplicate member names and anything
/// that exceeds its limits. It must not outlive the buffer that it reads.
@usableFromInline
package struct JSONReader: ~Copyable {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let end: Int
    @usableFromInline var index = 0
    @usableFromInline var depth = 0
    /// Names of the undeclared members of all open objects, innermost last.
    @usableFromInline var names: [JSONNameRecord] = []
    @usableFromInline
    package let limits: JSONLimits
    @usableFromInline
    package let unknownMembers: UnknownMembers

    /// Starts at the first byte of `bytes`, which must stay valid and unchanged while the reader is used.
    @usableFromInline
    package init(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard, unknownMembers: UnknownMembers = .ignore
    ) {
        let empty: StaticString = ""
        base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty.utf8Start
        end = bytes.count
        self.limits = limits
        self.unknownMembers = unknownMembers
    }

    /// Ends the text: only white space may follow.
    @usableFromInline
    package mutating func finish() throws(JSONError) {
        skipSpace()
        if index != end { throw fail(at: index, "is followed by more text") }
    }

    /// Returns the offset of the next value or sign, at which faults of a value are reported.
    @inlinable
    package mutating func valueOffset() -> Int {
        skipSpace()
        return index
    }

    /// Returns the kind of the next value, judged by its first byte; nil at the end or where no value can start.
    package mutating func peekKind() -> JSONKind? {
        switch peek() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        default: nil
        }
    }

    /// Returns the fault `reason` at `offset`; scans the text again to find its path.
    @inline(never)
    @usableFromInline
    package func fail(at offset: Int, _ reason: String, member: String? = nil) -> JSONError {
        let error = JSONError(offset: offset, reason: reason, path: JSONPath.find(offset, in: base, end: end))
        guard let member else { return error }
        let inner = JSONError(offset: offset, reason: reason, path: member)
        return error.path.isEmpty ? inner : inner.prefixed(by: error.path)
    }
}

/// The six kinds of JSON values.
package enum JSONKind: Sendable { case null, bool, number, string, array, object }

extension JSONReader {
    @inlinable @inline(__always)
    mutating func skipSpace() {
        if index < end, base[index] > 0x20 { return }
        skipSpaceInFact()
    }

    @inline(never)
    @usableFromInline
    mutating func skipSpaceInFact() {
        // Texts written for people are indented.
        while index &+ 8 <= end, JSONBytesScan.load(base + index) == 0x2020_2020_2020_2020 { index &+= 8 }
        while index < end {
            let byte = base[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index &+= 1
        }
    }

    /// Returns the next byte that is not white space, or 0 at the end, which starts nothing either.
    @inlinable @inline(__always)
    mutating func peek() -> UInt8 {
        skipSpace()
        return index < end ? base[index] : 0
    }

    /// Returns the fault that no value of the expected kind starts here, but one of another kind or nothing that is
    /// JSON.
    @inline(never)
    @usableFromInline
    mutating func mismatch(_ expected: StaticString) -> JSONError {
        guard peekKind() != nil else { return syntax() }
        return fail(at: index, "is not \(expected)")
    }

    /// Returns the fault that the grammar does not allow the next byte.
    @inline(never)
    @usableFromInline
    func syntax() -> JSONError {
        guard index < end else { return fail(at: end, "is not JSON: the text ends too early") }
        return fail(at: index, "is not JSON: unexpected byte \(base[index]) at offset \(index)")
    }

    /// Reads `null` if it comes next; returns whether it did.
    @inlinable
    package mutating func null() throws(JSONError) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    /// Reads `null` as nil, anything else with `value`.
    @inlinable
    package mutating func nullable<Value>(
        _ value: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value? {
        if try null() { return nil }
        return try value(&self)
    }

    /// Reads `true` or `false`.
    @inlinable
    package mutating func bool() throws(JSONError) -> Bool {
        switch peek() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default: throw mismatch("a boolean")
        }
    }

    @usableFromInline
    mutating func literal(_ text: StaticString) throws(JSONError) {
        let start = text.utf8Start
        for position in 0..<text.utf8CodeUnitCount {
            guard index < end, base[index] == start[position] else { throw syntax() }
            index &+= 1
        }
    }

    /// Consumes `text` if exactly that comes next, including white space, and returns whether it did; for the framing
    /// of texts that are always written the same way.
    package mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard count <= end &- index, JSONBytesScan.equal(base + index, text.utf8Start, count: count) else {
            return false
        }
        index &+= count
        return true
    }

    /// Consumes the decimal digits of `number` if exactly those come next, and returns whether it did.
    package mutating func take(_ number: Int) -> Bool {
        var position = index
        var value = 0
        while position < end, position &- index < 18, base[position] &- UInt8(ascii: "0") < 10 {
            value = value &* 10 &+ Int(base[position] &- UInt8(ascii: "0"))
            position &+= 1
        }
        let hasZeroInFront = position > index &+ 1 && base[index] == UInt8(ascii: "0")
        guard position > index, value == number, !hasZeroInFront else { return false }
        index = position
        return true
    }

    @inlinable
    mutating func enter() throws(JSONError) {
        depth &+= 1
        if depth > limits.depthMax { throw fail(at: index, "is nested deeper than \(limits.depthMax) levels") }
        index &+= 1
    }
}

// MARK: - Arrays

/// The position of a reader within one array.
@usableFromInline
package struct JSONElements {
    @usableFromInline let offset: Int
    @usableFromInline var count = 0

    @usableFromInline
    init(offset: Int) { self.offset = offset }
}

extension JSONReader {
    /// Enters an array.
    @inlinable
    package mutating func beginArray() throws(JSONError) -> JSONElements {
        guard peek() == UInt8(ascii: "[") else { throw mismatch("an array") }
        let elements = JSONElements(offset: index)
        try enter()
        return elements
    }

    /// Moves to the next element and returns true, or leaves the array and returns false.
    @inlinable
    package mutating func nextElement(_ elements: inout JSONElements) throws(JSONError) -> Bool {
        let byte = peek()
        if byte == UInt8(ascii: "]") {
            index &+= 1
            depth &-= 1
            return false
        }
        if elements.count > 0 {
            guard byte == UInt8(ascii: ",") else { throw syntax() }
            index &+= 1
            if peek() == UInt8(ascii: "]") { throw syntax() }
        }
        elements.count &+= 1
        if elements.count > limits.elementsMax { throw overlong(elements, limits.elementsMax) }
        return true
    }

    @inline(never)
    @usableFromInline
    func overlong(_ elements: JSONElements, _ max: Int) -> JSONError {
        fail(at: elements.offset, "has more than \(max) elements")
    }

    /// Reads an array of `min` to `max` elements, reading each with `element`.
    @inlinable
    package mutating func array<Element>(
        min: Int = 0, max: Int = .max, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var elements = try beginArray()
        var result: [Element] = []
        while try nextElement(&elements) {
            if elements.count > max { throw overlong(elements, max) }
            // The few elements that most arrays have are not moved twice.
            if elements.count == 1 { result.reserveCapacity(Swift.min(max, 4)) }
            result.append(try element(&self))
        }
        if elements.count < min { throw fail(at: elements.offset, "has fewer than \(min) elements") }
        return result
    }

    /// Reads an array of `min` to `max` elements.
    @inlinable
    package mutating func array<Element: JSONDecodable>(
        of type: Element.Type, min: Int = 0, max: Int = .max
    ) throws(JSONError) -> [Element] {
        try array(min: min, max: max) { (reader: inout JSONReader) throws(JSONError) in try Element(from: &reader) }
    }

    /// Reads an array of `min` to `max` distinct elements.
    @inlinable
    package mutating func uniqueArray<Element: Hashable>(
        min: Int = 0, max: Int = .max, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        let offset = valueOffset()
        let result = try array(min: min, max: max, element)
        if Set(result).count != result.count { throw fail(at: offset, "has a duplicate element") }
        return result
    }
}
