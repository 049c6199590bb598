package import Contracts
internal import Cryptography
internal import Glibc

/// Where new ids come from, as an argument, so that tests choose them.
package protocol IDSource: Sendable {
    /// A new UUID of version 7.
    func next() -> UUIDBits
}

/// Ids in the order of their making, as far as this process knows.
package final class SystemIDSource: IDSource {
    private let source = UUIDv7Source()

    package init() {}

    package func next() -> UUIDBits {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let id = source.next(atUnixMilliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
        return UUIDBits(high: id.high, low: id.low)
    }
}
