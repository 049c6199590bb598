package import NIOCore

/// Checks whether every event loop of a group still runs.
package struct EventLoopHealth: Sendable {
    private let group: any EventLoopGroup
    private let limit: Duration

    /// `limit` is how late a loop may be.
    package init(_ group: any EventLoopGroup, limit: Duration = .seconds(1)) {
        self.group = group
        self.limit = limit
    }

    /// Submits one task to each loop; returns false if one has not run it within the limit.
    package func isTicking() async -> Bool {
        let loops = Array(group.makeIterator())
        return await firstAnswer(within: limit, otherwise: false) {
            for loop in loops where (try? await loop.submit {}.get()) == nil { return false }
            return true
        }
    }
}
