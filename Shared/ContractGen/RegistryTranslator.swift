/// Second stage, `errors.yaml`: the registry, with its codes and names checked to be unique.
enum RegistryTranslator {
    static func translate(_ document: SpecNode) throws(SpecError) -> [RegistryEntry] {
        try document.only(["errors"], "in a registry")
        var entries: [RegistryEntry] = []
        for node in try document.require("errors").elements() {
            try node.only(["name", "code", "status", "retryable", "meaning"], "in a registry entry")
            let entry = RegistryEntry(
                name: try node.require("name").string(), code: try node.require("code").int(),
                status: try node.require("status").int(), isRetryable: try node.require("retryable").bool(),
                meaning: try node.require("meaning").string())
            guard SwiftName.isMember(entry.name), SwiftName.property(entry.name) == entry.name else {
                throw node.fail("\(entry.name) is not a valid name for an error")
            }
            guard (1_000...1_999).contains(entry.code) else { throw node.fail("code must be 1000 to 1999") }
            guard (400...599).contains(entry.status) else { throw node.fail("status must be 400 to 599") }
            if entries.contains(where: { $0.code == entry.code }) { throw node.fail("code \(entry.code) is taken") }
            if entries.contains(where: { $0.name == entry.name }) { throw node.fail("name \(entry.name) is taken") }
            entries.append(entry)
        }
        return entries.sorted { $0.code < $1.code }
    }
}
