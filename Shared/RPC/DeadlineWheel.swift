/// A hashed timing wheel without a clock, whose elements are due at a tick, and are armed and disarmed in constant
/// time.
///
/// Not thread-safe; `DeadlineSweeper` serialises access. Memory grows with the peak number of armed elements.
package struct DeadlineWheel<Element: Sendable>: Sendable {
    /// Identifies one armed element until it is disarmed or expires.
    package struct Key: Sendable, Hashable {
        fileprivate var index: Int
        fileprivate var generation: UInt64
    }

    private struct Entry: Sendable {
        var element: Element?
        var tick: UInt64 = 0
        var generation: UInt64 = 0
        var previous = -1
        var next = -1
    }

    /// A power of two, so that a mask maps a tick to its slot.
    private static var slotCount: Int { 256 }

    private var heads = [Int](repeating: -1, count: slotCount)
    private var entries: [Entry] = []
    private var firstFree = -1
    private(set) var count = 0
    /// Everything due at or before this tick has been returned.
    private(set) var now: UInt64 = 0

    /// Arms `element` for `tick`; if that has passed, the element is due at the next advance.
    mutating func arm(_ element: Element, at tick: UInt64) -> Key {
        let index: Int
        if firstFree >= 0 {
            index = firstFree
            firstFree = entries[index].next
        } else {
            index = entries.count
            entries.append(Entry())
        }
        let due = max(tick, now + 1)
        entries[index].element = element
        entries[index].tick = due
        entries[index].generation += 1
        link(index, slot: Self.slot(of: due))
        count += 1
        return Key(index: index, generation: entries[index].generation)
    }

    /// Disarms an element; returns false if it expired or was disarmed before.
    @discardableResult
    mutating func disarm(_ key: Key) -> Bool {
        guard entries.indices.contains(key.index), entries[key.index].generation == key.generation,
            entries[key.index].element != nil
        else { return false }
        remove(key.index)
        return true
    }

    /// Advances the time to `tick` and returns what is due by then, in no particular order.
    mutating func advance(to tick: UInt64) -> [Element] {
        guard tick > now else { return [] }
        var expired: [Element] = []
        let steps = min(tick - now, UInt64(Self.slotCount))
        if count > 0 {
            for step in 0..<steps { expire(slot: Self.slot(of: tick - step), at: tick, into: &expired) }
        }
        now = tick
        return expired
    }

    private mutating func expire(slot: Int, at tick: UInt64, into expired: inout [Element]) {
        var index = heads[slot]
        while index >= 0 {
            let next = entries[index].next
            if entries[index].tick <= tick, let element = entries[index].element {
                expired.append(element)
                remove(index)
            }
            index = next
        }
    }

    private static func slot(of tick: UInt64) -> Int { Int(tick & UInt64(slotCount - 1)) }

    private mutating func link(_ index: Int, slot: Int) {
        entries[index].previous = -1
        entries[index].next = heads[slot]
        if heads[slot] >= 0 { entries[heads[slot]].previous = index }
        heads[slot] = index
    }

    private mutating func remove(_ index: Int) {
        let (previous, next) = (entries[index].previous, entries[index].next)
        if previous >= 0 { entries[previous].next = next } else { heads[Self.slot(of: entries[index].tick)] = next }
        if next >= 0 { entries[next].previous = previous }
        entries[index].element = nil
        entries[index].next = firstFree
        firstFree = index
        count -= 1
    }
}
