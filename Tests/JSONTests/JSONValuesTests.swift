import Testing

@testable import JSON

/// Round trips of numbers, strings and trees.
@Suite struct JSONValuesTests {
    static func text(_ value: some JSONEncodable) -> String { String(decoding: encodeJSON(value), as: UTF8.self) }

    static func message<Value: JSONDecodable>(_ type: Value.Type, _ text: String) -> String? {
        do {
            _ = try decodeJSON(type, from: Array(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("1.0", 1), ("1e2", 100), ("120e-1", 12),
        ("9223372036854775807", Int.max),
        ("-9223372036854775808", Int.min), ("0e999", 0), ("0.000", 0),
    ])
    func integers(_ text: String, _ value: Int) throws {
        #expect(try decodeJSON(Int.self, from: Array(text.utf8)) == value)
        #expect(try decodeJSON(Int.self, from: encodeJSON(value)) == value)
    }

    @Test(arguments: [
        ("1.5", "1.5 is not an integer"), ("9223372036854775808", "9223372036854775808 is beyond 64 bits"),
        ("-9223372036854775809", "-9223372036854775809 is beyond 64 bits"), ("1e19", "1e19 is beyond 64 bits"),
        ("\"1\"", "is not an integer"), ("null", "is not an integer"),
        ("x", "is not JSON: unexpected byte 120 at offset 0"),
        ("", "is not JSON: the text ends too early"),
    ])
    func integersRefused(_ text: String, _ message: String) { #expect(Self.message(Int.self, text) == message) }

    @Test func integersAtEveryLength() throws {
        var value = 1
        for _ in 0..<18 {
            for near in [value - 1, value, value + 1, -value, -value - 1] {
                #expect(Self.text(near) == String(near))
                #expect(try decodeJSON(Int.self, from: encodeJSON(near)) == near)
            }
            value *= 10
        }
        for extreme in [Int.max, Int.min, 1_000_000_000_000_000_000, -1_000_000_000_000_000_000] {
            #expect(Self.text(extreme) == String(extreme))
        }
    }

    @Test(arguments: [
        (0.0, "0"), (1, "1"), (-2, "-2"), (8.5, "8.5"), (87, "87"), (0.1, "0.1"), (0.05, "0.05"), (-0.25, "-0.25"),
        (12.34, "12.34"),
        (99.99, "99.99"), (0.001, "0.001"), (1e15, "1000000000000000"), (1e300, "1e+300"),
        (0.1 + 0.2, "0.30000000000000004"), (.leastNonzeroMagnitude, "5e-324"),
    ])
    func doubles(_ value: Double, _ text: String) throws {
        #expect(Self.text(value) == text)
        #expect(try decodeJSON(Double.self, from: Array(text.utf8)) == value)
    }

    @Test func doublesRoundTripAndAgreeWithTheLibrary() throws {
        let seed: UInt64 = 0x5EED_0002
        var random = SplitMix(state: seed)
        for round in 0..<50_000 {
            let value: Double
            switch round % 4 {
            case 0: value = Double(bitPattern: random.next())
            case 1: value = Double(Int.random(in: -1_000_000...1_000_000, using: &random)) / 100
            case 2: value = Double.random(in: -1...1, using: &random)
            default: value = Double(Int.random(in: -9_999...9_999, using: &random)) / 10
            }
            guard value.isFinite else { continue }
            let text = Self.text(value)
            #expect(try decodeJSON(Double.self, from: Array(text.utf8)) == value, "seed \(seed): \(text)")
            #expect(text.utf8.count <= value.description.utf8.count, "seed \(seed): \(text)")
        }
        for round in 0..<20_000 {
            let exponent = round % 3 == 0 ? "e\(Int.random(in: -30...30, using: &random))" : ""
            let text = "\(random.next() % 100_000_000_000_000_000).\(random.next() % 1_000_000)\(exponent)"
            #expect(try decodeJSON(Double.self, from: Array(text.utf8)) == Double(text), "seed \(seed): \(text)")
        }
    }

    @Test(arguments: [
        ("8.5", 85), ("10", 100), ("10.0", 100), ("0.1", 1), ("-3.70", -37), ("85e-1", 85), ("1e1", 100), ("0", 0),
    ])
    func tenths(_ text: String, _ tenths: Int) throws {
        #expect(try decodeJSON(DecimalTenths.self, from: Array(text.utf8)) == DecimalTenths(tenths: tenths))
    }

    @Test func tenthsAsText() {
        for (tenths, text) in [(85, "8.5"), (100, "10"), (1, "0.1"), (-1, "-0.1"), (-37, "-3.7"), (0, "0")] {
            #expect(DecimalTenths(tenths: tenths).description == text)
        }
        #expect(Self.message(DecimalTenths.self, "7.55") == "7.55 is not a multiple of 0.1")
        #expect(Self.message(DecimalTenths.self, "1e300") == "1e300 is not a multiple of 0.1")
    }

    @Test(arguments: [
        "", "a", "plain text", "ünï", "\u{0}\u{1F}\n\r\t\"\\/", "🎬 film", "12345678\"", "1234567é90", "\u{7F}\u{2028}",
    ])
    func strings(_ value: String) throws {
        #expect(try decodeJSON(String.self, from: encodeJSON(value)) == value)
        var escaped = "\""
        for unit in value.utf16 {
            escaped +=
                "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count) + String(unit, radix: 16)
        }
        #expect(try decodeJSON(String.self, from: Array((escaped + "\"").utf8)) == value)
    }

    @Test func escapesAreMinimal() {
        #expect(Self.text("\u{1}\u{1F}é/\"\\\n") == #""\u0001\u001fé/\"\\\n""#)
        #expect(Self.text("\u{8}\u{9}\u{B}\u{C}\r") == #""\b\t\u000b\f\r""#)
    }

    @Test func lengthsCountCharacters() throws {
        let cases: [(String, Int, Int, String?)] = [
            ("\"\"", 1, 5, "is empty"), ("\"ab\"", 3, 5, "is shorter than 3 characters"), ("\"éééé\"", 1, 4, nil),
            ("\"éé\\u00e9éé\"", 1, 4, "is longer than 4 characters"), ("\"abcde\"", 1, 5, nil),
            (#""\u0041b""#, 2, 2, nil), ("1", 1, 2, "is not a string"),
        ]
        for (text, min, max, message) in cases {
            let bytes = Array(text.utf8)
            let outcome = bytes.withUnsafeBytes { buffer -> String? in
                var reader = JSONReader(buffer)
                do throws(JSONError) {
                    _ = try reader.string(min: min, max: max)
                    return nil
                } catch {
                    return error.description
                }
            }
            #expect(outcome == message)
        }
    }

    @Test func treesKeepNumbersAndOrder() throws {
        let text = #"{"b":[1.50,-0,1e400],"a":{"x":null,"y":true},"c":"é"}"#
        let value = try decodeJSON(JSONValue.self, from: Array(text.utf8))
        #expect(Self.text(value) == text)
        #expect(value["a"]["y"].bool == true)
        #expect(value["b"][0].double == 1.5)
        #expect(value["b"][2].double == nil)
        #expect(value["b"][1].int == 0)
        #expect(value["b"][9].isNull && value["zz"]["q"].isNull && value["a"]["x"].isNull)
        #expect(value["b"].array.count == 3 && value["c"].string == "é")
        #expect((["p": 1, "q": [true, nil]] as JSONValue) == ["q": [true, nil], "p": 1])
    }

    @Test func rawTextIsCheckedAndKept() throws {
        #expect(try JSONBytes(checking: Array(" {\"a\" : 1} ".utf8)).description == "{\"a\" : 1}")
        #expect(throws: JSONError.self) { try JSONBytes(checking: Array("{\"a\":1,\"a\":1}".utf8)) }
        #expect(try JSONBytes(encoding: [1, 2]).decode([Int].self) == [1, 2])
    }

    @Test func maps() throws {
        let map = try decodeJSON([String: Int].self, from: Array(#"{"z":1,"a":2,"q\n":3}"#.utf8))
        #expect(Self.text(map) == #"{"a":2,"q\n":3,"z":1}"#)
        #expect(Self.message([String: Int].self, #"{"a":1,"b":"x"}"#) == "b: is not an integer")
    }
}
