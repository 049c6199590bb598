internal import Configuration
internal import Cryptography

/// Reads and checks all settings once; the environment overrides the file, which overrides the folder of secrets, which
/// overrides the defaults.
package struct ConfigLoader: Sendable {
    /// The setting that names the file of further settings.
    package static let fileSetting = "REELAY_CONFIG_FILE"
    /// The setting that names the folder of secrets: each is a file with the name of its setting.
    package static let folderSetting = "REELAY_SECRETS_FOLDER"

    private static let prefix = "REELAY_"
    /// Bytes of the value of one setting; secrets may be longer.
    private static let valueBytesMax = 4096

    private let schema: ConfigSchema
    private let knownNames: Set<String>
    private let knownSecrets: Set<String>
    private let readFile: @Sendable (String) -> ConfigFile.Outcome
    private let listFolder: @Sendable (String) -> ConfigFile.Listing

    /// `knownNames` are the settings of other services, which share an environment: they are not mistakes here.
    /// `knownSecrets` are those of them that may come from files.
    package init(
        schema: ConfigSchema, knownNames: Set<String>, knownSecrets: Set<String>,
        readFile: @escaping @Sendable (String) -> ConfigFile.Outcome,
        listFolder: @escaping @Sendable (String) -> ConfigFile.Listing
    ) {
        self.schema = schema
        self.knownNames = knownNames.union(schema.names)
        self.knownSecrets = knownSecrets.subtracting(schema.names).union(schema.secretNames)
        self.readFile = readFile
        self.listFolder = listFolder
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
        let folder = settings[Self.folderSetting].flatMap { secretsFolder($0, &problems) }
        var texts: [String: String] = [:]
        for definition in schema.definitions {
            switch find(definition, in: layers, folder) {
            case .text(let text):
                texts[definition.name] = text
            case .absent where definition.isRequired:
                problems.append(.init(subject: definition.name, reason: missing(definition, folder)))
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

    /// A folder in which each secret is a file with the name of its setting.
    private struct SecretsFolder {
        let path: String
        let names: Set<String>

        func file(of definition: ConfigDefinition) -> String { "\(path)/\(definition.name)" }
    }

    private enum Finding {
        case text(String)
        case absent
        case problem(StartupError.Problem)
    }

    private func find(_ definition: ConfigDefinition, in layers: [Layer], _ folder: SecretsFolder?) -> Finding {
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
                let name = definition.name + "_FILE"
                let finding = readSecret(path, definition, givenBy: name)
                guard case .absent = finding else { return finding }
                return .problem(.init(subject: name, reason: "\(path) is empty"))
            }
        }
        guard definition.isSecret, let folder, folder.names.contains(definition.name) else { return .absent }
        return readSecret(folder.file(of: definition), definition, givenBy: definition.name)
    }

    /// Reads the file of a secret; absent if nothing but spaces is in it.
    private func readSecret(_ path: String, _ definition: ConfigDefinition, givenBy subject: String) -> Finding {
        switch readFile(path) {
        case .unreadable(let reason):
            return .problem(.init(subject: subject, reason: "cannot read \(path): \(reason)"))
        case .text(let text):
            let secret = ConfigText.trimmed(text[...])
            guard !secret.isEmpty else { return .absent }
            guard definition.accepts(secret) else {
                return .problem(.init(subject: subject, reason: "expected \(definition.form) in \(path)"))
            }
            return .text(secret)
        }
    }

    /// Looks into the folder of secrets; what is wrong with it, or with names in it, is added to the problems.
    private func secretsFolder(_ path: String, _ problems: inout [StartupError.Problem]) -> SecretsFolder? {
        guard path.hasPrefix("/") else {
            let reason = "expected an absolute path, got \(ConfigText.shown(path))"
            problems.append(.init(subject: Self.folderSetting, reason: reason))
            return nil
        }
        switch listFolder(path) {
        case .unreadable(let reason):
            problems.append(.init(subject: Self.folderSetting, reason: "cannot read \(path): \(reason)"))
            return nil
        case .names(let names):
            // Anything else may lie there too: a README, or what keeps an empty folder in a repository.
            let mistaken = names.sorted().filter { $0.hasPrefix(Self.prefix) && !knownSecrets.contains($0) }
            problems += mistaken.map { name in
                .init(subject: ConfigText.trimmed(name.prefix(80)), reason: "no secret has this name (in \(path))")
            }
            return SecretsFolder(path: path, names: Set(names))
        }
    }

    private func missing(_ definition: ConfigDefinition, _ folder: SecretsFolder?) -> String {
        guard definition.isSecret else { return "is required: expected \(definition.form)" }
        let file = folder.map { ", or the file \($0.file(of: definition))" } ?? ""
        return "is required (or \(definition.name)_FILE\(file)): expected \(definition.form)"
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
        if name == Self.fileSetting || name == Self.folderSetting { return !isFile }
        return knownNames.contains(name) || (name.hasSuffix("_FILE") && knownSecrets.contains(String(name.dropLast(5))))
    }
}
