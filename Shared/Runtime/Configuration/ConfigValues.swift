internal import Synchronization

/// The checked settings of one process.
package struct ConfigValues: Sendable {
    private let schema: ConfigSchema
    private let texts: [String: String]
    private let reads = Reads()

    init(schema: ConfigSchema, texts: [String: String]) {
        self.schema = schema
        self.texts = texts
    }

    /// Returns the value of a key, or its default. The key must be part of the loaded schema.
    package subscript<Value>(_ key: ConfigKey<Value>) -> Value {
        precondition(schema.names.contains(key.name), "\(key.name) is read but not declared")
        reads.insert(key.name)
        guard let value = texts[key.name].flatMap(key.parse) ?? key.absent else {
            // Loading accepted the text with this very parser, and refused the absence of a required value.
            preconditionFailure("\(key.name) was checked with another type")
        }
        return value
    }

    /// Returns the texts, sorted by name, of the declared non-secret settings whose names end in `suffix`, including
    /// defaults.
    package func texts(ending suffix: String) -> [(name: String, text: String)] {
        schema.definitions.filter { !$0.isSecret && $0.name.hasSuffix(suffix) }.compactMap { definition in
            (texts[definition.name] ?? definition.defaultText).map { (definition.name, $0) }
        }.sorted { $0.name < $1.name }
    }

    /// The declared names that nobody has read yet, sorted; a test expects none after the start.
    package var unreadNames: [String] { schema.names.subtracting(reads.names).sorted() }

    private final class Reads: Sendable {
        private let state = Mutex<Set<String>>([])

        var names: Set<String> { state.withLock { $0 } }

        func insert(_ name: String) { state.withLock { _ = $0.insert(name) } }
    }
}
