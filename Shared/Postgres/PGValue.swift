/// A parameter of a statement. Every case carries an optional, so that a missing value keeps its type.
package enum PGValue: Sendable {
    case bool(Bool?)
    case int2(Int16?)
    case int4(Int32?)
    case int8(Int64?)
    case double(Double?)
    case text(String?)
    case bytea([UInt8]?)
    case uuid(PGUUID?)
    case timestamp(PGTimestamp?)
    case date(PGDate?)
    /// `numeric` with one fractional digit.
    case tenths(PGTenths?)
    /// JSON text, which Postgres validates.
    case jsonb([UInt8]?)
    /// Text whose type Postgres infers from the statement: enums, numeric, interval, inet.
    case inferred(String?)
    case boolArray([Bool?]?)
    case int2Array([Int16?]?)
    case int4Array([Int32?]?)
    case int8Array([Int64?]?)
    case doubleArray([Double?]?)
    case textArray([String?]?)
    case byteaArray([[UInt8]?]?)
    case uuidArray([PGUUID?]?)
    case timestampArray([PGTimestamp?]?)
    case dateArray([PGDate?]?)
    case tenthsArray([PGTenths?]?)
    case jsonbArray([[UInt8]?]?)
}

extension PGValue {
    /// An `int8` from a Swift `Int`.
    package static func int(_ value: Int?) -> PGValue { .int8(value.map(Int64.init)) }
    package static func intArray(_ values: [Int]) -> PGValue { .int8Array(values.map(Int64.init)) }
}

/// The object identifiers of Postgres' built-in types (`pg_type.dat`), which never change.
enum PGTypeID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let date: UInt32 = 1082
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int2Array: UInt32 = 1005
    static let int4Array: UInt32 = 1007
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let float8Array: UInt32 = 1022
    static let dateArray: UInt32 = 1182
    static let timestamptzArray: UInt32 = 1185
    static let numericArray: UInt32 = 1231
    static let uuidArray: UInt32 = 2951
    static let jsonbArray: UInt32 = 3807
}

/// The parameters of one statement in Postgres' binary form, all in one buffer.
struct PGParameters: Sendable {
    struct Field: Sendable {
        var typeID: UInt32
        var offset: Int
        /// −1 for NULL.
        var length: Int
        var isBinary: Bool
    }

    private(set) var bytes: [UInt8] = []
    private(set) var fields: [Field] = []
    /// FNV-1a over the types; combined with the statement's own hash it identifies the prepared statement.
    private(set) var typesHash: UInt64 = 0xcbf2_9ce4_8422_2325

    init() {}

    mutating func reserve(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    /// Throws `invalidParameter` above 65 535 parameters or `bytesMax` bytes, and for text with a zero byte.
    init(_ values: [PGValue], bytesMax: Int) throws(PGError) {
        guard !values.isEmpty else { return }
        guard values.count <= 65_535 else {
            throw PGError(.invalidParameter, "\(values.count) parameters exceed the limit of 65535")
        }
        fields.reserveCapacity(values.count)
        bytes.reserveCapacity(values.count * 16)
        for value in values {
            try append(value)
            guard bytes.count <= bytesMax else {
                throw PGError(.invalidParameter, "parameters larger than \(bytesMax) bytes")
            }
        }
    }

    private mutating func append(_ value: PGValue) throws(PGError) {
        switch value {
        case .bool(let it): scalar(PGTypeID.bool, it, PGWire.append)
        case .int2(let it): scalar(PGTypeID.int2, it, PGWire.append)
        case .int4(let it): scalar(PGTypeID.int4, it, PGWire.append)
        case .int8(let it): scalar(PGTypeID.int8, it, PGWire.append)
        case .double(let it): scalar(PGTypeID.float8, it, PGWire.append)
        case .text(let it): scalar(PGTypeID.text, it, PGWire.append)
        case .bytea(let it): scalar(PGTypeID.bytea, it, PGWire.append)
        case .uuid(let it): scalar(PGTypeID.uuid, it, PGWire.append)
        case .timestamp(let it): scalar(PGTypeID.timestamptz, it, PGWire.append)
        case .date(let it): scalar(PGTypeID.date, it, PGWire.append)
        case .tenths(let it): scalar(PGTypeID.numeric, it, PGWire.append)
        case .jsonb(let it): scalar(PGTypeID.jsonb, it, PGWire.appendJSONB)
        case .inferred(let it): try inferred(it)
        case .boolArray(let it): array(PGTypeID.boolArray, PGTypeID.bool, it, PGWire.append)
        case .int2Array(let it): array(PGTypeID.int2Array, PGTypeID.int2, it, PGWire.append)
        case .int4Array(let it): array(PGTypeID.int4Array, PGTypeID.int4, it, PGWire.append)
        case .int8Array(let it): array(PGTypeID.int8Array, PGTypeID.int8, it, PGWire.append)
        case .doubleArray(let it): array(PGTypeID.float8Array, PGTypeID.float8, it, PGWire.append)
        case .textArray(let it): array(PGTypeID.textArray, PGTypeID.text, it, PGWire.append)
        case .byteaArray(let it): array(PGTypeID.byteaArray, PGTypeID.bytea, it, PGWire.append)
        case .uuidArray(let it): array(PGTypeID.uuidArray, PGTypeID.uuid, it, PGWire.append)
        case .timestampArray(let it): array(PGTypeID.timestamptzArray, PGTypeID.timestamptz, it, PGWire.append)
        case .dateArray(let it): array(PGTypeID.dateArray, PGTypeID.date, it, PGWire.append)
        case .tenthsArray(let it): array(PGTypeID.numericArray, PGTypeID.numeric, it, PGWire.append)
        case .jsonbArray(let it): array(PGTypeID.jsonbArray, PGTypeID.jsonb, it, PGWire.appendJSONB)
        }
    }

    private mutating func field(_ typeID: UInt32, from start: Int, isNull: Bool, isBinary: Bool = true) {
        let length = isNull ? -1 : bytes.count - start
        fields.append(Field(typeID: typeID, offset: start, length: length, isBinary: isBinary))
        typesHash = (typesHash ^ UInt64(typeID)) &* 0x100_0000_01b3
    }

    private mutating func scalar<Value>(
        _ typeID: UInt32, _ value: Value?, _ encode: (Value, inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        if let value { encode(value, &bytes) }
        field(typeID, from: start, isNull: value == nil)
    }

    private mutating func inferred(_ text: String?) throws(PGError) {
        let start = bytes.count
        if let text {
            guard !text.utf8.contains(0) else { throw PGError(.invalidParameter, "text contains a zero byte") }
            bytes.append(contentsOf: text.utf8)
            // libpq takes text values as C strings.
            bytes.append(0)
        }
        field(0, from: start, isNull: text == nil, isBinary: false)
    }

    /// One dimension, lower bound 1: dimensions, has-nulls, element type, count, bound, then the length and bytes of
    /// each.
    private mutating func array<Value>(
        _ typeID: UInt32, _ elementID: UInt32, _ values: [Value?]?, _ encode: (Value, inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        if let values {
            PGWire.append(Int32(values.isEmpty ? 0 : 1), &bytes)
            PGWire.append(Int32(values.contains { $0 == nil } ? 1 : 0), &bytes)
            PGWire.append(Int32(bitPattern: elementID), &bytes)
            if !values.isEmpty {
                PGWire.append(Int32(truncatingIfNeeded: values.count), &bytes)
                PGWire.append(Int32(1), &bytes)
            }
            for value in values {
                guard let value else {
                    PGWire.append(Int32(-1), &bytes)
                    continue
                }
                let lengthAt = bytes.count
                PGWire.append(Int32(0), &bytes)
                encode(value, &bytes)
                PGWire.patch(Int32(truncatingIfNeeded: bytes.count - lengthAt - 4), at: lengthAt, &bytes)
            }
        }
        field(typeID, from: start, isNull: values == nil)
    }

    /// Appends the values at `index` of all `calls` as one array.
    mutating func appendArray(_ typeID: UInt32, _ elementID: UInt32, _ calls: [PGParameters], _ index: Int) {
        let start = bytes.count
        PGWire.append(Int32(1), &bytes)
        PGWire.append(Int32(calls.contains { $0.fields[index].length < 0 } ? 1 : 0), &bytes)
        PGWire.append(Int32(bitPattern: elementID), &bytes)
        PGWire.append(Int32(truncatingIfNeeded: calls.count), &bytes)
        PGWire.append(Int32(1), &bytes)
        for call in calls {
            let value = call.fields[index]
            PGWire.append(Int32(truncatingIfNeeded: value.length), &bytes)
            if value.length > 0 { bytes.append(contentsOf: call.bytes[value.offset..<value.offset + value.length]) }
        }
        field(typeID, from: start, isNull: false)
    }
}
