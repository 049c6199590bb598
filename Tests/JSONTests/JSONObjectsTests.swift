import Testing

@testable import JSON

/// A type like the ones that the generator writes.
private struct Shelf: JSONDecodable, Hashable {
    var name: String
    var books: [Book]
    var note: String?

    static let names = JSONNames("name", "books", "a_rather_long_name")

    init(from reader: inout JSONReader) throws(JSONError) {
        var name: String?
        var books: [Book]?
        var note: String?
        var members = try reader.beginObject()
        while let member = try reader.nextMember(&members, Self.names) {
            switch member {
            case 0: name = try reader.string(min: 1, max: 5)
            case 1: books = try reader.array(of: Book.self, max: 3)
            default: note = try reader.string()
            }
        }
        guard let name, let books else { throw reader.missing(members, Self.names, required: 0b011) }
        (self.name, self.books, self.note) = (name, books, note)
    }
}

private struct Book: JSONDecodable, Hashable {
    var rating: DecimalTenths
    static let names = JSONNames("rating")

    init(from reader: inout JSONReader) throws(JSONError) {
        var rating: DecimalTenths?
        var members = try reader.beginObject()
        while try reader.nextMember(&members, Self.names) != nil { rating = try reader.tenths(in: 1...100) }
        guard let rating else { throw reader.missing(members, Self.names, required: 1) }
        self.rating = rating
    }
}

@Suite struct JSONObjectsTests {
    private func message(_ text: String, _ unknown: UnknownMembers = .ignore, limits: JSONLimits = .standard) -> String?
    {
        do {
            _ = try decodeJSON(Shelf.self, from: Array(text.utf8), limits: limits, unknownMembers: unknown)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        (#"{"name":"a","books":[{"rating":10.4}]}"#, "books[0].rating: 10.4 is above 10"),
        (#"{"name":"a","books":[{"rating":1},{"rating":0}]}"#, "books[1].rating: 0 is below 0.1"),
        (#"{"name":"a","books":[{"rating":1},{}]}"#, "books[1].rating: is missing"),
        (#"{"name":"a"}"#, "books: is missing"), (#"{}"#, "name: is missing"), ("[]", "is not an object"),
        (#"{"name":"abcdef","books":[]}"#, "name: is longer than 5 characters"),
        (#"{"name":null,"books":[]}"#, "name: is not a string"),
        (#"{"name":"a","name":"b","books":[]}"#, "name: is given twice"),
        (#"{"name":"a","n\u0061me":"b"}"#, "name: is given twice"),
        (#"{"name":"a","x":1,"books":[],"x":2}"#, "x: is given twice"),
        (#"{"name":"a","x":{"y":[0,{"z":1,"z":2}]},"books":[]}"#, "x.y[1].z: is given twice"),
        (
            #"{"name":"a","books":[{"rating":1},{"rating":1},{"rating":1},{"rating":1}]}"#,
            "books: has more than 3 elements"
        ),
        (#"{"name":"a","books":{}}"#, "books: is not an array"),
        (#"{"name":"a","books":[] "x":1}"#, "books: is not JSON: unexpected byte 34 at offset 23"),
        (#"{"name":"a","books":[]} x"#, "is followed by more text"),
        (#"{"name":"\ud800","books":[]}"#, "name: has a lone surrogate"),
    ])
    func firstFault(_ text: String, _ expected: String) { #expect(message(text) == expected) }

    @Test(arguments: [
        #"{"name" :"a","books":[]}"#, #"{"name": "a" ,"books": []}"#, #"{"books":[],"name":"a"}"#,
        #"{"name":"a","books":[],"a_rather_long_name":""}"#, #"{"name":"a","a_rather_long_name":"","books":[]}"#,
        #"{"nam":0,"name":"a","boo":0,"books":[],"a_rather":0,"a_rather_long_name_":0}"#,
    ])
    func aNameIsTheExpectedOneOnlyAsAWhole(_ text: String) { #expect(message(text) == nil) }

    @Test func aTextIsReadToItsEndWhereverItIsCut() throws {
        let text = Array(#"{"name":"a","books":[],"a_rather_long_name":""}"#.utf8)
        for count in text.indices {
            // Nothing may be read past the end, where the text would continue validly.
            let isRead = text.withUnsafeBytes { buffer in
                (try? decodeJSON(Shelf.self, from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))) != nil
            }
            #expect(!isRead, "\(count)")
        }
    }

    @Test func theExpectedNameMayNotComeTwiceNorBeTooLong() {
        #expect(message(#"{"books":[],"name":"a","books":[]}"#) == "books: is given twice")
        #expect(message(#"{"name":"a","name":"b","books":[]}"#, .tolerate) == nil)
        var limits = JSONLimits()
        limits.stringBytesMax = 4
        #expect(message(#"{"name":"a","books":[]}"#, limits: limits)?.contains("is longer than 4 bytes") == true)
        limits.stringBytesMax = 5
        #expect(message(#"{"name":"a","books":[]}"#, limits: limits) == nil)
    }

    @Test func namesThatJSONWritesOtherwise() throws {
        let names = JSONNames("a\"b", "é", "c\\d", "")
        let text = Array(#"{"a\"b":1,"é":2,"c\\d":3,"":4}"#.utf8)
        try text.withUnsafeBytes { buffer in
            var reader = JSONReader(buffer)
            var members = try reader.beginObject()
            var found: [Int] = []
            while let member = try reader.nextMember(&members, names) { found += [member, try reader.int()] }
            #expect(found == [0, 1, 1, 2, 2, 3, 3, 4])
        }
    }

    @Test func namesInAnyOrderAndWriting() {
        #expect(message(#"{"books":[],"a_rather_long_name":"n","name":"a"}"#) == nil)
        #expect(message(#"{ "\u0062ooks" : [ ] , "a_rather_long_nam\u0065" : "n" , "name" : "a" }"#) == nil)
        #expect(message(#"{"a_rather_long_nami":1,"nam":1,"names":1,"":1,"books":[],"name":"a"}"#) == nil)
    }

    @Test func unknownMembersAtTheEdge() {
        #expect(message(#"{"name":"a","books":[],"extra":1}"#) == nil)
        #expect(message(#"{"name":"a","books":[],"extra":1}"#, .refuse) == "extra: is not a known member")
        #expect(message(#"{"name":"a","books":[{"rating":1,"q":2}]}"#, .refuse) == "books[0].q: is not a known member")
    }

    @Test func pathsFromOutside() {
        let inner = JSONError(offset: 3, reason: "10.4 is above 10", path: "rating")
        #expect(inner.prefixed(by: "params").description == "params.rating: 10.4 is above 10")
        #expect(JSONError(offset: 0, reason: "is missing").prefixed(by: "params").description == "params: is missing")
        #expect(JSONError(offset: 0, reason: "x", path: "[2].a").prefixed(by: "ids").path == "ids[2].a")
    }

    /// Each limit at n and n + 1.
    @Test func limits() {
        var limits = JSONLimits()
        limits.depthMax = 3
        #expect(JSONGrammarTests.isValid(Array("[[[1]]]".utf8), limits: limits))
        #expect(!JSONGrammarTests.isValid(Array("[[[[1]]]]".utf8), limits: limits))
        #expect(JSONGrammarTests.isValid(Array("[[[1]],[[1]],{\"a\":{}}]".utf8), limits: limits))
        limits.numberBytesMax = 4
        #expect(JSONGrammarTests.isValid(Array("-1.5".utf8), limits: limits))
        #expect(!JSONGrammarTests.isValid(Array("-1.55".utf8), limits: limits))
        limits.stringBytesMax = 4
        #expect(JSONGrammarTests.isValid(Array("\"abcd\"".utf8), limits: limits))
        #expect(!JSONGrammarTests.isValid(Array("\"abcde\"".utf8), limits: limits))
        limits.elementsMax = 2
        #expect(JSONGrammarTests.isValid(Array("[1,2]".utf8), limits: limits))
        #expect(!JSONGrammarTests.isValid(Array("[1,2,3]".utf8), limits: limits))
        limits.membersMax = 2
        #expect(JSONGrammarTests.isValid(Array(#"{"a":1,"b":2}"#.utf8), limits: limits))
        #expect(!JSONGrammarTests.isValid(Array(#"{"a":1,"b":2,"c":3}"#.utf8), limits: limits))
    }

    @Test func manyUnknownNames() {
        let members = (0..<990).map { #""name_of_a_member_\#($0)_and_more":\#($0)"# }
        #expect(JSONGrammarTests.isValid(Array("{\(members.joined(separator: ","))}".utf8)))
        #expect(!JSONGrammarTests.isValid(Array("{\((members + [members[17]]).joined(separator: ","))}".utf8)))
    }

    @Test func tagsArePeeked() throws {
        let bytes = Array(#"{"a":[1],"type":"two","b":{"type":"one"}}"#.utf8)
        try bytes.withUnsafeBytes { buffer in
            var reader = JSONReader(buffer, unknownMembers: .refuse)
            #expect(try reader.peekTag("type", JSONNames("one", "two")) == 1)
            #expect(reader.peekKind() == .object)
            try reader.skipValue()
            try reader.finish()
        }
    }

    @Test func choices() throws {
        let names = JSONNames("movie", "series", "a_much_longer_name")
        for (text, expected) in [
            ("\"series\"", 1), (#""s\u0065ries""#, 1), ("\"a_much_longer_name\"", 2), ("\"mov\"", nil), ("\"\"", nil),
        ] {
            Array(text.utf8).withUnsafeBytes { buffer in
                var reader = JSONReader(buffer)
                let index = try? reader.choice(names)
                #expect(index == expected)
            }
        }
    }
}
