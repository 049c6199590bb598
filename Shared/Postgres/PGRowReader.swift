/// One value of a row, or one element of an array, in Postgres' binary form; valid only while its row is read.
@usableFromInline
@safe package struct PGCell {
    private let bytes: UnsafeRawBufferPointer
    package let typeID: UInt32
    @usableFromInline package let isNull: Bool

    init(_ bytes: UnsafeRawBufferPointer, typeID: UInt32, isNull: Bool) {
        unsafe self.bytes = bytes
        self.typeID = typeID
        self.isNull = isNull
    }

    package var count: Int { unsafe bytes.count }

    /// Bytes outside the cell read as zero; callers check `count` first.
    func integer<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type) -> Value {
        guard offset >= 0, offset + MemoryLayout<Value>.size <= count else { return 0 }
        return Value(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// The value of an int2, int4 or int8; nil for other types.
    @usableFromInline
    var wholeNumber: Int64? {
        switch (typeID, count) {
        case (PGTypeID.int2, 2): Int64(integer(at: 0, as: Int16.self))
        case (PGTypeID.int4, 4): Int64(integer(at: 0, as: Int32.self))
        case (PGTypeID.int8, 8): integer(at: 0, as: Int64.self)
        default: nil
        }
    }

    func part(_ range: Range<Int>, typeID: UInt32, isNull: Bool) -> PGCell {
        unsafe PGCell(UnsafeRawBufferPointer(rebasing: bytes[range]), typeID: typeID, isNull: isNull)
    }

    func copy(from offset: Int = 0) -> [UInt8] { unsafe [UInt8](bytes[offset...]) }
    /// Postgres guarantees valid UTF-8 under `client_encoding` UTF8.
    func string() -> String { unsafe String(decoding: bytes, as: UTF8.self) }
}

/// A type that decodes itself from one non-null value; nil if the type or length does not fit.
@usableFromInline
package protocol PGScalar: Sendable {
    static func read(_ cell: PGCell) -> Self?
}

/// A type that decodes itself from one value, including null.
@usableFromInline
package protocol PGDecodable: Sendable {
    static func decode(_ cell: PGCell) -> Self?
}

extension PGScalar where Self: PGDecodable {
    @inlinable
    package static func decode(_ cell: PGCell) -> Self? { cell.isNull ? nil : read(cell) }
}

extension Optional: PGDecodable where Wrapped: PGScalar {
    @inlinable
    package static func decode(_ cell: PGCell) -> Wrapped?? {
        if cell.isNull { return .some(.none) }
        guard let value = Wrapped.read(cell) else { return nil }
        return .some(value)
    }
}

extension Bool: PGScalar, PGDecodable {
    @usableFromInline
    package static func read(_ cell: PGCell) -> Bool? {
        cell.typeID == PGTypeID.bool && cell.count == 1 ? cell.integer(at: 0, as: UInt8.self) != 0 : nil
    }
}

extension PGScalar where Self: FixedWidthInteger {
    /// Accepts int2, int4 and int8 alike, as long as the value fits.
    @inlinable
    package static func read(_ cell: PGCell) -> Self? {
        guard let value = cell.wholeNumber else { return nil }
        return Self(exactly: value)
    }
}

extension Int16: PGScalar, PGDecodable {}
extension Int32: PGScalar, PGDecodable {}
extension Int64: PGScalar, PGDecodable {}
extension Int: PGScalar, PGDecodable {}

extension Double: PGScalar, PGDecodable {
    @usableFromInline
    package static func read(_ cell: PGCell) -> Double? {
        switch (cell.typeID, cell.count) {
        case (PGTypeID.float8, 8): Double(bitPattern: cell.integer(at: 0, as: UInt64.self))
        case (PGTypeID.float4, 4): Double(Float(bitPattern: cell.integer(at: 0, as: UInt32.self)))
        default: nil
        }
    }
}

extension String: PGScalar, PGDecodable {
    /// Accepts types whose binary form is their text: text, varchar, char, name, unknown, json and enums among them.
    @usableFromInline
    package static func read(_ cell: PGCell) -> String? {
        switch cell.typeID {
        case PGTypeID.text, 1043, 1042, 19, 705, PGTypeID.json: cell.string()
        // Types defined in the database: enums and domains over text.
        case 16_384...: cell.string()
        default: nil
        }
    }
}

extension PGUUID: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> PGUUID? {
        guard cell.typeID == PGTypeID.uuid, cell.count == 16 else { return nil }
        return PGUUID(high: cell.integer(at: 0, as: UInt64.self), low: cell.integer(at: 8, as: UInt64.self))
    }
}

extension PGTimestamp: PGScalar, PGDecodable {
    /// ±infinity saturate.
    package static func read(_ cell: PGCell) -> PGTimestamp? {
        guard cell.typeID == PGTypeID.timestamptz, cell.count == 8 else { return nil }
        let value = cell.integer(at: 0, as: Int64.self)
        let (sum, overflow) = value.addingReportingOverflow(epochMicroseconds)
        return PGTimestamp(microseconds: overflow ? .max : value == .min ? .min : sum)
    }
}

extension PGDate: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> PGDate? {
        guard cell.typeID == PGTypeID.date, cell.count == 4 else { return nil }
        let value = cell.integer(at: 0, as: Int32.self)
        let (sum, overflow) = value.addingReportingOverflow(epochDays)
        return PGDate(days: overflow ? .max : value == .min ? .min : sum)
    }
}

extension PGTenths: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> PGTenths? {
        cell.typeID == PGTypeID.numeric ? PGWire.tenths(cell) : nil
    }
}

extension PGJSON: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> PGJSON? {
        switch cell.typeID {
        case PGTypeID.jsonb where cell.count > 1 && cell.integer(at: 0, as: UInt8.self) == 1:
            PGJSON(bytes: cell.copy(from: 1))
        case PGTypeID.json: PGJSON(bytes: cell.copy())
        default: nil
        }
    }
}

extension UInt8: PGArrayElement {
    package static func readArray(_ cell: PGCell) -> [UInt8]? { cell.typeID == PGTypeID.bytea ? cell.copy() : nil }
}

/// An element of an array that is read as one value: every scalar, and bytes, whose array is `bytea`.
package protocol PGArrayElement: Sendable {
    static func readArray(_ cell: PGCell) -> [Self]?
}

extension PGArrayElement where Self: PGDecodable {
    /// Accepts one-dimensional arrays only.
    package static func readArray(_ cell: PGCell) -> [Self]? {
        guard cell.count >= 12 else { return nil }
        let dimensions = cell.integer(at: 0, as: Int32.self)
        let elementID = cell.integer(at: 8, as: UInt32.self)
        if dimensions == 0 { return [] }
        guard dimensions == 1, cell.count >= 20 else { return nil }
        let count = Int(cell.integer(at: 12, as: Int32.self))
        guard count >= 0, count <= (cell.count - 20) / 4 else { return nil }
        var values: [Self] = []
        values.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            guard offset + 4 <= cell.count else { return nil }
            let length = Int(cell.integer(at: offset, as: Int32.self))
            offset += 4
            let end = offset + max(0, length)
            guard end <= cell.count else { return nil }
            let element = cell.part(offset..<end, typeID: elementID, isNull: length < 0)
            guard let value = Self.decode(element) else { return nil }
            values.append(value)
            offset = end
        }
        return values
    }
}

extension Bool: PGArrayElement {}
extension Int16: PGArrayElement {}
extension Int32: PGArrayElement {}
extension Int64: PGArrayElement {}
extension Int: PGArrayElement {}
extension Double: PGArrayElement {}
extension String: PGArrayElement {}
extension PGUUID: PGArrayElement {}
extension PGTimestamp: PGArrayElement {}
extension PGDate: PGArrayElement {}
extension PGTenths: PGArrayElement {}
extension PGJSON: PGArrayElement {}
extension Array: PGArrayElement where Element == UInt8 {}
extension Optional: PGArrayElement where Wrapped: PGScalar {}

extension Array: PGScalar, PGDecodable where Element: PGArrayElement {
    @usableFromInline
    package static func read(_ cell: PGCell) -> [Element]? { Element.readArray(cell) }
}

/// Reads the columns of one row from left to right.
@usableFromInline
package struct PGRowReader {
    private let result: PGResult
    private var row: Int32
    private var column: Int32
    private let firstColumn: Int32

    init(_ result: PGResult, row: Int32, column: Int32 = 0) {
        self.result = result
        self.row = row
        self.column = column
        firstColumn = column
    }

    /// Moves to the first column of another row.
    mutating func go(to row: Int32) {
        self.row = row
        column = firstColumn
    }

    /// Returns the next column; throws `decoding` if its type, nullness or the number of columns does not fit.
    ///
    /// Inlinable, to be specialized for each type at the call site: looking up generic types at run time took a quarter
    /// of the time to read a row.
    @inlinable
    package mutating func next<Value: PGDecodable>(_ type: Value.Type = Value.self) throws(PGError) -> Value {
        let cell = try nextCell()
        if let value = Value.decode(cell) { return value }
        throw misfit(cell, Value.self)
    }

    @usableFromInline
    mutating func nextCell() throws(PGError) -> PGCell {
        guard column < result.columnCount else { throw shortage() }
        let cell = result.cell(row: row, column: column)
        column += 1
        return cell
    }

    // Both are kept out of line, so that the path of every column needs no room for building a message.
    @inline(never)
    private func shortage() -> PGError { PGError(.decoding, "row has only \(result.columnCount) columns") }

    @inline(never)
    @usableFromInline
    func misfit(_ cell: PGCell, _ type: Any.Type) -> PGError {
        let found = cell.isNull ? "NULL" : "type \(cell.typeID) of \(cell.count) bytes"
        return PGError(.decoding, "column \(column) is \(found), not \(type)")
    }
}
