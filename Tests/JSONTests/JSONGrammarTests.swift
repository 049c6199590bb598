import Testing

@testable import JSON

/// What the reader accepts and rejects, where RFC 8259 decides and where it leaves the choice to us.
@Suite struct JSONGrammarTests {
    static func isValid(_ bytes: [UInt8], limits: JSONLimits = .standard) -> Bool {
        let skipped = bytes.withUnsafeBytes { buffer -> Bool in
            var reader = JSONReader(buffer, limits: limits)
            do {
                try reader.skipValue()
                try reader.finish()
                return true
            } catch {
                return false
            }
        }
        let tree = try? decodeJSON(JSONValue.self, from: bytes, limits: limits)
        #expect(skipped == (tree != nil), "skipping and reading disagree on \(String(decoding: bytes, as: UTF8.self))")
        return skipped
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1", "-1", "12.5", "1e9", "1E+2", "1.25e-3", "\"\"", "\"a\"", "[]", "{}",
        " [ ] ",
        "{ }", "[1,2]", "\t\r\n [ 1 , 2 ] \n", "{\"a\":1,\"b\":[{}]}", #""\"\\\/\b\f\n\r\t""#, #""\u0041\uD83D\uDE00""#,
        "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFD}\u{10000}\u{10FFFF}\"", "\"12345678\\n12345678é1234567\"", "\"\u{2028}\"",
    ])
    func taken(_ text: String) { #expect(Self.isValid(Array(text.utf8))) }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "tru", "+1", "01", "-", "-01", "1.", ".5", "1.e3", "1e", "1e+", "0x10",
        "1_000", "NaN",
        "Infinity", "-Infinity", "\"", "\"a", "'a'", "\"\\", "\"\\\"", #""\a""#, #""\u12""#, #""\u12G4""#, #""\U0041""#,
        "\"\n\"", "\"\u{0}\"",
        "\"\t\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,,2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
        "{\"a\":1,", "{\"a\":1,}",
        "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\",1}", "1 2", "[]]", "{}}", "nullnull",
        "// c\n1", "[1]#", "\u{FEFF}1",
        "[1}", "{\"a\":1]", "\u{A0}1", "{\"a\":1,\"a\":2}", #"{"a":1,"\u0061":2}"#, #"{"\u0061":1,"a":2}"#,
        "[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]",
    ])
    func refused(_ text: String) { #expect(!Self.isValid(Array(text.utf8))) }

    /// The choices that RFC 8259 leaves open, and ours: numbers of any size are kept as text; text must be valid UTF-8.
    static let choices: [(name: String, text: [UInt8], isTaken: Bool)] = [
        ("a double with a huge negative exponent", Array("[123.456e-789]".utf8), true),
        ("an exponent of many digits", Array("[0.4e006699999999999999999999999999999]".utf8), true),
        ("a negative integer with a huge exponent", Array("[-1e+9999]".utf8), true),
        ("a double with a huge exponent", Array("[1.5e+9999]".utf8), true),
        ("a negative double beyond range", Array("[-123123e100000]".utf8), true),
        ("a positive double beyond range", Array("[123123e100000]".utf8), true),
        ("a double too small for one", Array("[123e-10000000]".utf8), true),
        ("a negative integer beyond 64 bits", Array("[-123123123123123123123123123123]".utf8), true),
        ("a positive integer beyond 64 bits", Array("[100000000000000000000]".utf8), true),
        ("a very long negative integer", Array("[-237462374673276894279832749832423479823246327846]".utf8), true),
        ("a lone low surrogate in a name", Array(#"{"\uDFAA":0}"#.utf8), false),
        ("a high surrogate with nothing after it", Array(#"["\uDADA"]"#.utf8), false),
        ("a high surrogate before another character", Array(#"["\uD888\u1234"]"#.utf8), false),
        ("a high surrogate before an escape", Array(#"["\uD800\n"]"#.utf8), false),
        ("a high surrogate before a letter", Array(#"["\uDd1ea"]"#.utf8), false),
        ("two high surrogates before an escape", Array(#"["\uD800\uD800\n"]"#.utf8), false),
        ("a lone high surrogate", Array(#"["\ud800"]"#.utf8), false),
        ("a high surrogate before text", Array(#"["\ud800abc"]"#.utf8), false),
        ("a byte that UTF-8 never has", [0x5B, 0x22, 0xFF, 0x22, 0x5D], false),
        ("surrogates the wrong way round", Array(#"["\uDd1e\uD834"]"#.utf8), false),
        ("Latin-1", [0x5B, 0x22, 0xE9, 0x22, 0x5D], false),
        ("a lone low surrogate", Array(#"["\uDFAA"]"#.utf8), false),
        ("a lone continuation byte", [0x5B, 0x22, 0x81, 0x22, 0x5D], false),
        ("a scalar above U+10FFFF", [0x5B, 0x22, 0xF4, 0xBF, 0xBF, 0xBF, 0x22, 0x5D], false),
        ("an overlong sequence of two bytes", [0x5B, 0x22, 0xC0, 0xAF, 0x22, 0x5D], false),
        ("an overlong sequence of six bytes", [0x5B, 0x22, 0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF, 0x22, 0x5D], false),
        ("an overlong null of six bytes", [0x5B, 0x22, 0xFC, 0x80, 0x80, 0x80, 0x80, 0x80, 0x22, 0x5D], false),
        ("a sequence that stops short", [0x5B, 0x22, 0xE0, 0xFF, 0x22, 0x5D], false),
        ("UTF-16, big endian", [0x00, 0x5B, 0x00, 0x22, 0x00, 0xE9, 0x00, 0x22, 0x00, 0x5D], false),
        ("UTF-16, little endian", [0x5B, 0x00, 0x22, 0x00, 0xE9, 0x00, 0x22, 0x00, 0x5D, 0x00], false),
        ("UTF-16 with its mark", [0xFF, 0xFE, 0x5B, 0x00, 0x22, 0x00, 0xE9, 0x00, 0x22, 0x00, 0x5D, 0x00], false),
        ("two bytes that are no sequence", [0x5B, 0x22, 0xE6, 0x97, 0xA5, 0xD1, 0x88, 0xFA, 0x22, 0x5D], false),
        ("a surrogate in UTF-8", [0x5B, 0x22, 0xED, 0xA0, 0x80, 0x22, 0x5D], false),
        (
            "five hundred nested arrays",
            Array(repeating: UInt8(ascii: "["), count: 500) + Array(repeating: UInt8(ascii: "]"), count: 500), false
        ),
        ("a byte order mark", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], false),
    ]

    @Test(arguments: choices.indices)
    func freeChoice(_ index: Int) {
        let choice = Self.choices[index]
        #expect(Self.choices.count == 35)
        #expect(Self.isValid(choice.text) == choice.isTaken, "\(choice.name)")
    }

    @Test func numbersBeyondADoubleAreRefusedWhereADoubleIsWanted() {
        for text in ["1.5e+9999", "-123123e100000", "1e309"] {
            #expect(throws: JSONError.self) { try decodeJSON(Double.self, from: Array(text.utf8)) }
        }
        #expect((try? decodeJSON(Double.self, from: Array("123e-10000000".utf8))) == 0)
        #expect(throws: JSONError.self) { try decodeJSON(Int.self, from: Array("100000000000000000000".utf8)) }
    }

    /// Every proper prefix of a valid text is rejected, unless only white space is missing.
    @Test func truncation() {
        let text = Array(#"{"a":[1.5e3,"é\u00e9\n",true,false,null,{"b":{}}],"c":"x"}"#.utf8)
        #expect(Self.isValid(text))
        for length in 0..<text.count { #expect(!Self.isValid(Array(text[..<length])), "\(length)") }
    }

    /// Whatever the bytes, reading terminates without a trap, and what is accepted reads back the same.
    @Test func mutations() {
        let seed: UInt64 = 0x5EED_0001
        var random = SplitMix(state: seed)
        let text = Array(#"{"a":[1.5e3,"é\u00e9\n",true,false,null,{"b":{}}],"c":"x","d":-0.25}"#.utf8)
        for _ in 0..<20_000 {
            var copy = text
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let position = Int.random(in: 0..<copy.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: copy[position] = UInt8.random(in: 0...255, using: &random)
                case 1: copy.remove(at: position)
                default: copy.insert(Array(#"{}[]",:\0e-"#.utf8).randomElement(using: &random) ?? 0, at: position)
                }
            }
            guard Self.isValid(copy), let value = try? decodeJSON(JSONValue.self, from: copy) else { continue }
            #expect((try? decodeJSON(JSONValue.self, from: encodeJSON(value))) == value, "seed \(seed)")
        }
    }
}

/// A small seeded generator, so that a failure can be reproduced.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
