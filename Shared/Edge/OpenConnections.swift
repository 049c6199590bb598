internal import NIOCore
internal import Synchronization

/// Notifies an operation when its client goes, so that it can end. A connection has one request in work at a time, and
/// therefore one place for a handler.
final class OpenConnections: Sendable {
    private struct Place {
        var isGone = false
        var waiting: (@Sendable () -> Void)?
        /// Nil until it has been looked up.
        var peer: Peer?
    }

    /// The address at the other end, possibly a proxy's; nil if it has none.
    private struct Peer { let address: NetworkAddress? }

    private let places = Mutex<[ObjectIdentifier: Place]>([:])

    /// Registers a connection; called by its guard.
    func opened(_ channel: any Channel) { places.withLock { $0[ObjectIdentifier(channel)] = Place() } }

    /// Returns the address at the other end, possibly a proxy's; nil if it has none. It is read once for all requests
    /// of a connection.
    func peer(of channel: any Channel) -> NetworkAddress? {
        if let known = places.withLock({ $0[ObjectIdentifier(channel)]?.peer }) { return known.address }
        let found = Peer(address: channel.remoteAddress?.ipAddress.flatMap { NetworkAddress($0) })
        places.withLock { $0[ObjectIdentifier(channel)]?.peer = found }
        return found.address
    }

    /// Marks a connection whose client has closed its side.
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

    /// Calls `tell` when the client of `connection` goes, or at once if it has gone. Replaces the handler of an earlier
    /// request.
    func watch(_ connection: ObjectIdentifier, _ tell: @escaping @Sendable () -> Void) {
        let isGone = places.withLock { places in
            guard var place = places[connection] else { return true }
            place.waiting = tell
            places[connection] = place
            return place.isGone
        }
        if isGone { tell() }
    }

    /// Removes the handler of `connection`.
    func forget(_ connection: ObjectIdentifier) { places.withLock { $0[connection]?.waiting = nil } }
}
