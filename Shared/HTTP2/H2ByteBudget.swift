internal import Synchronization

/// The bytes that all connections of a server together may hold, so that memory does not grow with the number of peers.
/// Thread-safe.
package final class H2ByteBudget: Sendable {
    private let bytesMax: Int
    private let taken = Atomic<Int>(0)

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Takes `count` bytes, or none and returns false if fewer are left.
    func take(_ count: Int) -> Bool {
        let before = taken.wrappingAdd(count, ordering: .relaxed).oldValue
        if before + count <= bytesMax { return true }
        giveBack(count)
        return false
    }

    func giveBack(_ count: Int) { taken.wrappingSubtract(count, ordering: .relaxed) }
}
