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

    /// The value of a key, or its default. The key must be part of the schema that was loaded.
    package subscript<Value>(_ key: ConfigKey<Value>) -> Value {
        precondition(schema.names.contains(key.name), "\(key.name) is read but not declared")
        reads.insert(key.name)
        guard let value = texts[key.name].flatMap(key.parse) ?? key.absent else {
            // Loading accepted the text with this very parser, and refused the absence of a required one.
            preconditionFailure("\(key.name) was checked with another type")
        }
        return value
    }

    /// The texts of the declared settings that are no secrets and whose names end so, defaults included; by name.
    package func texts(ending suffix: String) -> [(name: String, text: String)] {
        schema.definitions.filter { !$0.isSecret && $0.name.hasSuffix(suffix) }.compactMap { definition in
            (texts[definition.name] ?? definition.defaultText).map { (definition.name, $0) }
        }.sorted { $0.name < $1.name }
    }

    /// Declared names that nobody has read yet, sorted: what a test expects to be empty after the start.
    package var unreadNames: [String] { schema.names.subtracting(reads.names).sorted() }

    private final class Reads: Sendable {
        private let state = Mutex<Set<String>>([])

        var names: Set<String> { state.withLock { $0 } }

        func insert(_ name: String) { state.withLock { _ = $0.insert(name) } }
    }
}
