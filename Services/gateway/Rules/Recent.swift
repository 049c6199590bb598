/// A dictionary of recently used values: a key may be forgotten once `countMax` other keys were used after it, and is
/// after twice as many.
struct Recent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let countMax: Int
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]

    init(countMax: Int) { self.countMax = countMax }

    /// Returns the value of a key, which counts as its use.
    mutating func value(for key: Key) -> Value? {
        if let value = newer[key] { return value }
        guard let value = older.removeValue(forKey: key) else { return nil }
        keep(value, for: key)
        return value
    }

    mutating func keep(_ value: Value, for key: Key) {
        if newer.count >= countMax, newer[key] == nil { (older, newer) = (newer, [:]) }
        newer[key] = value
    }
}
