/// All settings of one process, with unique names.
package struct ConfigSchema: Sendable {
    /// In declaration order.
    package let definitions: [ConfigDefinition]

    package init(_ definitions: [ConfigDefinition]) {
        let names = definitions.map(\.name)
        precondition(Set(names).count == names.count, "a setting is declared twice")
        precondition(names.allSatisfy { $0.hasPrefix("REELAY_") && !$0.hasSuffix("_FILE") }, "a setting is misnamed")
        self.definitions = definitions
    }

    package var names: Set<String> { Set(definitions.map(\.name)) }

    /// The names of those that may come from files.
    package var secretNames: Set<String> { Set(definitions.filter(\.isSecret).map(\.name)) }

    /// Returns the settings as a Markdown table, sorted by name.
    package func markdown() -> String {
        var lines = ["| setting | value | default | meaning |", "|---|---|---|---|"]
        for definition in definitions.sorted(by: { $0.name < $1.name }) {
            let file = definition.isSecret ? ", or in the file of `\(definition.name)_FILE`" : ""
            let fallback = definition.isRequired ? "required" : definition.defaultText.map { "`\($0)`" } ?? "none"
            let cells = ["`\(definition.name)`", definition.form + file, fallback, definition.purpose]
            lines.append("| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Returns the settings for a terminal, sorted by name.
    package func helpText() -> String {
        definitions.sorted { $0.name < $1.name }.map { definition in
            let fallback = definition.isRequired ? "required" : "default: \(definition.defaultText ?? "none")"
            let file = definition.isSecret ? "; or \(definition.name)_FILE" : ""
            return "  \(definition.name)\(file)\n      \(definition.purpose)\n      \(definition.form); \(fallback)\n"
        }.joined()
    }
}
