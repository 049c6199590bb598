/// What the public side turned away before there was a request for one of its operations. The sets are closed: each is the
/// label of a counter, and none tells who it was.
package enum EdgeRefusal: Sendable, Hashable {
    case connection(Connection)
    case request(Request)
    case abuse(Abuse)

    package enum Connection: String, Sendable, CaseIterable {
        /// Its address has as many as one may have.
        case address
        /// All places are taken: who comes waits to be let in.
        case full
        /// No TLS was agreed on, or not in time.
        case tls
    }

    package enum Request: String, Sendable, CaseIterable {
        /// What came is no HTTP/1.1, or must not be taken for it.
        case malformed
        /// Its header is too large, or has too many fields.
        case largeHead = "large_head"
        /// Its header took too long.
        case slowHead = "slow_head"
        /// Its body took too long.
        case slowBody = "slow_body"
        /// Its body came in pieces that cost more than they bring.
        case smallPieces = "small_pieces"
    }

    /// Of HTTP/2.
    package enum Abuse: String, Sendable, CaseIterable {
        /// Too many frames that bring nothing.
        case idleFrames = "idle_frames"
        /// Questions whether anybody is there, sooner than they may be asked.
        case pings
        /// Something that is sent in one go was begun and not ended.
        case stalled
        /// Requests that are given up as soon as they are made.
        case resets
        /// Frames about the connection itself, empty ones, or parts of one header without end.
        case frames
        /// A header that is too large once it is unpacked.
        case largeHead = "large_head"
        /// More requests of a connection at once than were allowed.
        case streams
        /// More requests of an address at once than it may have, of all its connections.
        case addressStreams = "address_streams"
        /// A request that had to wait, with a body that there was no room for.
        case bodies
        /// What is no HTTP/2.
        case malformed
    }
}

package typealias EdgeRefusalSink = @Sendable (EdgeRefusal) -> Void
