package import Contracts
package import JSON
package import Postgres

// The representation of contract values in Postgres columns.

extension PGScalar where Self: UUIDIdentifier {
    package static func read(_ cell: PGCell) -> Self? {
        PGUUID.read(cell).map { Self(UUIDBits(high: $0.high, low: $0.low)) }
    }
}

extension TitleID: PGScalar, PGDecodable, PGArrayElement {}
extension UserID: PGScalar, PGDecodable {}
extension PlayID: PGScalar, PGDecodable {}
extension PlaybackSessionID: PGScalar, PGDecodable {}
extension BatchID: PGScalar, PGDecodable {}
extension ListID: PGScalar, PGDecodable {}

extension PGScalar where Self: RawRepresentable, RawValue == String {
    /// Reads a closed enumeration, stored as its wire value; nil for an unknown value.
    package static func read(_ cell: PGCell) -> Self? { String.read(cell).flatMap(Self.init(rawValue:)) }
}

extension TitleKind: PGScalar, PGDecodable {}
extension PlaybackState: PGScalar, PGDecodable {}
extension PlayPrecision: PGScalar, PGDecodable {}
extension LedgerFacet: PGScalar, PGDecodable {}
extension BatchState: PGScalar, PGDecodable {}
extension UserRole: PGScalar, PGDecodable {}
extension ChangeSource: PGScalar, PGDecodable {}
extension RatingScale: PGScalar, PGDecodable {}

extension Timestamp: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> Timestamp? {
        PGTimestamp.read(cell).map { Timestamp(clampingMicrosecondsSinceEpoch: $0.microseconds) }
    }
}

extension CalendarDate: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> CalendarDate? {
        PGDate.read(cell).flatMap { CalendarDate(daysSinceEpoch: Int($0.days)) }
    }
}

extension DecimalTenths: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> DecimalTenths? {
        PGTenths.read(cell).map { DecimalTenths(tenths: $0.tenths) }
    }
}

extension PGRowReader {
    /// Reads the next column, JSON written by a contract's codec; throws `decoding` if it no longer fits the contract.
    package mutating func nextJSON<Value: JSONDecodable>(_ type: Value.Type = Value.self) throws(PGError) -> Value {
        let json: PGJSON = try next()
        do throws(JSONError) {
            return try decodeJSON(type, from: json.bytes)
        } catch {
            throw PGError(.decoding, "stored JSON is not a valid \(type): \(error)")
        }
    }
}

extension PGValue {
    package static func id(_ value: (some UUIDIdentifier)?) -> PGValue { bits(value?.uuid) }

    // Concrete overloads, since people and titles occur in nearly every statement: a generic id has its type looked up
    // with each call.
    package static func id(_ value: UserID?) -> PGValue { bits(value?.uuid) }
    package static func id(_ value: TitleID?) -> PGValue { bits(value?.uuid) }

    private static func bits(_ uuid: UUIDBits?) -> PGValue { .uuid(uuid.map { PGUUID(high: $0.high, low: $0.low) }) }

    package static func ids(_ values: [some UUIDIdentifier]) -> PGValue {
        .uuidArray(values.map { PGUUID(high: $0.uuid.high, low: $0.uuid.low) })
    }

    /// A closed enumeration as its wire value.
    package static func word(_ value: some RawRepresentable<String>) -> PGValue { .text(value.rawValue) }

    package static func moment(_ value: Timestamp?) -> PGValue {
        .timestamp(value.map { PGTimestamp(microseconds: $0.microsecondsSinceEpoch) })
    }

    package static func day(_ value: CalendarDate?) -> PGValue {
        .date(value.map { PGDate(days: Int32(clamping: $0.daysSinceEpoch)) })
    }

    package static func rating(_ value: DecimalTenths?) -> PGValue {
        .tenths(value.map { PGTenths(tenths: $0.tenths) })
    }

    package static func json(_ value: some JSONEncodable) -> PGValue { .jsonb(encodeJSON(value)) }
}
