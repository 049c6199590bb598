import Testing

@testable import ContractGenCore

/// Which changes break someone and which do not, in both directions for every kind of change.
@Suite struct ContractChangesTests {
    private static let rpc = """
        openrpc: 1.3.2
        info: { title: T, version: 0.1.0 }
        methods:
          - name: t.rate
            params:
              - { name: user, required: true, schema: { type: string, maxLength: 40 } }
              - { name: kind, required: false, schema: { $ref: "schemas.yaml#/components/schemas/Kind" } }
            result:
              name: rating
              schema: { $ref: "schemas.yaml#/components/schemas/Rating" }
        """
    private static let api = """
        openapi: 3.1.0
        info: { title: T, version: 1.4.0 }
        paths:
          /films/{film}:
            parameters:
              - { name: film, in: path, required: true, schema: { type: string } }
            post:
              requestBody:
                required: false
                content: { application/json: { schema: { type: object, properties: { rating: { type: number, maximum: 10 }, kind: { $ref: "schemas.yaml#/components/schemas/Kind" } } } } }
              responses:
                "200": { content: { application/json: { schema: { $ref: "schemas.yaml#/components/schemas/Rating" } } } }
        """
    private static let schemas = """
        components:
          schemas:
            Kind: { type: string, enum: [movie, series] }
            Rating:
              type: object
              required: [rating]
              properties: { rating: { type: number }, kind: { $ref: "#/components/schemas/Kind" }, parts: { type: array, items: { $ref: "#/components/schemas/Rating" } } }
        """
    private static let errors = "errors: [{ name: gone, code: 1001, status: 404 }]"

    private static let old = [
        "t.openrpc.yaml": rpc, "openapi.yaml": api, "schemas.yaml": schemas, "errors.yaml": errors,
    ]

    private static func changes(_ file: String, _ from: String, _ to: String) throws -> [ContractChanges.Change] {
        var new = old
        let text = try #require(old[file])
        #expect(text.contains(from), "\(file) has no \(from)")
        new[file] = text.replacing(from, with: to)
        return try ContractChanges.breaking(from: old, to: new)
    }

    @Test("The same documents break nobody")
    func nothing() throws { #expect(try ContractChanges.breaking(from: Self.old, to: Self.old).isEmpty) }

    @Test(
        "What grows on the side of the giver breaks nobody",
        arguments: [
            ("schemas.yaml", "rating: { type: number },", "rating: { type: number }, note: { type: string },"),
            ("t.openrpc.yaml", "maxLength: 40", "maxLength: 80"),
            (
                "t.openrpc.yaml", "    result:",
                "      - { name: more, required: false, schema: { type: string } }\n    result:"
            ),
            ("openapi.yaml", "maximum: 10", "maximum: 100"),
            ("openapi.yaml", "properties: { rating:", "properties: { review: { type: string }, rating:"),
            ("openapi.yaml", "type: number, maximum", "type: [number, string], maximum"),
            ("errors.yaml", "]", ", { name: new, code: 1002, status: 409 }]"),
        ])
    func harmless(file: String, from: String, to: String) throws {
        // A member of an answer that must be there now is one that a request with the same schema need not have.
        let changes = try Self.changes(file, from, to)
        #expect(changes.isEmpty, "\(changes)")
    }

    @Test(
        "Between services a new one also asks copies of before: it must read what they give and give what they want",
        arguments: [
            (
                "schemas.yaml", "required: [rating]", "required: [rating, kind]",
                "result: kind must be there now, and older copies may not give it"
            ),
            (
                "schemas.yaml", "required: [rating]\n      properties: { rating: { type: number },",
                "required: [rating, note]\n      properties: { note: { type: string }, rating: { type: number },",
                "result: note must be there now, and older copies may not give it"
            ),
            ("schemas.yaml", "[movie, series]", "[movie]", "result.kind: older copies may still give series"),
            ("schemas.yaml", "rating: { type: number }", "rating: { type: number, maximum: 5 }", "maximum is 5 now"),
            (
                "t.openrpc.yaml", "name: user, required: true", "name: user, required: false",
                "user may be left out now, which older copies refuse"
            ),
        ])
    func rolling(file: String, from: String, to: String, expected: String) throws {
        let changes = try Self.changes(file, from, to)
        #expect(changes.contains { $0.file == "t.openrpc.yaml" && $0.text.contains(expected) }, "\(changes)")
        // The gateway is called by earlier clients, and calls none of them.
        #expect(!changes.contains { $0.file == "openapi.yaml" && $0.text.contains("older") }, "\(changes)")
    }

    @Test("Between services an answer that may be more than before is more than callers of before read")
    func widened() throws {
        var old = Self.old
        old["schemas.yaml"] = Self.schemas.replacing(
            "rating: { type: number }", with: "rating: { type: number, maximum: 10 }")
        var new = old
        new["schemas.yaml"] = Self.schemas.replacing(
            "rating: { type: number }", with: "rating: { type: number, maximum: 20 }")
        let changes = try ContractChanges.breaking(from: old, to: new)
        #expect(Set(changes.map(\.file)) == ["t.openrpc.yaml"], "\(changes)")
        #expect(
            changes.first?.text.contains("maximum was 10, and older callers read no more than that") == true,
            "\(changes)")
    }

    @Test("A type of an answer that gets narrower is what copies of before do not keep to")
    func narrowed() throws {
        let changes = try Self.changes("schemas.yaml", "rating: { type: number }", "rating: { type: integer }")
        #expect(changes.contains { $0.file == "t.openrpc.yaml" && $0.text.contains("the type has changed") })
    }

    @Test(
        "What is taken away, narrowed or added to what must be given breaks somebody",
        arguments: [
            ("t.openrpc.yaml", "t.rate", "t.other", "t.rate is gone"),
            ("t.openrpc.yaml", "name: user", "name: person", "user is gone"),
            ("t.openrpc.yaml", "name: kind, required: false", "name: kind, required: true", "must be given now"),
            ("t.openrpc.yaml", "maxLength: 40", "maxLength: 20", "maxLength is 20 now"),
            ("t.openrpc.yaml", "type: string, maxLength: 40", "type: integer", "the type has changed"),
            ("schemas.yaml", "rating: { type: number }, ", "", "rating is gone"),
            ("schemas.yaml", "required: [rating]", "required: []", "rating may be missing now"),
            ("schemas.yaml", "[movie, series]", "[movie]", "series is not accepted now"),
            ("schemas.yaml", "[movie, series]", "[movie, series, episode]", "new values: episode"),
            (
                "schemas.yaml", "rating: { type: number }", "rating: { type: [number, \"null\"] }",
                "the type has changed"
            ),
            ("openapi.yaml", "/films/{film}", "/movies/{film}", "POST /films/{film} is gone"),
            ("openapi.yaml", "required: false", "required: true", "a body must be given now"),
            (
                "openapi.yaml", "schema: { type: object, properties",
                "schema: { type: object, required: [rating], properties", "rating must be given now"
            ),
            ("openapi.yaml", "\"200\"", "\"201\"", "the answer 200 is gone"),
            (
                "openapi.yaml", "requestBody:",
                "parameters: [{ name: key, in: header, required: true, schema: { type: string } }]\n      requestBody:",
                "is new and must be given"
            ),
            ("errors.yaml", "gone", "left", "the error gone is gone"),
            ("errors.yaml", "404", "410", "status of the error gone has changed"),
        ])
    func harmful(file: String, from: String, to: String, expected: String) throws {
        let changes = try Self.changes(file, from, to)
        #expect(changes.contains { $0.text.contains(expected) && !$0.isSaid }, "\(changes)")
    }

    @Test("A version that leaves the one before behind says so: the first number, or the second below 1.0")
    func versions() throws {
        for (old, new, isSaid) in [
            ("0.1.0", "0.2.0", true), ("0.1.0", "0.1.1", false), ("0.9.0", "1.0.0", true), ("1.4.0", "1.5.0", false),
            ("1.4.0", "2.0.0", true), ("0.2.0", "0.1.0", false), ("2.0.0", "1.0.0", false), ("0.1.0", "next", false),
        ] { #expect(ContractChanges.says(old, new) == isSaid, "\(old) → \(new)") }
        var new = Self.old
        new["t.openrpc.yaml"] = Self.rpc.replacing("t.rate", with: "t.other").replacing("0.1.0", with: "0.2.0")
        let changes = try ContractChanges.breaking(from: Self.old, to: new)
        #expect(changes.count == 1 && changes.allSatisfy(\.isSaid), "\(changes)")
    }
}
