/// The names that an object or an enumeration declares, laid out for comparing bytes; made once per type and kept for
/// the life of the process.
// SAFETY: the memory is written before the value exists and never after, and it is never freed.
package struct JSONNames: @unchecked Sendable {
    struct Name {
        let text: StaticString
        let start: UnsafePointer<UInt8>
        let count: Int
        /// The first eight bytes, zero-padded if the name is shorter.
        let head: UInt64
        /// Whether JSON writes the name without escapes.
        let isPlain: Bool

        init(_ text: StaticString) {
            self.text = text
            start = text.utf8Start
            count = text.utf8CodeUnitCount
            head = JSONReader.head(start, count, room: count)
            isPlain = JSONBytesScan.plainEnd(start, from: 0, end: count) == count
        }
    }

    private let names: UnsafePointer<Name>
    let count: Int
    /// A hash table with at least twice as many slots as names, each with the index of a name, or 255; a name is at the
    /// slot of its head or after it.
    private let places: UnsafePointer<UInt8>
    private let placeMask: Int

    /// Declares up to 64 distinct names.
    package init(_ names: StaticString...) { self.init(names) }

    package init(_ names: [StaticString]) {
        precondition(names.count <= 64, "an object declares more than 64 members")
        let memory = UnsafeMutablePointer<Name>.allocate(capacity: max(names.count, 1))
        for (position, name) in names.enumerated() { (memory + position).initialize(to: Name(name)) }
        self.names = UnsafePointer(memory)
        count = names.count
        var size = 4
        while size < names.count * 2 { size *= 2 }
        placeMask = size - 1
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        table.initialize(repeating: .max, count: size)
        for position in names.indices {
            var place = Self.place(memory[position].head, memory[position].count) & placeMask
            while table[place] != .max { place = (place + 1) & placeMask }
            table[place] = UInt8(truncatingIfNeeded: position)
        }
        places = UnsafePointer(table)
    }

    /// Returns where to start looking for a name, before reduction to the size of the table.
    @inline(__always)
    private static func place(_ head: UInt64, _ count: Int) -> Int {
        Int(truncatingIfNeeded: (head ^ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15 &>> 40)
    }

    /// Returns the index of the name, or −1 if there is none; tries `guess` first, since members mostly come in
    /// declared order.
    @inline(__always)
    func find(_ key: UnsafePointer<UInt8>, count length: Int, head: UInt64, guess: Int) -> Int {
        if guess < count, isName(guess, key, length, head) { return guess }
        var place = Self.place(head, length) & placeMask
        while places[place] != .max {
            let index = Int(places[place])
            if isName(index, key, length, head) { return index }
            place = (place &+ 1) & placeMask
        }
        return -1
    }

    @inline(__always)
    private func isName(_ index: Int, _ key: UnsafePointer<UInt8>, _ length: Int, _ head: UInt64) -> Bool {
        let name = names + index
        return name.pointee.head == head && name.pointee.count == length
            && (length <= 8 || JSONBytesScan.equal(name.pointee.start + 8, key + 8, count: length &- 8))
    }

    /// Returns the length of the name at `index` if `text`, of which `room` bytes may be read, begins with it: quoted,
    /// without escapes, and followed by its colon; else −1.
    @inline(__always)
    func lead(_ text: UnsafePointer<UInt8>, room: Int, at index: Int) -> Int {
        guard index < count else { return -1 }
        let name = names + index
        let length = name.pointee.count
        let key = text + 1
        guard length &+ 3 <= room, name.pointee.isPlain,
            isName(index, key, length, JSONReader.head(key, length, room: room &- 1)),
            key[length] == UInt8(ascii: "\""), key[length &+ 1] == UInt8(ascii: ":")
        else { return -1 }
        return length
    }

    /// Whether the name at `index` is `name`, which has the given head.
    @inline(__always)
    func spells(_ name: StaticString, head: UInt64, at index: Int) -> Bool {
        isName(index, name.utf8Start, name.utf8CodeUnitCount, head)
    }

    /// Returns the index of the name spelled by `bytes`, or −1 if there is none.
    func find(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return -1 }
            let head = JSONReader.head(start, buffer.count, room: buffer.count)
            return find(start, count: buffer.count, head: head, guess: 0)
        }
    }

    func text(at index: Int) -> StaticString { names[index].text }

    var list: String { (0..<count).map { "\(names[$0].text)" }.joined(separator: ", ") }
}

/// The position of a reader within one object.
@usableFromInline
package struct JSONMembers {
    @usableFromInline let offset: Int
    /// The number of the reader's name records when the object was entered.
    @usableFromInline let recordsBefore: Int
    @usableFromInline var count = 0
    @usableFromInline var guess = 0
    @usableFromInline var seen: UInt64 = 0

    @usableFromInline
    init(offset: Int, recordsBefore: Int) {
        self.offset = offset
        self.recordsBefore = recordsBefore
    }
}

extension JSONMembers {
    /// Whether all of the `required` members were present (a bit per declared name).
    package func has(_ required: UInt64) -> Bool { seen & required == required }
}

/// The name of an undeclared member of an open object.
@usableFromInline
struct JSONNameRecord {
    let hash: UInt64
    let start: Int
    let count: Int
    /// The name itself if it was written with escapes.
    let unescaped: [UInt8]?
}

extension JSONReader {
    /// Enters an object.
    @inlinable
    package mutating func beginObject() throws(JSONError) -> JSONMembers {
        guard peek() == UInt8(ascii: "{") else { throw mismatch("an object") }
        let members = JSONMembers(offset: index, recordsBefore: names.count)
        try enter()
        return members
    }

    /// Moves to the value of the next declared member and returns its index in `declared`, or leaves the object and
    /// returns nil. Undeclared members are dropped or refused, as configured; duplicate names are refused.
    package mutating func nextMember(
        _ members: inout JSONMembers, _ declared: JSONNames
    ) throws(JSONError) -> Int? {
        while try nextKey(&members) {
            if let found = nextDeclared(&members, declared) { return found }
            let offset = index
            let span = try scanString()
            let found: Int
            if span.hasEscapes {
                found = declared.find(unescaped(span))
            } else {
                let start = base + span.start
                found = declared.find(
                    start, count: span.count, head: Self.head(start, span.count, room: end - span.start),
                    guess: members.guess)
            }
            try colon()
            if found >= 0 {
                let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: found)
                if members.seen & bit != 0 {
                    guard unknownMembers == .tolerate else {
                        throw fail(at: offset, "is given twice", member: text(span))
                    }
                    try skipValue()
                    continue
                }
                members.seen |= bit
                members.guess = found &+ 1
                return found
            }
            if unknownMembers == .refuse {
                throw fail(at: offset, "is not a known member", member: String(text(span).prefix(64)))
            }
            try record(span, since: members.recordsBefore)
            try skipValue()
        }
        return nil
    }

    /// Moves past the expected declared member's name at the next quote, if it is that name written as we write it,
    /// which is all that a text of ours needs.
    @inline(__always)
    private mutating func nextDeclared(_ members: inout JSONMembers, _ declared: JSONNames) -> Int? {
        let guess = members.guess
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: guess)
        let length = declared.lead(base + index, room: end &- index, at: guess)
        guard length >= 0, length <= limits.stringBytesMax, members.seen & bit == 0 else { return nil }
        index &+= length &+ 3
        members.seen |= bit
        members.guess = guess &+ 1
        return guess
    }

    /// Reads a string that must be `text`.
    package mutating func constant(_ text: StaticString) throws(JSONError) {
        let offset = valueOffset()
        guard try string() == "\(text)" else { throw fail(at: offset, "is not \(text)") }
    }

    /// Moves to the value of the next member and returns its name, or leaves the object and returns nil.
    @usableFromInline
    package mutating func nextName(_ members: inout JSONMembers) throws(JSONError) -> String? {
        guard try nextKey(&members) else { return nil }
        let span = try scanString()
        try record(span, since: members.recordsBefore)
        try colon()
        return text(span)
    }

    /// Returns the fault that the object lacks `name`.
    @inline(never)
    @usableFromInline
    package func missing(_ members: JSONMembers, _ name: StaticString) -> JSONError {
        fail(at: members.offset, "is missing", member: "\(name)")
    }

    /// Returns the fault that the object lacks the first missing one of the `required` members (a bit per declared
    /// name).
    @inline(never)
    package func missing(_ members: JSONMembers, _ declared: JSONNames, required: UInt64) -> JSONError {
        let absent = (required & ~members.seen).trailingZeroBitCount
        return missing(members, absent < declared.count ? declared.text(at: absent) : "member")
    }

    /// Reads a string that must be one of `names` and returns its index.
    package mutating func choice(_ names: JSONNames) throws(JSONError) -> Int {
        guard peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        let offset = index
        let span = try scanString()
        var found = -1
        if !span.hasEscapes {
            let start = base + span.start
            let head = Self.head(start, span.count, room: end - span.start)
            found = names.find(start, count: span.count, head: head, guess: 0)
        } else {
            found = names.find(unescaped(span))
        }
        guard found >= 0 else { throw fail(at: offset, "is not one of \(names.list)") }
        return found
    }

    /// Returns the index in `names` of the string member `name` of the next object, without consuming it; this is how a
    /// tagged union finds its case. All bytes are checked.
    package mutating func peekTag(_ name: StaticString, _ names: JSONNames) throws(JSONError) -> Int {
        let start = index
        defer { index = start }
        var members = try beginObject()
        var tag: Int?
        while try nextMember(&members, named: name) { tag = try choice(names) }
        guard let tag else { throw missing(members, name) }
        return tag
    }
}

extension JSONReader {
    /// Moves to the quote of the next member and returns true, or leaves the object and returns false.
    @inlinable @inline(__always)
    mutating func nextKey(_ members: inout JSONMembers) throws(JSONError) -> Bool {
        var byte = peek()
        if byte == UInt8(ascii: "}") {
            index &+= 1
            depth &-= 1
            if names.count > members.recordsBefore { names.removeSubrange(members.recordsBefore...) }
            return false
        }
        if members.count > 0 {
            guard byte == UInt8(ascii: ",") else { throw syntax() }
            index &+= 1
            byte = peek()
        }
        guard byte == UInt8(ascii: "\"") else { throw syntax() }
        members.count &+= 1
        if members.count > limits.membersMax {
            throw fail(at: members.offset, "has more than \(limits.membersMax) members")
        }
        return true
    }

    @inlinable @inline(__always)
    mutating func colon() throws(JSONError) {
        guard peek() == UInt8(ascii: ":") else { throw syntax() }
        index &+= 1
    }

    /// Moves to the member `name`, dropping the others whatever the reader otherwise does with them.
    private mutating func nextMember(
        _ members: inout JSONMembers, named name: StaticString
    ) throws(JSONError) -> Bool {
        while try nextKey(&members) {
            let span = try scanString()
            try record(span, since: members.recordsBefore)
            try colon()
            if unescaped(span).elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            {
                return true
            }
            try skipValue()
        }
        return false
    }

    /// Returns the first eight bytes of a name, zero-padded if it is shorter; `room` bytes may be read.
    @inlinable @inline(__always)
    static func head(_ start: UnsafePointer<UInt8>, _ count: Int, room: Int) -> UInt64 {
        if room >= 8 {
            let word = JSONBytesScan.load(start)
            return count >= 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1)
        }
        var head: UInt64 = 0
        for position in 0..<Swift.min(count, 8) { head |= UInt64(start[position]) << (8 * position) }
        return head
    }

    /// Records an undeclared name of the open object and refuses it if it is a duplicate.
    private mutating func record(_ span: StringSpan, since first: Int) throws(JSONError) {
        if unknownMembers == .tolerate { return }
        let name = span.hasEscapes ? unescaped(span) : nil
        let hash =
            name?.withUnsafeBufferPointer { Self.hash($0) }
            ?? Self.hash(UnsafeBufferPointer(start: base + span.start, count: span.count))
        for position in first..<names.count where names[position].hash == hash {
            let other = names[position]
            let isSame =
                if name == nil, other.unescaped == nil {
                    other.count == span.count
                        && JSONBytesScan.equal(base + other.start, base + span.start, count: span.count)
                } else {
                    (name ?? bytes(span.start, span.count)) == (other.unescaped ?? bytes(other.start, other.count))
                }
            if isSame { throw fail(at: span.start - 1, "is given twice", member: String(text(span).prefix(64))) }
        }
        names.append(JSONNameRecord(hash: hash, start: span.start, count: span.count, unescaped: name))
    }

    private func bytes(_ start: Int, _ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: base + start, count: count))
    }

    /// Chosen once per process, so that nobody can deliberately send names that collide.
    private static let hashSeed = UInt64.random(in: .min ... .max)

    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = hashSeed ^ UInt64(bytes.count)
        guard let start = bytes.baseAddress else { return hash }
        var position = 0
        while position < bytes.count {
            let word = head(start + position, bytes.count - position, room: bytes.count - position)
            let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = (high ^ low) &+ 0xD6E8_FEB8_6659_FD93
            position += 8
        }
        return hash
    }
}

extension JSONReader {
    /// Reads any value, checks it completely and drops it.
    @usableFromInline
    package mutating func skipValue() throws(JSONError) {
        switch peek() {
        case UInt8(ascii: "\""): _ = try scanString()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try scanNumber()
        case UInt8(ascii: "{"):
            var members = try beginObject()
            while try nextKey(&members) {
                try record(try scanString(), since: members.recordsBefore)
                try colon()
                try skipValue()
            }
        case UInt8(ascii: "["):
            var elements = try beginArray()
            while try nextElement(&elements) { try skipValue() }
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: throw syntax()
        }
    }

    /// Reads any value, checks it completely and returns the range of its text.
    @usableFromInline
    package mutating func skipValueRange() throws(JSONError) -> Range<Int> {
        let start = valueOffset()
        try skipValue()
        return start..<index
    }

    /// Reads any value, checks it completely and returns its text.
    package mutating func rawValue() throws(JSONError) -> JSONBytes {
        let range = try skipValueRange()
        return JSONBytes(checked: Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)))
    }
}
