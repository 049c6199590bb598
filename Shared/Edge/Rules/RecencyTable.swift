/// Values by key, ordered by when they were last renewed. No operation takes longer the more there are.
struct RecencyTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// A value with the places of its neighbours.
    private struct Node: Sendable {
        let key: Key
        var value: Value
        var older: Int?
        var newer: Int?
    }

    private var places: [Key: Int] = [:]
    /// Nil for a free place.
    private var nodes: [Node?] = []
    private var free: [Int] = []
    private var oldestPlace: Int?
    private var newestPlace: Int?

    var count: Int { places.count }

    subscript(key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        return nodes[place]?.value
    }

    /// Changes the value of `key` without renewing it; returns nil if there is none.
    mutating func update<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        guard let place = places[key], var node = nodes[place] else { return nil }
        // Otherwise the value's storage would be copied.
        nodes[place] = nil
        let result = change(&node.value)
        nodes[place] = node
        return result
    }

    /// Adds the value of a key as the newest; replaces any value it has.
    mutating func insert(_ value: Value, for key: Key) {
        remove(key)
        let node = Node(key: key, value: value, older: nil, newer: nil)
        let place: Int
        if let last = free.popLast() {
            place = last
            nodes[place] = node
        } else {
            place = nodes.count
            nodes.append(node)
        }
        places[key] = place
        link(place)
    }

    /// Makes a key the newest.
    mutating func renew(_ key: Key) {
        guard let place = places[key], place != newestPlace else { return }
        unlink(place)
        link(place)
    }

    mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        unlink(place)
        nodes[place] = nil
        free.append(place)
    }

    /// Returns up to `countMax` entries that were renewed longest ago, the oldest first.
    func oldest(_ countMax: Int) -> [(key: Key, value: Value)] {
        var found: [(key: Key, value: Value)] = []
        var next = oldestPlace
        while found.count < countMax, let place = next, let node = nodes[place] {
            found.append((node.key, node.value))
            next = node.newer
        }
        return found
    }

    private mutating func link(_ place: Int) {
        nodes[place]?.older = newestPlace
        nodes[place]?.newer = nil
        if let before = newestPlace { nodes[before]?.newer = place } else { oldestPlace = place }
        newestPlace = place
    }

    private mutating func unlink(_ place: Int) {
        guard let node = nodes[place] else { return }
        if let older = node.older { nodes[older]?.newer = node.newer } else { oldestPlace = node.newer }
        if let newer = node.newer { nodes[newer]?.older = node.older } else { newestPlace = node.older }
    }
}
