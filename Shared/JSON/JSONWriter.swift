/// Writes compact JSON into its own growing buffer.
///
/// It trusts its caller for structure: values between brackets, names before values. `member`, `array` and `map` add
/// commas.
@usableFromInline
package struct JSONWriter: ~Copyable {
    @usableFromInline var buffer: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline private(set) var count = 0

    /// Starts empty with capacity for `capacity` bytes.
    @usableFromInline
    package init(capacity: Int = 512) {
        self.capacity = Swift.max(capacity, 32)
        buffer = .allocate(capacity: self.capacity)
    }

    deinit { buffer.deallocate() }

    /// A copy of what was written.
    @usableFromInline
    package var bytes: [UInt8] { Array(UnsafeBufferPointer(start: buffer, count: count)) }

    @inlinable
    mutating func reserve(_ more: Int) {
        if capacity &- count < more { grow(more) }
    }

    @inline(never)
    @usableFromInline
    mutating func grow(_ more: Int) {
        capacity = Swift.max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: buffer, count: count)
        buffer.deallocate()
        buffer = larger
    }

    @inlinable
    mutating func append(_ start: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        (buffer + count).update(from: start, count: length)
        count &+= length
    }

    @inlinable
    mutating func append(_ byte: UInt8) {
        reserve(1)
        buffer[count] = byte
        count &+= 1
    }
}

extension JSONWriter {
    /// Appends `text` unchanged; the whole must stay valid.
    @inlinable
    package mutating func raw(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    /// Appends `bytes` unchanged; the whole must stay valid.
    @inlinable
    package mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { append(start, $0.count) } }
    }

    /// Appends `bytes` unchanged; the whole must stay valid.
    @inlinable
    package mutating func raw(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    /// Appends one byte unchanged; the whole must stay valid.
    @inlinable
    package mutating func raw(byte: UInt8) { append(byte) }

    @usableFromInline
    package mutating func null() { raw("null") }

    @usableFromInline
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    /// Appends the name of a member, given as its JSON text with quotes and colon, after a comma if one is needed.
    @inlinable
    package mutating func member(_ quotedNameAndColon: StaticString) {
        if count > 0, buffer[count &- 1] != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
        raw(quotedNameAndColon)
    }

    /// Appends the name of a member, after a comma if one is needed.
    @usableFromInline
    package mutating func member(name: String) {
        if count > 0, buffer[count &- 1] != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
        string(name)
        append(UInt8(ascii: ":"))
    }

    /// Appends an array whose elements are written by `element`.
    @inlinable
    package mutating func array<Element>(
        _ elements: [Element], _ element: (inout JSONWriter, borrowing Element) -> Void
    ) {
        append(UInt8(ascii: "["))
        var isFirst = true
        for value in elements {
            if !isFirst { append(UInt8(ascii: ",")) }
            isFirst = false
            element(&self, value)
        }
        append(UInt8(ascii: "]"))
    }

    @usableFromInline
    package mutating func int(_ value: Int) {
        reserve(20)
        var magnitude = value.magnitude
        if value < 0 {
            buffer[count] = UInt8(ascii: "-")
            count &+= 1
        }
        var digits = 1
        var bound: UInt = 10
        while digits < 19, magnitude >= bound {
            digits &+= 1
            bound = bound &* 10
        }
        count &+= digits
        var position = count
        repeat {
            let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
            position &-= 1
            buffer[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            magnitude = quotient
        } while magnitude != 0
    }

    /// Appends `value`, which must be finite, in the shortest form that parses back to the same double.
    @usableFromInline
    package mutating func double(_ value: Double) {
        precondition(value.isFinite, "JSON has no infinite numbers")
        if value.magnitude < 0x1p53, value.rounded(.towardZero) == value { return int(Int(value)) }
        // Up to 15 digits are unique among doubles, so digits that parse back to the value are the shortest ones.
        let limit = 1e15
        if value.magnitude < limit {
            let tenths = (value * 10).rounded()
            if tenths.magnitude < limit, tenths / 10 == value {
                return fixed(Int(tenths.magnitude), isNegative: value < 0, scale: 10)
            }
            let hundredths = (value * 100).rounded()
            if hundredths.magnitude < limit, hundredths / 100 == value {
                return fixed(Int(hundredths.magnitude), isNegative: value < 0, scale: 100)
            }
        }
        var text = value.description
        text.withUTF8 { raw($0) }
    }

    /// Appends `magnitude` / `scale` with all its fractional digits; `scale` is 10 or 100.
    mutating func fixed(_ magnitude: Int, isNegative: Bool, scale: Int) {
        if isNegative { append(UInt8(ascii: "-")) }
        let (whole, fraction) = magnitude.quotientAndRemainder(dividingBy: scale)
        int(whole)
        append(UInt8(ascii: "."))
        if scale == 100, fraction < 10 { append(UInt8(ascii: "0")) }
        int(fraction)
    }

    /// Returns the text of a bound in a message.
    @usableFromInline
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        var writer = JSONWriter(capacity: 32)
        writer.double(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Appends `value` in quotes, escaping only quotes, backslashes and control characters.
    @usableFromInline
    package mutating func string(_ value: String) {
        let isDone: Void? = value.utf8.withContiguousStorageIfAvailable { quoted($0) }
        if isDone == nil { Array(value.utf8).withUnsafeBufferPointer { quoted($0) } }
    }

    /// Appends UTF-8 text in quotes without checking for anything to escape.
    @inlinable
    package mutating func plainString(_ bytes: UnsafeBufferPointer<UInt8>) {
        reserve(bytes.count &+ 2)
        append(UInt8(ascii: "\""))
        raw(bytes)
        append(UInt8(ascii: "\""))
    }

    private mutating func quoted(_ bytes: UnsafeBufferPointer<UInt8>) {
        reserve(bytes.count + 2)
        append(UInt8(ascii: "\""))
        if let start = bytes.baseAddress {
            var position = 0
            while true {
                var stop = JSONBytesScan.plainEnd(start, from: position, end: bytes.count)
                // A string's bytes are valid UTF-8, so those beyond ASCII are copied.
                while stop < bytes.count, start[stop] >= 0x80 {
                    stop = JSONBytesScan.plainEnd(start, from: stop + 1, end: bytes.count)
                }
                append(start + position, stop - position)
                if stop == bytes.count { break }
                escape(start[stop])
                position = stop + 1
            }
        }
        append(UInt8(ascii: "\""))
    }

    @inline(never)
    private mutating func escape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0x09: append(UInt8(ascii: "t"))
        // As short as they may have arrived, so that no text grows on its way to the next service.
        case 0x08: append(UInt8(ascii: "b"))
        case 0x0C: append(UInt8(ascii: "f"))
        default:
            raw("u00")
            append(UInt8(ascii: "0") + byte >> 4)
            append((byte & 15) < 10 ? UInt8(ascii: "0") + (byte & 15) : UInt8(ascii: "a") + (byte & 15) - 10)
        }
    }
}
