internal import NIOCore
internal import Synchronization

/// Who waits for news of a connection: lets an operation end when its client goes. A connection has one request in hand
/// at a time, so each has one place to leave word at.
final class OpenConnections: Sendable {
    private struct Place {
        var isGone = false
        var waiting: (@Sendable () -> Void)?
        /// Nil until somebody has asked.
        var peer: Peer?
    }

    /// The address at the other end, a proxy's perhaps; nil where it has none.
    private struct Peer { let address: NetworkAddress? }

    private let places = Mutex<[ObjectIdentifier: Place]>([:])

    /// A connection begins; its guard says so.
    func opened(_ channel: any Channel) { places.withLock { $0[ObjectIdentifier(channel)] = Place() } }

    /// The address at the other end, a proxy's perhaps; nil where it has none. It is read once for all requests of a connection.
    func peer(of channel: any Channel) -> NetworkAddress? {
        if let known = places.withLock({ $0[ObjectIdentifier(channel)]?.peer }) { return known.address }
        let found = Peer(address: channel.remoteAddress?.ipAddress.flatMap { NetworkAddress($0) })
        places.withLock { $0[ObjectIdentifier(channel)]?.peer = found }
        return found.address
    }

    /// Nobody reads from the other side any more.
    func lost(_ channel: any Channel) {
        let waiting = places.withLock { places in
            places[ObjectIdentifier(channel)]?.isGone = true
            return places[ObjectIdentifier(channel)]?.waiting
        }
        waiting?()
    }

    func closed(_ channel: any Channel) {
        let waiting = places.withLock { $0.removeValue(forKey: ObjectIdentifier(channel))?.waiting }
        waiting?()
    }

    /// Calls `tell` when the client of `connection` goes, at once where it has gone; replaces what an earlier request of it
    /// left.
    func watch(_ connection: ObjectIdentifier, _ tell: @escaping @Sendable () -> Void) {
        let isGone = places.withLock { places in
            guard var place = places[connection] else { return true }
            place.waiting = tell
            places[connection] = place
            return place.isGone
        }
        if isGone { tell() }
    }

    /// Nothing waits for news of `connection` any more.
    func forget(_ connection: ObjectIdentifier) { places.withLock { $0[connection]?.waiting = nil } }
}
