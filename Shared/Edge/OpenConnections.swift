internal import NIOCore
internal import Synchronization

/// Who waits for news of a connection: lets an operation end when its client goes. A connection has one request in hand
/// at a time, so each has one place to leave word at.
final class OpenConnections: Sendable {
    private struct Place {
        var isGone = false
        var waiting: AsyncStream<Void>.Continuation?
    }

    private let places = Mutex<[ObjectIdentifier: Place]>([:])

    /// A connection begins; its guard says so.
    func opened(_ channel: any Channel) { places.withLock { $0[ObjectIdentifier(channel)] = Place() } }

    /// Nobody reads from the other side any more.
    func lost(_ channel: any Channel) {
        let waiting = places.withLock { places in
            places[ObjectIdentifier(channel)]?.isGone = true
            return places[ObjectIdentifier(channel)]?.waiting
        }
        waiting?.yield()
    }

    func closed(_ channel: any Channel) {
        let waiting = places.withLock { $0.removeValue(forKey: ObjectIdentifier(channel))?.waiting }
        waiting?.yield()
    }

    /// Tells once when the client of `connection` goes; replaces what an earlier request of it left.
    func departure(of connection: ObjectIdentifier) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let isGone = places.withLock { places in
            guard places[connection] != nil else { return true }
            places[connection]?.waiting = continuation
            return places[connection]?.isGone ?? true
        }
        if isGone { continuation.yield() }
        return stream
    }
}
