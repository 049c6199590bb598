internal import Configuration
internal import Cryptography

/// Reads and checks all settings once; the environment overrides the file, which overrides the defaults.
package struct ConfigLoader: Sendable {
    /// The setting that names the file of further settings.
    package static let fileSetting = "REELAY_CONFIG_FILE"

    private static let prefix = "REELAY_"
    /// Bytes of the value of one setting; secrets may be longer.
    private static let valueBytesMax = 4096

    private let schema: ConfigSchema
    private let knownNames: Set<String>
    private let readFile: @Sendable (String) -> ConfigFile.Outcome

    /// `knownNames` are the settings of other services, which share an environment: they are not mistakes here.
    package init(
        schema: ConfigSchema, knownNames: Set<String>, readFile: @escaping @Sendable (String) -> ConfigFile.Outcome
    ) {
        self.schema = schema
        self.knownNames = knownNames.union(schema.names)
        self.readFile = readFile
    }

    /// Checks every setting; throws all problems at once. An empty value counts as absent.
    package func load(environment: [String: String]) throws(StartupError) -> ConfigValues {
        var problems: [StartupError.Problem] = []
        let settings = environment.filter { $0.key.hasPrefix(Self.prefix) && !$0.value.isEmpty }
        var layers = [Layer(origin: "the environment", settings: settings)]
        if let path = settings[Self.fileSetting] {
            switch readFile(path) {
            case .text(let text):
                let (values, found) = ConfigFile.parse(text, path: path)
                problems += found
                layers.append(Layer(origin: path, settings: values.filter { !$0.value.isEmpty }))
                problems += unknownNames(values, origin: path, isFile: true)
            case .unreadable(let reason):
                problems.append(.init(subject: Self.fileSetting, reason: "cannot read \(path): \(reason)"))
            }
        }
        problems += unknownNames(settings, origin: "the environment", isFile: false)
        var texts: [String: String] = [:]
        for definition in schema.definitions {
            switch find(definition, in: layers) {
            case .text(let text):
                texts[definition.name] = text
            case .absent where definition.isRequired:
                let file = definition.isSecret ? " (or \(definition.name)_FILE)" : ""
                problems.append(
                    .init(subject: definition.name, reason: "is required\(file): expected \(definition.form)"))
            case .absent:
                break
            case .problem(let problem):
                problems.append(problem)
            }
        }
        guard problems.isEmpty else { throw .settings(problems) }
        return ConfigValues(schema: schema, texts: texts)
    }

    /// One source of settings, read through swift-configuration.
    private struct Layer {
        let origin: String
        let reader: ConfigReader

        init(origin: String, settings: [String: String]) {
            self.origin = origin
            reader = ConfigReader(
                provider: EnvironmentVariablesProvider(environmentVariables: settings, secretsSpecifier: .all))
        }

        func text(_ name: String) -> String? {
            let parts = name.split(separator: "_").map { $0.lowercased() }
            return reader.string(forKey: Configuration.ConfigKey(parts), isSecret: true)
        }
    }

    private enum Finding {
        case text(String)
        case absent
        case problem(StartupError.Problem)
    }

    private func find(_ definition: ConfigDefinition, in layers: [Layer]) -> Finding {
        for layer in layers {
            let text = layer.text(definition.name)
            let path = definition.isSecret ? layer.text(definition.name + "_FILE") : nil
            switch (text, path) {
            case (nil, nil):
                continue
            case (.some, .some):
                return .problem(
                    .init(subject: definition.name, reason: "both it and \(definition.name)_FILE are set: set only one")
                )
            case (.some(let text), nil):
                return check(text, definition)
            case (nil, .some(let path)):
                return readSecret(path, definition)
            }
        }
        return .absent
    }

    private func readSecret(_ path: String, _ definition: ConfigDefinition) -> Finding {
        let name = definition.name + "_FILE"
        switch readFile(path) {
        case .unreadable(let reason):
            return .problem(.init(subject: name, reason: "cannot read \(path): \(reason)"))
        case .text(let text):
            let secret = ConfigText.trimmed(text[...])
            guard !secret.isEmpty else { return .problem(.init(subject: name, reason: "\(path) is empty")) }
            guard definition.accepts(secret) else {
                return .problem(.init(subject: name, reason: "expected \(definition.form) in \(path)"))
            }
            return .text(secret)
        }
    }

    private func check(_ text: String, _ definition: ConfigDefinition) -> Finding {
        let isShort = definition.isSecret || text.utf8.count <= Self.valueBytesMax
        guard isShort, definition.accepts(text) else {
            let got = definition.isSecret ? "" : ", got \(ConfigText.shown(text))"
            return .problem(.init(subject: definition.name, reason: "expected \(definition.form)\(got)"))
        }
        return .text(text)
    }

    private func unknownNames(
        _ settings: [String: String], origin: String, isFile: Bool
    ) -> [StartupError.Problem] {
        settings.keys.sorted().filter { !isKnown($0, isFile: isFile) }.map { name in
            .init(subject: ConfigText.trimmed(name.prefix(80)), reason: "no setting has this name (in \(origin))")
        }
    }

    private func isKnown(_ name: String, isFile: Bool) -> Bool {
        if name == Self.fileSetting { return !isFile }
        if knownNames.contains(name) { return true }
        guard name.hasSuffix("_FILE") else { return false }
        let base = String(name.dropLast(5))
        if let own = schema.definitions.first(where: { $0.name == base }) { return own.isSecret }
        return knownNames.contains(base)
    }
}
