import Contracts
import JSON
import Testing

@Suite struct ZeroCharacterTests {
    /// Postgres cannot store U+0000; it was once reported as a server error instead of the client's.
    @Test("Text with U+0000 is refused where it is read, by name")
    func refused() {
        let body = #"{"rating":8.5,"review":"a\u0000b"}"#
        let error = #expect(throws: JSONError.self) { try decodeJSON(RateRequest.self, from: Array(body.utf8)) }
        #expect(error?.description == "review: contains U+0000")
    }

    @Test("Other control characters are text", arguments: [#"\u0001"#, #"\n"#, #"\u007f"#, #"\u2028"#])
    func kept(escape: String) throws {
        let body = #"{"rating":8.5,"review":"a\#(escape)b"}"#
        #expect(try decodeJSON(RateRequest.self, from: Array(body.utf8)).review?.unicodeScalars.count == 3)
    }
}
