package import Contracts
internal import Cryptography

/// Where new ids come from, as an argument, so that tests choose them.
package protocol IDSource: Sendable {
    /// A new UUID of version 7.
    func next() -> UUIDBits
}

/// Ids in the order of their making, as far as this process knows.
package final class SystemIDSource: IDSource {
    private let source = UUIDv7Source()
    private let clock: any WallClock

    /// Takes the time from the machine's clock.
    package convenience init() { self.init(clock: SystemWallClock()) }

    package init(clock: any WallClock) { self.clock = clock }

    package func next() -> UUIDBits {
        let id = source.next(atUnixMilliseconds: clock.now.microsecondsSinceEpoch / 1_000)
        return UUIDBits(high: id.high, low: id.low)
    }
}
