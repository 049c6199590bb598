/// Finds a method by the bytes of its name without creating a string.
struct MethodTable: Sendable {
    private struct Name: Sendable {
        let bytes: [UInt8]
        let index: Int
    }

    /// Open addressing, at most half full, so that a search ends at an empty slot.
    private let slots: [Name?]

    /// Each name is mapped to its index in the list.
    init(_ names: [String]) {
        var size = 8
        while size < names.count * 2 { size *= 2 }
        var slots = [Name?](repeating: nil, count: size)
        for (index, name) in names.enumerated() {
            let bytes = Array(name.utf8)
            var position = bytes.withUnsafeBufferPointer(Self.hash) & (size - 1)
            while slots[position] != nil { position = (position + 1) & (size - 1) }
            slots[position] = Name(bytes: bytes, index: index)
        }
        self.slots = slots
    }

    /// Returns the index of the name; nil if it is not in the table.
    func find(_ name: UnsafeBufferPointer<UInt8>) -> Int? {
        var position = Self.hash(name) & (slots.count - 1)
        while let candidate = slots[position] {
            if Self.isEqual(candidate.bytes, name) { return candidate.index }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    private static func isEqual(_ left: [UInt8], _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<right.count where left[index] != right[index] { return false }
        return true
    }

    // FNV-1a: the names in the table are ours, so nobody gains by colliding with them.
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & Int.max
    }
}
