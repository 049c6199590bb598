import Foundation
import Testing
import Yams

/// The documents of `proto/`, read independently of the generator.
struct ContractDocuments: Sendable {
    /// A call that must be made before another.
    struct Step: Sendable {
        let method: String
        let params: Tree
        let headers: [String: String]
        /// The paths of values in the answer, each with the literal that stands for it in the document.
        let becomes: [String: String]

        init(_ node: Tree) {
            method = node["method"]?.text ?? ""
            params = node["params"] ?? .object([:])
            headers = (node["headers"]?.members ?? [:]).compactMapValues(\.text)
            becomes = (node["becomes"]?.members ?? [:]).compactMapValues(\.text)
        }
    }

    struct Example: Sendable {
        let name: String
        let given: [Step]
        let params: Tree
        let result: Tree
    }

    struct Provocation: Sendable {
        let error: String
        let given: [Step]
        let params: Tree
        let headers: [String: String]
    }

    struct Method: Sendable, CustomTestStringConvertible {
        let name: String
        let params: [(name: String, isRequired: Bool, schema: Tree)]
        let resultSchema: Tree
        let errors: [String]
        let examples: [Example]
        let provocations: [Provocation]

        var testDescription: String { name }
        var service: String { String(name.prefix { $0 != "." }) }
        var file: String { "\(service).openrpc.yaml" }
    }

    let files: [String: Tree]

    init(files: [String: Tree]) { self.files = files }

    init(folder: URL) throws {
        var files: [String: Tree] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasSuffix(".yaml") {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            files[name] = Tree(yaml: try Yams.load(yaml: text))
        }
        self.files = files
    }

    /// Returns the schema that `reference` in `file` refers to, and the file that contains it.
    func resolve(_ reference: String, from file: String) -> (schema: Tree, file: String) {
        let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target = parts[0].isEmpty ? file : String(parts[0])
        let path = parts[1].split(separator: "/").joined(separator: ".")
        guard let schema = files[target]?.value(at: path) else {
            preconditionFailure("\(reference) in \(file) leads nowhere")
        }
        return (schema, target)
    }

    /// The code of an error in the registry.
    func code(of error: String) -> Double? {
        files["errors.yaml"]?["errors"]?.items.first { $0["name"]?.text == error }?["code"]?.number
    }

    func methods(of service: String) -> [Method] {
        (files["\(service).openrpc.yaml"]?["methods"]?.items ?? []).map { node in
            Method(
                name: node["name"]?.text ?? "",
                params: (node["params"]?.items ?? []).map {
                    ($0["name"]?.text ?? "", $0["required"] == .bool(true), $0["schema"] ?? .null)
                },
                resultSchema: node["result"]?["schema"] ?? .null,
                errors: (node["errors"]?.items ?? []).compactMap {
                    $0["$ref"]?.text?.split(separator: "/").last.map(String.init)
                },
                examples: (node["examples"]?.items ?? []).map { example in
                    let pairs = (example["params"]?.items ?? []).map { ($0["name"]?.text ?? "", $0["value"] ?? .null) }
                    return Example(
                        name: example["name"]?.text ?? "", given: (example["x-given"]?.items ?? []).map(Step.init),
                        params: .object(Dictionary(uniqueKeysWithValues: pairs)),
                        result: example["result"]?["value"] ?? .null)
                },
                provocations: (node["x-provoke"]?.items ?? []).map {
                    Provocation(
                        error: $0["error"]?.text ?? "", given: ($0["given"]?.items ?? []).map(Step.init),
                        params: $0["params"] ?? .object([:]),
                        headers: ($0["headers"]?.members ?? [:]).compactMapValues(\.text))
                })
        }
    }
}
