/// What a reader does with members that a type does not declare.
@usableFromInline
package enum UnknownMembers: Sendable {
    /// Checked as JSON and dropped, so that versions can roll.
    case ignore
    /// Refused with their path.
    case refuse
    /// Dropped, also where a name comes twice: of these the first counts. For texts that others write as they please.
    case tolerate
}

/// Reads one JSON text (RFC 8259) in a single pass over borrowed bytes and refuses what is not strictly valid.
///
/// Beyond the grammar it refuses a byte order mark, invalid UTF-8, lone surrogates, duplicate member names and whatever
/// exceeds its limits. It must not outlive the buffer that it was made over.
@usableFromInline
package struct JSONReader: ~Copyable {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let end: Int
    @usableFromInline var index = 0
    @usableFromInline var depth = 0
    /// Names of undeclared members of the objects that are open, innermost last.
    @usableFromInline var names: [JSONNameRecord] = []
    @usableFromInline
    package let limits: JSONLimits
    @usableFromInline
    package let unknownMembers: UnknownMembers

    /// Starts at the first byte of `bytes`, which must stay valid and unchanged as long as the reader is used.
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

    /// Ends the text: nothing but white space may follow.
    @usableFromInline
    package mutating func finish() throws(JSONError) {
        skipSpace()
        if index != end { throw fail(at: index, "is followed by more text") }
    }

    /// The offset of the next value or sign; faults of a value are reported there.
    @inlinable
    package mutating func valueOffset() -> Int {
        skipSpace()
        return index
    }

    /// The kind of the next value, judged by its first byte; nil at the end or where no value can start.
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

    /// The fault `reason` at `offset`; its path is found by going over the text again.
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
        // Texts that are written for people are indented.
        while index &+ 8 <= end, JSONBytesScan.load(base + index) == 0x2020_2020_2020_2020 { index &+= 8 }
        while index < end {
            let byte = base[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index &+= 1
        }
    }

    /// The next byte that is not white space; 0 at the end, which starts nothing either.
    @inlinable @inline(__always)
    mutating func peek() -> UInt8 {
        skipSpace()
        return index < end ? base[index] : 0
    }

    /// The fault that no value of the wanted kind starts here: another kind does, or nothing that is JSON.
    @inline(never)
    @usableFromInline
    mutating func mismatch(_ expected: StaticString) -> JSONError {
        guard peekKind() != nil else { return syntax() }
        return fail(at: index, "is not \(expected)")
    }

    /// The fault that the grammar does not go on with the next byte.
    @inline(never)
    @usableFromInline
    func syntax() -> JSONError {
        guard index < end else { return fail(at: end, "is not JSON: the text ends too early") }
        return fail(at: index, "is not JSON: unexpected byte \(base[index]) at offset \(index)")
    }

    /// Reads `null` if it comes next and says whether it did.
    @inlinable
    package mutating func null() throws(JSONError) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    /// Reads `null` as nil, or else `value`.
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

    /// Goes over `text` if just that comes next, white space included, and says whether it did; for the frame of what is
    /// always written the same way.
    package mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard count <= end &- index, JSONBytesScan.equal(base + index, text.utf8Start, count: count) else {
            return false
        }
        index &+= count
        return true
    }

    /// Goes over the decimal digits of `number` if just those come next, and says whether it did.
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

/// Where a reader is within one array.
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

    /// Goes to the next element and returns true, or leaves the array and returns false.
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

    /// Reads an array of `min` to `max` elements with `element`.
    @inlinable
    package mutating func array<Element>(
        min: Int = 0, max: Int = .max, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var elements = try beginArray()
        var result: [Element] = []
        while try nextElement(&elements) {
            if elements.count > max { throw overlong(elements, max) }
            // The few that most arrays have are not moved twice.
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

    /// Reads an array of `min` to `max` elements that are all different.
    @inlinable
    package mutating func uniqueArray<Element: Hashable>(
        min: Int = 0, max: Int = .max, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        let offset = valueOffset()
        let result = try array(min: min, max: max, element)
        if Set(result).count != result.count { throw fail(at: offset, "has an element twice") }
        return result
    }
}
