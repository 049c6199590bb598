import Testing

@testable import JSON

@Suite struct TextPatternTests {
    @Test(arguments: [
        (
            "^tt[0-9]{7,10}$", ["tt0133093", "tt1234567890"],
            ["tt123456", "tt12345678901", "xtt0133093", "tt0133093 ", ""]
        ),
        ("^[A-Za-z0-9][A-Za-z0-9._-]*$", ["a", "A.b-c_9"], ["", ".a", "a b", "é", "a\n"]),
        ("^[0-9a-f]{4}$", ["09af"], ["09a", "09afa", "09aF"]), ("^a?b+$", ["b", "ab", "abbb"], ["a", "", "aab"]),
        (#"^\[\]\.x{2,}$"#, ["[].xx", "[].xxxx"], ["[].x", "[]xx"]), ("^[!-~]+$", ["!~azAZ"], [" ", "\u{7F}", "ü"]),
        ("^[a-c-]{0,2}$", ["", "-a"], ["d", "abc"]),
    ])
    func matching(_ pattern: String, _ good: [String], _ bad: [String]) throws {
        let compiled = try TextPattern(parsing: pattern)
        for text in good { #expect(Array(text.utf8).withUnsafeBufferPointer(compiled.matches), "\(text)") }
        for text in bad { #expect(!Array(text.utf8).withUnsafeBufferPointer(compiled.matches), "\(text)") }
    }

    @Test(arguments: [
        "", "a", "^a", "a$", "^[a$", "^[]$", "^[b-a]$", "^a{$", "^a{x}$", "^a{3,2}$", "^a{1,2,3}$", "^a**$", "^*$",
        "^a+a$", "^a?b?a$", "^\\w$", "^é$", "^[é]$", "^a\\", "^a^b$",
    ])
    func refusing(_ pattern: String) {
        #expect(throws: TextPattern.Unsupported.self) { try TextPattern(parsing: pattern) }
    }
}
