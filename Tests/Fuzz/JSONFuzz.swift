import JSON

/// Reads any bytes as JSON: all ways of reading agree, and accepted values survive a round trip.
enum JSONFuzz {
    static func run(_ bytes: [UInt8]) -> Int32 {
        let value = decode(JSONValue.self, bytes)
        let raw = decode(JSONBytes.self, bytes)
        check((value == nil) == (raw == nil), "reading a tree and skipping over it accept the same texts")
        if let value, let raw {
            let text = encodeJSON(value)
            check(decode(JSONValue.self, text) == value, "a written tree reads as itself")
            check(decode(JSONValue.self, raw.bytes) == value, "a spliced text reads as the same tree")
        }
        survive(Int.self, bytes)
        survive(Double.self, bytes)
        survive(Bool.self, bytes)
        survive(String.self, bytes)
        survive(DecimalTenths.self, bytes)
        survive([Int?].self, bytes)
        survive([DecimalTenths].self, bytes)
        survive([String].self, bytes)
        survive([String: Double].self, bytes)
        survive([String: JSONValue].self, bytes)
        if case .number(let number)? = value {
            check(number.int == decode(Int.self, bytes), "a number of a tree is the integer that is read directly")
        }
        return 0
    }

    /// An accepted value is written so that it reads back equal, and its text is valid JSON.
    private static func survive<Value: JSONCodable & Equatable>(_ type: Value.Type, _ bytes: [UInt8]) {
        guard let value = decode(type, bytes) else { return }
        let text = encodeJSON(value)
        check(decode(type, text) == value, "\(type) \(value) is written as \(String(decoding: text, as: UTF8.self))")
        check(decode(JSONValue.self, bytes) != nil, "\(type) accepts what is no JSON")
    }

    private static func decode<Value: JSONDecodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        do throws(JSONError) {
            return try decodeJSON(type, from: bytes)
        } catch {
            check((0...bytes.count).contains(error.offset), "a fault lies in the text, not at \(error.offset)")
            check(!error.description.isEmpty, "a fault says what is wrong")
            return nil
        }
    }
}
