/// What a string must look like beyond being one.
struct StringRule: Sendable, Hashable {
    enum Format: Sendable { case any, uri }

    var min = 0
    var max = Int.max
    var pattern: String?
    var format = Format.any
}

/// The bounds of a number, as Swift literals.
struct NumberRule: Sendable, Hashable {
    var min: String?
    var max: String?
    var above: String?
    var below: String?
}

/// The shape of one value: the Swift type it has and the checks that its JSON must pass.
indirect enum Shape: Sendable, Hashable {
    case string(StringRule)
    case int(ClosedRange<Int>)
    case double(NumberRule)
    case tenths(ClosedRange<Int>)
    case bool
    case date
    case instant
    /// Any JSON, kept as text.
    case json
    /// The same text always; has no property.
    case const(String)
    case array(Shape, count: ClosedRange<Int>, isUnique: Bool)
    case map(Shape, count: ClosedRange<Int>)
    case nullable(Shape)
    /// A declared type.
    case named(String)
}

struct Property: Sendable, Hashable {
    let wireName: String
    let swiftName: String
    let shape: Shape
    let isRequired: Bool
    let isSecret: Bool
    let doc: String?
}

struct Record: Sendable, Hashable {
    let name: String
    let doc: String?
    let properties: [Property]
}

/// One alternative of a union: the value of its tag, and the record that it announces.
struct UnionCase: Sendable, Hashable {
    let tag: String
    let record: String
}

/// A type that the contracts declare.
enum Declaration: Sendable, Equatable {
    case record(Record)
    case enumeration(name: String, doc: String?, values: [String])
    /// A distinct type over a UUID.
    case identifier(name: String, doc: String?)
    /// A distinct type over a string.
    case text(name: String, doc: String?, rule: StringRule)
    /// One of several records, told apart by a string member.
    case union(name: String, doc: String?, tag: String, cases: [UnionCase])

    var name: String {
        switch self {
        case .record(let record): record.name
        case .enumeration(let name, _, _), .identifier(let name, _), .text(let name, _, _), .union(let name, _, _, _):
            name
        }
    }
}

struct RegistryEntry: Sendable {
    let name: String
    let code: Int
    let status: Int
    let isRetryable: Bool
    let meaning: String
}

struct Method: Sendable {
    let wireName: String
    let swiftName: String
    let summary: String
    let isIdempotent: Bool
    let params: Record
    let result: Shape
    let errors: [String]
}

struct Service: Sendable {
    /// The name before the dot of its methods, such as `ratings`.
    let name: String
    let methods: [Method]
    /// The bundled OpenRPC document.
    let document: String

    var typeName: String { SwiftName.type(name) }
}

/// Where a parameter of an operation comes from.
enum ParameterPlace: String, Sendable { case path, query, header }

struct Parameter: Sendable {
    let place: ParameterPlace
    let property: Property
}

struct Reply: Sendable {
    let status: Int
    /// Nil where the response has no body, and for files.
    let body: Shape?
    /// Whether it is sent as it is made.
    var isStream = false
    /// Whether its operation writes the JSON itself.
    var isWritten = false
}

struct Operation: Sendable {
    let id: String
    let summary: String
    let method: String
    let path: String
    let isOpen: Bool
    let scope: String?
    /// Whether it is there for who logged in with a password that an administrator gave, and has not changed it yet.
    let takesGivenPassword: Bool
    /// Whether it is there for who has no second factor where everybody has to have one.
    let takesMissingFactor: Bool
    /// Whether it can be sent again without an Idempotency-Key.
    let isRepeatable: Bool
    let parameters: [Parameter]
    let body: Shape?
    let isBodyRequired: Bool
    /// Whether the body comes in any form, and the handler reads it.
    let isBodyRaw: Bool
    /// Whether the handler takes the body in pieces, whatever it is.
    var takesUpload = false
    let replies: [Reply]
    /// Whether its answer is what GET answers at the same path, so that both carry the same entity tag.
    var isRepresentation = false
    /// Whether the handler holds If-Match against what is there, in one step with its effect.
    let checksConditions: Bool
    let errors: [String]
    /// The internal method that answers it, such as `ratings.getRating`.
    let rpc: (service: Service, method: Method)?
    /// Whether the answer is the document itself.
    let isDocument: Bool

    /// Whether it takes effect once under an Idempotency-Key.
    var takesKey: Bool { parameters.contains { $0.property.wireName == "Idempotency-Key" } }
}

struct Gateway: Sendable {
    let operations: [Operation]
    /// The bundled OpenAPI document.
    let document: String
}

/// Everything that the documents say, checked; the last stage only writes it down.
struct ContractModel: Sendable {
    var declarations: [Declaration] = []
    var registry: [RegistryEntry] = []
    var services: [Service] = []
    var gateway: Gateway?
}
