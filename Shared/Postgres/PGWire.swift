/// Values in Postgres' binary form (`src/backend/utils/adt/*send`, `*recv`): big-endian, no padding.
enum PGWire {
    static func append<Value: FixedWidthInteger>(_ value: Value, _ bytes: inout [UInt8]) {
        var shift = Value.bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
            shift -= 8
        }
    }

    static func patch(_ value: Int32, at offset: Int, _ bytes: inout [UInt8]) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Int32(24 - 8 * index))
        }
    }

    static func append(_ value: Bool, _ bytes: inout [UInt8]) { bytes.append(value ? 1 : 0) }
    static func append(_ value: Double, _ bytes: inout [UInt8]) { append(value.bitPattern, &bytes) }
    static func append(_ value: String, _ bytes: inout [UInt8]) { bytes.append(contentsOf: value.utf8) }
    static func append(_ value: [UInt8], _ bytes: inout [UInt8]) { bytes.append(contentsOf: value) }

    static func append(_ value: PGUUID, _ bytes: inout [UInt8]) {
        append(value.high, &bytes)
        append(value.low, &bytes)
    }

    static func append(_ value: PGTimestamp, _ bytes: inout [UInt8]) {
        append(value.microseconds &- PGTimestamp.epochMicroseconds, &bytes)
    }

    static func append(_ value: PGDate, _ bytes: inout [UInt8]) { append(value.days &- PGDate.epochDays, &bytes) }

    /// `jsonb_recv` expects the version number 1 before the text.
    static func appendJSONB(_ value: [UInt8], _ bytes: inout [UInt8]) {
        bytes.append(1)
        bytes.append(contentsOf: value)
    }

    /// `numeric`: digit count, weight, sign, display scale, then digits in base 10 000.
    static func append(_ value: PGTenths, _ bytes: inout [UInt8]) {
        let magnitude = value.tenths.magnitude
        var whole = magnitude / 10
        let fraction = Int16(magnitude % 10) * 1_000
        var digits: [Int16] = []
        while whole > 0 {
            digits.append(Int16(whole % 10_000))
            whole /= 10_000
        }
        let weight = Int16(digits.count - 1)
        digits.reverse()
        if fraction > 0 { digits.append(fraction) }
        append(Int16(digits.count), &bytes)
        append(digits.isEmpty ? 0 : weight, &bytes)
        append(Int16(bitPattern: value.tenths < 0 ? 0x4000 : 0), &bytes)
        append(Int16(1), &bytes)
        for digit in digits { append(digit, &bytes) }
    }

    /// Returns nil if the value has more than one fractional digit, is not finite or does not fit.
    static func tenths(_ cell: PGCell) -> PGTenths? {
        guard cell.count >= 8 else { return nil }
        let count = Int(cell.integer(at: 0, as: Int16.self))
        let weight = Int(cell.integer(at: 2, as: Int16.self))
        let sign = cell.integer(at: 4, as: UInt16.self)
        guard sign == 0 || sign == 0x4000, cell.count == 8 + 2 * count, weight <= 3, weight >= -1 else { return nil }
        var whole = 0
        for place in 0..<max(0, weight + 1) {
            let digit = place < count ? Int(cell.integer(at: 8 + 2 * place, as: Int16.self)) : 0
            whole = whole * 10_000 + digit
        }
        var fraction = 0
        if count > weight + 1 {
            guard count == weight + 2 else { return nil }
            let digit = Int(cell.integer(at: 8 + 2 * (weight + 1), as: Int16.self))
            guard digit % 1_000 == 0 else { return nil }
            fraction = digit / 1_000
        }
        return PGTenths(tenths: (sign == 0 ? 1 : -1) * (whole * 10 + fraction))
    }
}
