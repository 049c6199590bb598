extension JSONReader {
    /// A number as written: ±significand × 10^exponent, or too long for that.
    @usableFromInline
    struct NumberSpan {
        @usableFromInline var start = 0
        @usableFromInline var count = 0
        @usableFromInline var isNegative = false
        @usableFromInline var significand: UInt64 = 0
        /// The power of ten; clamped to ±100 000, far beyond what any type accepts.
        @usableFromInline var exponent = 0
        /// False if the significand did not fit in 64 bits.
        @usableFromInline var isExact = true

        @usableFromInline
        init() {}
    }

    /// Scans the next number, which must start with a minus or a digit.
    @usableFromInline
    mutating func scanNumber() throws(JSONError) -> NumberSpan {
        var span = NumberSpan()
        span.start = index
        var position = index
        if base[position] == UInt8(ascii: "-") {
            span.isNegative = true
            position &+= 1
        }
        let digits = position
        position = scanDigits(from: position, into: &span)
        guard position > digits, position == digits + 1 || base[digits] != UInt8(ascii: "0") else {
            index = Swift.min(position, end)
            throw index > digits ? fail(at: span.start, "is not JSON: a number starts with 0") : syntax()
        }
        if position < end, base[position] == UInt8(ascii: ".") {
            let fraction = position + 1
            position = scanDigits(from: fraction, into: &span)
            try needDigit(position > fraction, position)
            span.exponent = fraction - position
        }
        if position < end, base[position] | 0x20 == UInt8(ascii: "e") {
            position = try scanExponent(from: position + 1, into: &span)
        }
        span.count = position - span.start
        if span.count > limits.numberBytesMax {
            throw fail(at: span.start, "is a number of more than \(limits.numberBytesMax) bytes")
        }
        index = position
        return span
    }

    private mutating func needDigit(_ isThere: Bool, _ position: Int) throws(JSONError) {
        if isThere { return }
        index = position
        throw syntax()
    }

    /// Accumulates the digits at `start` into the significand; 18 digits in total always fit in 64 bits.
    @inline(__always)
    private func scanDigits(from start: Int, into span: inout NumberSpan) -> Int {
        var position = start
        var significand = span.significand
        while position < end {
            let digit = base[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            significand = significand &* 10 &+ UInt64(digit)
            position &+= 1
        }
        if position &- span.start > 18 { return scanManyDigits(from: start, into: &span) }
        span.significand = significand
        return position
    }

    @inline(never)
    private func scanManyDigits(from start: Int, into span: inout NumberSpan) -> Int {
        var position = start
        while position < end, base[position] &- UInt8(ascii: "0") < 10 {
            let (product, overflow) = span.significand.multipliedReportingOverflow(by: 10)
            let digit = UInt64(base[position] &- UInt8(ascii: "0"))
            let (sum, carry) = product.addingReportingOverflow(digit)
            if overflow || carry { span.isExact = false } else { span.significand = sum }
            position &+= 1
        }
        return position
    }

    private mutating func scanExponent(from start: Int, into span: inout NumberSpan) throws(JSONError) -> Int {
        var position = start
        var isNegative = false
        if position < end, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
            isNegative = base[position] == UInt8(ascii: "-")
            position += 1
        }
        let digits = position
        var exponent = 0
        while position < end, base[position] &- UInt8(ascii: "0") < 10 {
            exponent = Swift.min(exponent * 10 + Int(base[position] - UInt8(ascii: "0")), 100_000)
            position += 1
        }
        try needDigit(position > digits, position)
        span.exponent += isNegative ? -exponent : exponent
        return position
    }

    @usableFromInline
    func text(_ span: NumberSpan) -> String {
        String(decoding: UnsafeBufferPointer(start: base + span.start, count: span.count), as: UTF8.self)
    }

    @inlinable
    mutating func number(_ expected: StaticString) throws(JSONError) -> NumberSpan {
        let byte = peek()
        guard byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10 else { throw mismatch(expected) }
        return try scanNumber()
    }

    /// Returns the number times 10^`scale` as an integer; nil if it is not exactly an integer or does not fit.
    @usableFromInline
    static func scaled(_ span: NumberSpan, by scale: Int) -> Int? {
        guard span.isExact else { return nil }
        var magnitude = span.significand
        var exponent = span.exponent + scale
        while exponent < 0, magnitude != 0 {
            guard magnitude % 10 == 0 else { return nil }
            magnitude /= 10
            exponent += 1
        }
        while exponent > 0, magnitude != 0 {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            magnitude = product
            exponent -= 1
        }
        if span.isNegative { return magnitude <= 1 << 63 ? Int(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int(exactly: magnitude)
    }

    @inline(never)
    @usableFromInline
    func outside(_ span: NumberSpan, _ bound: String) -> JSONError {
        fail(at: span.start, "\(text(span)) is \(bound)")
    }
}

extension JSONReader {
    /// Reads an integer within `range`; `1.0` and `1e2` are integers too.
    @inlinable
    package mutating func int(in range: ClosedRange<Int> = Int.min...Int.max) throws(JSONError) -> Int {
        let span = try number("an integer")
        let value: Int
        if span.exponent == 0, span.isExact, span.significand <= UInt64(Int.max) {
            value = span.isNegative ? 0 &- Int(span.significand) : Int(span.significand)
        } else {
            value = try uncommonInt(span)
        }
        if value < range.lowerBound { throw outside(span, "below \(range.lowerBound)") }
        if value > range.upperBound { throw outside(span, "above \(range.upperBound)") }
        return value
    }

    @inline(never)
    @usableFromInline
    func uncommonInt(_ span: NumberSpan) throws(JSONError) -> Int {
        if let value = Self.scaled(span, by: 0) { return value }
        let isFraction = span.isExact && span.exponent < 0
        throw outside(span, isFraction ? "not an integer" : "beyond 64 bits")
    }

    /// Reads a number of at most one fractional digit, within `tenths` tenths.
    package mutating func tenths(in tenths: ClosedRange<Int> = Int.min...Int.max) throws(JSONError) -> DecimalTenths {
        let span = try number("a number")
        guard let value = Self.scaled(span, by: 1) else { throw outside(span, "not a multiple of 0.1") }
        if value < tenths.lowerBound { throw outside(span, "below \(DecimalTenths(tenths: tenths.lowerBound))") }
        if value > tenths.upperBound { throw outside(span, "above \(DecimalTenths(tenths: tenths.upperBound))") }
        return DecimalTenths(tenths: value)
    }

    /// Reads a number as the nearest double within `min`…`max` and strictly between `above` and `below`; refuses
    /// numbers too large for a double.
    @inlinable
    package mutating func double(
        min: Double = -.infinity, max: Double = .infinity, above: Double = -.infinity, below: Double = .infinity
    ) throws(JSONError) -> Double {
        let span = try number("a number")
        let value = Self.double(span) ?? slowDouble(span)
        guard value.isFinite else { throw outside(span, "too large for a double") }
        if value < min { throw outside(span, "below \(JSONWriter.text(min))") }
        if value > max { throw outside(span, "above \(JSONWriter.text(max))") }
        if value <= above { throw outside(span, "not above \(JSONWriter.text(above))") }
        if value >= below { throw outside(span, "not below \(JSONWriter.text(below))") }
        return value
    }

    /// Returns the double of a short number: both parts are exact doubles, so that one operation rounds once (Clinger).
    @inlinable
    static func double(_ span: NumberSpan) -> Double? {
        guard span.isExact, span.significand <= 1 << 53, span.exponent >= -22, span.exponent <= 22 else { return nil }
        let magnitude =
            span.exponent < 0
            ? Double(span.significand) / Self.powersOfTen[-span.exponent]
            : Double(span.significand) * Self.powersOfTen[span.exponent]
        return span.isNegative ? -magnitude : magnitude
    }

    @usableFromInline static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    @inline(never)
    @usableFromInline
    func slowDouble(_ span: NumberSpan) -> Double { Double(text(span)) ?? .infinity }
}
