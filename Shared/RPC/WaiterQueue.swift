/// A first-come, first-served queue with removal from the middle in constant time. Pure; its owner bounds it.
struct WaiterQueue<Waiter: Sendable>: Sendable {
    struct Key: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private var waiting: [UInt64: Waiter] = [:]
    /// The numbers of the oldest waiter that may remain, and of the next to come.
    private var first: UInt64 = 0
    private var next: UInt64 = 0

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(_ waiter: Waiter) -> Key {
        defer { next += 1 }
        waiting[next] = waiter
        return Key(number: next)
    }

    mutating func remove(_ key: Key) -> Waiter? { waiting.removeValue(forKey: key.number) }

    mutating func popFirst() -> Waiter? {
        while first < next {
            defer { first += 1 }
            if let waiter = waiting.removeValue(forKey: first) { return waiter }
        }
        return nil
    }
}
