/// A dictionary of what was used last: as soon as `countMax` other keys were used after it, a key may be forgotten, and after twice
/// as many it is.
struct Recent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let countMax: Int
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]

    init(countMax: Int) { self.countMax = countMax }

    /// What is kept for a key, which counts as its use.
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
