package import Contracts
internal import Cryptography

/// A source of new ids, injected so that tests can choose them.
package protocol IDSource: Sendable {
    /// Returns a new version 7 UUID.
    func next() -> UUIDBits
}

/// Ids in the order of their creation within this process.
package final class SystemIDSource: IDSource {
    private let source = UUIDv7Source()
    private let clock: any WallClock

    /// Uses the machine's clock.
    package convenience init() { self.init(clock: SystemWallClock()) }

    package init(clock: any WallClock) { self.clock = clock }

    package func next() -> UUIDBits {
        let id = source.next(atUnixMilliseconds: clock.now.microsecondsSinceEpoch / 1_000)
        return UUIDBits(high: id.high, low: id.low)
    }
}
