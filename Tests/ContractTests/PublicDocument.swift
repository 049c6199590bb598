import Foundation
import Testing

/// The operations of `proto/openapi.yaml`, read independently of the generator.
///
/// Each operation shows an example of itself in `x-example` and says in `x-provoke` how to provoke each of its
/// `x-errors`:
///
///     x-example:
///       given: [{ operation: resolveMovie, body: {…}, becomes: { id: "a literal" } }]
///       path: { title: "a literal" }      # also query, headers, body, and bearer: a token other than the caller's
///     x-provoke:
///       - { error: titleNotFound, path: { title: "…" } }
///
/// A literal stands for a value that only the service knows; `a-person` is the caller's name, `nobody-yet` one that is
/// free. A step may also be an internal call (`method`, `params`). `at: closed` asks the gateway that is closed to new
/// people. `upload` is the text of a body that is sent in pieces; `a-word-of-its-own` in it differs each time.
struct PublicDocument: Sendable {
    /// A request, and those that must precede it.
    struct Request: Sendable {
        let operation: String
        /// The internal method to call instead of an operation, for what the public API does not offer.
        let method: String?
        let params: Tree
        let given: [Request]
        let path: Tree
        let query: Tree
        let headers: Tree
        /// The bearer token, if it is not the caller's.
        let bearer: String?
        let body: Tree?
        let upload: String?
        let becomes: [String: String]
        let isAtClosedGateway: Bool

        init(_ node: Tree, operation: String? = nil) {
            self.operation = operation ?? node["operation"]?.text ?? ""
            method = node["method"]?.text
            params = node["params"] ?? .object([:])
            given = (node["given"]?.items ?? []).map { Request($0) }
            path = node["path"] ?? .object([:])
            query = node["query"] ?? .object([:])
            headers = node["headers"] ?? .object([:])
            bearer = node["bearer"]?.text
            body = node["body"]
            upload = node["upload"]?.text
            becomes = (node["becomes"]?.members ?? [:]).compactMapValues(\.text)
            isAtClosedGateway = node["at"]?.text == "closed"
        }
    }

    struct Operation: Sendable, CustomTestStringConvertible {
        let id: String
        let method: String
        let path: String
        /// Whether it asks for no session or API key: for nothing at all, or for a token of its own.
        let isOpen: Bool
        let isDocument: Bool
        /// Whether it is restricted to administrators.
        let isForAdministrators: Bool
        /// Whether repeating it changes nothing, so that it needs no Idempotency-Key.
        let isRepeatable: Bool
        /// Whether it takes an Idempotency-Key.
        let takesKey: Bool
        /// Whether it takes a body in any form.
        let isBodyRaw: Bool
        let isStream: Bool
        /// The body's schema, or nil if the operation takes none.
        let body: Tree?
        /// Whether it answers with a file other than JSON.
        let isFile: Bool
        /// Schemas by status, `.null` if the answer has no body.
        let answers: [Int: Tree]
        let errors: [String]
        let example: Request?
        let provocations: [(error: String, request: Request)]

        var testDescription: String { id }
    }

    static let file = "openapi.yaml"
    let operations: [Operation]

    init(_ documents: ContractDocuments) {
        var operations: [Operation] = []
        for (path, item) in documents.files[Self.file]?["paths"]?.members ?? [:] {
            for method in ["get", "post", "put", "patch", "delete"] {
                guard let node = item[method] else { continue }
                operations.append(Operation(node, method.uppercased(), path))
            }
        }
        self.operations = operations.sorted { $0.id < $1.id }
    }
}

extension PublicDocument.Operation {
    /// Whether the operation that `node` declares asks for no session or API key.
    static func isOpen(_ node: Tree) -> Bool {
        node["security"].map { security in !security.items.contains { $0["bearer"] != nil } } ?? false
    }

    fileprivate init(_ node: Tree, _ method: String, _ path: String) {
        let id = node["operationId"]?.text ?? ""
        self.id = id
        self.method = method
        self.path = path
        isOpen = Self.isOpen(node)
        isDocument = node["x-document"] == .bool(true)
        isForAdministrators = node["x-scope"]?.text == "admin"
        isRepeatable = node["x-repeatable"] == .bool(true)
        takesKey =
            node["parameters"]?.items.contains { $0["$ref"]?.text?.hasSuffix("/IdempotencyKey") == true } == true
        isBodyRaw = node["requestBody"]?["x-raw"] == .bool(true)
        isStream = node["responses"]?["200"]?["content"]?.members["text/event-stream"] != nil
        body = node["requestBody"]?["content"]?.members["application/json"]?["schema"]
        var answers: [Int: Tree] = [:]
        for (status, answer) in node["responses"]?.members ?? [:] {
            guard let status = Int(status) else { continue }
            answers[status] = answer["content"]?.members["application/json"]?["schema"] ?? .null
        }
        self.answers = answers
        isFile = (node["responses"]?.members ?? [:]).values.contains {
            $0["x-stream"] == .bool(true) && $0["content"]?.members["text/event-stream"] == nil
                && $0["content"]?.members["application/json"] == nil
        }
        errors = (node["x-errors"]?.items ?? []).compactMap(\.text)
        example = node["x-example"].map { PublicDocument.Request($0, operation: id) }
        provocations = (node["x-provoke"]?.items ?? []).map {
            ($0["error"]?.text ?? "", PublicDocument.Request($0, operation: id))
        }
    }
}
