import Testing

@testable import ContractGenCore

/// Everything outside the supported subset is refused with its file, path and keyword.
@Suite struct ContractRefusalTests {
    private func refusal(_ documents: [String: String]) -> String? {
        do throws(SpecError) {
            _ = try ContractGenerator.generate(documents)
            return nil
        } catch {
            return error.description
        }
    }

    private static let place = "schemas.yaml: components.schemas.X"

    /// The body of a schema X in flow style, and the refusal after its location.
    @Test(arguments: [
        ("{ type: string, not: {} }", ".not: keyword not is not supported for type string"),
        ("{ type: string, format: email }", ": format email is not supported"),
        ("{ type: string, format: uuid }", ": format uuid needs x-swift-type"),
        (
            "{ type: string, format: uuid, x-swift-type: T, minLength: 1 }",
            ".minLength: keyword minLength is not supported beside format uuid"
        ),
        (
            "{ type: string, format: date, pattern: '^a$' }",
            ".pattern: keyword pattern is not supported beside format date"
        ),
        ("{ type: string, default: a }", ".default: keyword default is not supported for type string"),
        (
            "{ type: string, contentEncoding: base64 }",
            ".contentEncoding: keyword contentEncoding is not supported for type string"
        ),
        ("{ type: string, minLength: 3, maxLength: 2 }", ": minLength is above maxLength"),
        ("{ type: string, minLength: -1 }", ".minLength: must not be negative"),
        (
            "{ type: string, pattern: 'abc' }",
            ".pattern: the pattern abc is not supported: it must start with ^ and end with $"
        ),
        (
            "{ type: string, pattern: '^a|b$' }",
            ".pattern: the pattern ^a|b$ is not supported: it has | outside a class"
        ),
        (
            "{ type: string, pattern: '^(ab)+$' }",
            ".pattern: the pattern ^(ab)+$ is not supported: it has ( outside a class"
        ),
        (
            "{ type: string, pattern: '^a.c$' }",
            ".pattern: the pattern ^a.c$ is not supported: it has . outside a class"
        ),
        (
            "{ type: string, pattern: '^a*a$' }",
            ".pattern: the pattern ^a*a$ is not supported: it is ambiguous where a count ends"
        ),
        (
            "{ type: string, pattern: '^[^a]$' }",
            ".pattern: the pattern ^[^a]$ is not supported: it has a negated class"
        ),
        (
            #"{ type: string, pattern: '^\d$' }"#,
            #".pattern: the pattern ^\d$ is not supported: it has an escape of something other than punctuation"#
        ),
        ("{ type: string, enum: [a, a] }", ".enum.1: a is given twice"),
        ("{ type: string, enum: ['a b'] }", ".enum.0: a b cannot be a case"),
        ("{ type: string, enum: [] }", ": enum must have 1 to 64 values"),
        ("{ type: integer, multipleOf: 5 }", ".multipleOf: keyword multipleOf is not supported for type integer"),
        ("{ type: integer, format: int8 }", ": format int8 is not supported"),
        ("{ type: integer, minimum: 2, maximum: 1 }", ": minimum is above maximum"),
        ("{ type: integer, minimum: 0.5 }", ".minimum: must be an integer"),
        ("{ type: number, multipleOf: 0.01 }", ".multipleOf: multipleOf is only supported as 0.1"),
        ("{ type: number, multipleOf: 0.1, minimum: 0.05 }", ".minimum: 0.05 is not a multiple of 0.1"),
        (
            "{ type: number, multipleOf: 0.1, exclusiveMinimum: 0 }",
            ".exclusiveMinimum: keyword exclusiveMinimum is not supported beside multipleOf"
        ),
        ("{ type: boolean, const: true }", ": only strings can be const"),
        ("{ type: array }", ": items is missing"),
        (
            "{ type: array, prefixItems: [], items: { type: string } }",
            ".prefixItems: keyword prefixItems is not supported for type array"
        ),
        (
            "{ type: array, contains: {}, items: { type: string } }",
            ".contains: keyword contains is not supported for type array"
        ),
        (
            "{ type: object, patternProperties: {} }",
            ".patternProperties: keyword patternProperties is not supported for type object"
        ),
        ("{ type: object, if: {} }", ".if: keyword if is not supported for type object"),
        (
            "{ type: object, dependentRequired: {} }",
            ".dependentRequired: keyword dependentRequired is not supported for type object"
        ),
        ("{ type: object, required: [a] }", ": required names a, which is not a property"),
        ("{ type: object, properties: { 'a b': { type: string } } }", ".properties.a b: a b cannot be a property"),
        (
            "{ type: object, properties: { a: { type: [string, 'null'] } } }",
            ".properties.a: a property that may be absent cannot be null too"
        ),
        (
            "{ type: object, properties: { a_b: { type: string }, aB: { type: string } } }",
            ": a property is declared twice"
        ),
        (
            "{ type: object, allOf: [ { type: object } ] }",
            ".allOf.0: allOf is only supported with references to objects"
        ),
        ("{ type: [string, integer] }", ".type: a list of types must be [X, 'null']"),
        ("{ type: 'null' }", ": type null is not supported"),
        ("{ description: anything }", ": has neither type nor $ref"),
        ("{ oneOf: [ { type: string }, { type: integer } ] }", ": oneOf needs a discriminator with propertyName"),
        ("{ anyOf: [ { type: string }, { type: integer } ] }", ": anyOf is only supported with null"),
        ("{ $ref: '#/components/schemas/Y' }", ".$ref: #/components/schemas/Y leads nowhere"),
        ("{ $ref: 'other.yaml#/X' }", ".$ref: there is no document other.yaml"),
        (
            "{ $ref: '#/components/schemas/X', minLength: 1 }",
            ".minLength: keyword minLength is not supported beside $ref"
        ),
        ("{ type: string, type: string }", ""),
    ])
    func schemas(_ schema: String, _ reason: String) {
        let refusal = refusal(["schemas.yaml": "components:\n  schemas:\n    X: \(schema)\n"])
        if reason.isEmpty { return #expect(refusal != nil) }
        #expect(refusal == Self.place + reason)
    }

    @Test func typesThatHoldThemselves() {
        let text = """
            components:
              schemas:
                X: { type: object, required: [x], properties: { x: { $ref: '#/components/schemas/X' } } }
            """
        #expect(refusal(["schemas.yaml": text]) == "schemas.yaml: X: contains itself without a list in between")
        let tree = """
            components:
              schemas:
                X: { type: object, properties: { x: { type: array, items: { $ref: '#/components/schemas/X' } } } }
            """
        #expect(refusal(["schemas.yaml": tree]) == nil)
    }

    @Test(arguments: [
        (
            "- { name: a, code: 999, status: 400, retryable: false, meaning: m }",
            "errors.yaml: errors.0: code must be 1000 to 1999"
        ),
        (
            "- { name: a, code: 1000, status: 200, retryable: false, meaning: m }",
            "errors.yaml: errors.0: status must be 400 to 599"
        ),
        ("- { name: a, code: 1000, status: 400, retryable: false }", "errors.yaml: errors.0: meaning is missing"),
        (
            "- { name: a b, code: 1000, status: 400, retryable: false, meaning: m }",
            "errors.yaml: errors.0: a b is not a valid name for an error"
        ),
    ])
    func registries(_ entry: String, _ reason: String) {
        #expect(refusal(["errors.yaml": "errors:\n  \(entry)\n"]) == reason)
    }

    private func service(_ method: String) -> String? {
        refusal([
            "a.openrpc.yaml": "openrpc: 1.3.2\nmethods:\n  - \(method)\n", "errors.yaml": "errors: []\n",
            "schemas.yaml": "components: { schemas: { R: { type: object } } }\n",
        ])
    }

    @Test(arguments: [
        ("{ name: b.go }", "methods.0: b.go must be a.something"),
        ("{ name: a.go, paramStructure: by-position }", "methods.0: paramStructure must be by-name"),
        (
            "{ name: a.go, paramStructure: by-name, params: [], result: { name: r, schema: { type: string } } }",
            "methods.0.result: a result must be a declared type or x-json"
        ),
        ("{ name: a.go, links: [] }", "methods.0.links: keyword links is not supported in a method"),
        (
            "{ name: a.go, paramStructure: by-name, params: [], errors: [ { $ref: 'errors.yaml#/x' } ], "
                + "result: { name: r, schema: { $ref: 'schemas.yaml#/components/schemas/R' } } }",
            "methods.0.errors.0.$ref: errors.yaml#/x is not in the registry"
        ),
    ])
    func methods(_ method: String, _ reason: String) { #expect(service(method) == "a.openrpc.yaml: " + reason) }

    private func surface(_ operation: String, path: String = "/x") -> String? {
        refusal([
            "a.openrpc.yaml": """
            openrpc: 1.3.2
            methods:
              - name: a.go
                paramStructure: by-name
                params:
                  - { name: user, required: true, schema: { type: string } }
                  - { name: n, required: true, schema: { type: integer } }
                result: { name: r, schema: { $ref: 'schemas.yaml#/components/schemas/R' } }
            """,
            "errors.yaml": "errors: []\n",
            "schemas.yaml": "components: { schemas: { R: { type: object }, S: { type: object } } }\n",
            "openapi.yaml": "openapi: 3.1.0\npaths:\n  \(path):\n    get: \(operation)\n",
        ])
    }

    @Test(arguments: [
        (
            "{ operationId: go, callbacks: {} }",
            "paths./x.get.callbacks: keyword callbacks is not supported in an operation"
        ),
        (
            "{ operationId: go, parameters: [ { name: n, in: cookie, schema: { type: string } } ] }",
            "paths./x.get.parameters.0.in: a parameter must be in path, query or header"
        ),
        (
            "{ operationId: go, parameters: [ { name: n, in: path, required: true, schema: { type: string } } ] }",
            "paths./x.get: path parameters [\"n\"] do not fit /x"
        ),
        (
            "{ operationId: go, parameters: "
                + "[ { name: n, in: query, schema: { type: array, items: { type: string } } } ] }",
            "paths./x.get.parameters.0: a parameter must be a string, number, boolean or an id"
        ),
        ("{ operationId: go, responses: { default: {} } }", "paths./x.get: has no response below 400"),
        (
            "{ operationId: go, security: [], x-scope: read, responses: { '204': { description: d } } }",
            "paths./x.get: x-scope is not supported with security: []"
        ),
        (
            "{ operationId: go, security: [ { bearer: [] } ], responses: { '204': { description: d } } }",
            "paths./x.get.security.0.bearer: must be left out, as for all operations"
        ),
        (
            "{ operationId: go, security: [ { other: [] } ], responses: { '204': { description: d } } }",
            "paths./x.get.security.0.other: there is no scheme other"
        ),
        (
            "{ operationId: go, security: [], x-given-password: true, responses: { '204': { description: d } } }",
            "paths./x.get: x-given-password is not supported with security: []"
        ),
        (
            "{ operationId: go, security: [], x-missing-factor: true, responses: { '204': { description: d } } }",
            "paths./x.get: x-missing-factor is not supported with security: []"
        ),
        (
            "{ operationId: go, x-errors: [nope], responses: { '204': { description: d } } }",
            "paths./x.get.x-errors.0: nope is not in the registry"
        ),
        (
            "{ operationId: go, x-rpc: a.no, responses: { '204': { description: d } } }",
            "paths./x.get.x-rpc: there is no method a.no"
        ),
        (
            "{ operationId: go, x-rpc: a.go, responses: { '204': { description: d } } }",
            "go: x-rpc a.go: nothing provides n"
        ),
        (
            "{ operationId: go, x-rpc: a.go, parameters: [ { name: n, in: query, schema: { type: integer } } ], "
                + "responses: { '204': { description: d } } }",
            "go: x-rpc a.go: n is of another type"
        ),
        (
            "{ operationId: go, x-rpc: a.go, responses: { '200': { description: d, content: "
                + "{ application/json: { schema: { $ref: 'schemas.yaml#/components/schemas/S' } } } } } }",
            "paths./x.get: x-rpc a.go returns another type"
        ),
        (
            "{ operationId: go, x-rpc: a.go, responses: { '200': { description: d, x-written: true, content: "
                + "{ application/json: { schema: { $ref: 'schemas.yaml#/components/schemas/R' } } } } } }",
            "paths./x.get: x-rpc and x-written are not supported together"
        ),
    ])
    func operations(_ operation: String, _ reason: String) { #expect(surface(operation) == "openapi.yaml: " + reason) }

    @Test func yamlFaults() {
        #expect(refusal(["schemas.yaml": "a: [1"])?.hasPrefix("schemas.yaml: is not YAML") == true)
        #expect(refusal(["schemas.yaml": "a: &x 1\nb: *x\n"]) != nil)
    }
}
