import Yams

/// First stage: parses YAML text into values that know their place.
enum SpecParser {
    static func parse(_ text: String, file: String) throws(SpecError) -> SpecNode {
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch {
            throw SpecError(file: file, path: "", reason: "is not YAML: \(error)")
        }
        guard let root else { throw SpecError(file: file, path: "", reason: "is empty") }
        return SpecNode(file: file, path: [], value: try convert(root, SpecNode(file: file, path: [], value: .null)))
    }

    private static func convert(_ node: Node, _ place: SpecNode) throws(SpecError) -> SpecValue {
        switch node {
        case .alias: throw place.fail("aliases are not supported")
        case .sequence(let sequence):
            var elements: [SpecValue] = []
            for element in sequence {
                elements.append(try convert(element, place.child(String(elements.count), .null)))
            }
            return .array(elements)
        case .mapping(let mapping):
            var members: [(key: String, value: SpecValue)] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else { throw place.fail("a key must be plain text") }
                let name = scalar.string
                if members.contains(where: { $0.key == name }) { throw place.fail("\(name) is given twice") }
                members.append((name, try convert(value, place.child(name, .null))))
            }
            return .object(members)
        case .scalar(let scalar):
            let text = scalar.string
            guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
            switch text {
            case "", "~", "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: break
            }
            if let number = Int(text), String(number) == text { return .int(number) }
            if Double(text) != nil, text.utf8.allSatisfy({ "+-.eE0123456789".utf8.contains($0) }) {
                return .number(text)
            }
            return .string(text)
        }
    }
}
