import Foundation
import Stack

/// What the document served to clients says about answers.
enum ServedDocument {
    /// Header fields of HTTP itself, which any browser understands on every answer.
    private static let ofHTTP: Set = [
        "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "date", "vary",
        "cache-control", "x-content-type-options", "content-security-policy", "x-frame-options", "referrer-policy",
        "cross-origin-resource-policy", "access-control-allow-origin", "access-control-expose-headers",
    ]

    /// Returns `node`, or what it refers to.
    static func resolved(_ node: Tree, _ documents: ContractDocuments, _ file: String) -> Tree {
        node["$ref"]?.text.map { documents.resolve($0, from: file).schema } ?? node
    }

    /// The errors that an operation can return.
    static func codes(of operation: Tree, _ documents: ContractDocuments, _ file: String) -> Set<String> {
        var codes: Set<String> = []
        for (status, given) in operation["responses"]?.members ?? [:] where status != "default" {
            let answer = resolved(given, documents, file)
            codes.formUnion(
                answer["content"]?.members["application/problem+json"]?["examples"]?.members.keys.map(\.self) ?? [])
        }
        return codes
    }

    /// The header fields declared for an answer, in lower case.
    static func headers(of answer: Tree) -> Set<String> {
        Set((answer["headers"]?.members ?? [:]).keys.map { $0.lowercased() })
    }

    /// The header fields of `answer` that the document does not declare.
    static func undeclared(
        in answer: Wire.Answer, to operation: Tree, _ documents: ContractDocuments, _ file: String
    ) -> [String] {
        let answers = operation["responses"]
        let given = answers?[String(answer.status)] ?? answers?["default"] ?? .null
        let known = headers(of: resolved(given, documents, file)).union(ofHTTP)
        return answer.headers.keys.filter { !known.contains($0) }.sorted()
    }
}
