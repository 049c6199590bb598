/// An exact decimal with one fractional digit, such as a rating of 8.5.
package struct DecimalTenths: Sendable, Hashable, Comparable {
    /// The value in tenths: 85 for 8.5.
    package let tenths: Int

    package init(tenths: Int) { self.tenths = tenths }

    /// The nearest double, for arithmetic that need not be exact.
    package var doubleValue: Double { Double(tenths) / 10 }

    package static func < (left: DecimalTenths, right: DecimalTenths) -> Bool { left.tenths < right.tenths }
}

extension DecimalTenths: JSONCodable {
    /// Refuses numbers with a second fractional digit, such as 7.55.
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.tenths() }

    package func encode(to writer: inout JSONWriter) {
        let (whole, fraction) = tenths.quotientAndRemainder(dividingBy: 10)
        if fraction == 0 { return writer.int(whole) }
        writer.fixed(Int(tenths.magnitude), isNegative: tenths < 0, scale: 10)
    }
}

/// The shortest form: 8.5, 10.
extension DecimalTenths: CustomStringConvertible {
    package var description: String { String(decoding: encodeJSON(self), as: UTF8.self) }
}
