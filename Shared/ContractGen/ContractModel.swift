/// The constraints on a string.
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

/// The shape of one value: its Swift type and the checks that its JSON must pass.
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
    /// A constant text; has no property.
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

/// One alternative of a union: the value of its tag, and the record selected by it.
struct UnionCase: Sendable, Hashable {
    let tag: String
    let record: String
}

/// A type declared by the contracts.
enum Declaration: Sendable, Equatable {
    case record(Record)
    case enumeration(name: String, doc: String?, values: [String])
    /// A distinct type over a UUID.
    case identifier(name: String, doc: String?)
    /// A distinct type over a string.
    case text(name: String, doc: String?, rule: StringRule)
    /// One of several records, distinguished by a string member.
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
    /// The part of its method names before the dot, such as `ratings`.
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
    /// Nil if the response has no body, and for files.
    let body: Shape?
    /// Whether it is sent as it is produced.
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
    /// Whether it is available after a login with an administrator's password that has not been changed yet.
    let takesGivenPassword: Bool
    /// Whether it is available without the second factor that everybody must have.
    let takesMissingFactor: Bool
    /// Whether it can be repeated without an Idempotency-Key.
    let isRepeatable: Bool
    let parameters: [Parameter]
    let body: Shape?
    let isBodyRequired: Bool
    /// Whether the body may have any form, and the handler reads it.
    let isBodyRaw: Bool
    /// Whether the handler takes the body in pieces, whatever its form.
    var takesUpload = false
    let replies: [Reply]
    /// Whether its response is what GET returns for the same path, so that both carry the same entity tag.
    var isRepresentation = false
    /// Whether the handler checks If-Match against the current state atomically with its effect.
    let checksConditions: Bool
    let errors: [String]
    /// The internal method that implements it, such as `ratings.getRating`.
    let rpc: (service: Service, method: Method)?
    /// Whether the response is the document itself.
    let isDocument: Bool

    /// Whether it takes effect once under an Idempotency-Key.
    var takesKey: Bool { parameters.contains { $0.property.wireName == "Idempotency-Key" } }
}

struct Gateway: Sendable {
    let operations: [Operation]
    /// The bundled OpenAPI document.
    let document: String
}

/// Everything stated by the documents, checked; the last stage only renders it.
struct ContractModel: Sendable {
    var declarations: [Declaration] = []
    var registry: [RegistryEntry] = []
    var services: [Service] = []
    var gateway: Gateway?
}
