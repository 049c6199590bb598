/// What the public side refused before there was a request for one of its operations. The sets are closed: each case is
/// the label of a counter, and none identifies the client.
package enum EdgeRefusal: Sendable, Hashable {
    case connection(Connection)
    case request(Request)
    case abuse(Abuse)

    package enum Connection: String, Sendable, CaseIterable {
        /// Its address has as many connections as allowed.
        case address
        /// All places are taken: a new connection waits to be accepted.
        case full
        /// The TLS handshake failed, or took too long.
        case tls
    }

    package enum Request: String, Sendable, CaseIterable {
        /// The bytes are not HTTP/1.1, or must not be taken for it.
        case malformed
        /// Its header is too large, or has too many fields.
        case largeHead = "large_head"
        /// Its header took too long.
        case slowHead = "slow_head"
        /// Its body took too long.
        case slowBody = "slow_body"
        /// Its body came in pieces that cost more than they carry.
        case smallPieces = "small_pieces"
    }

    /// Misuse of HTTP/2.
    package enum Abuse: String, Sendable, CaseIterable {
        /// Too many idle frames.
        case idleFrames = "idle_frames"
        /// PINGs more frequent than allowed.
        case pings
        /// A preface, header or frame that began and did not end in time.
        case stalled
        /// Requests that are cancelled as soon as they are made.
        case resets
        /// Excessive control frames, empty frames, or continuations of one header.
        case frames
        /// A header that is too large once decompressed.
        case largeHead = "large_head"
        /// More concurrent requests on a connection than allowed.
        case streams
        /// More concurrent requests of an address than allowed, over all its connections.
        case addressStreams = "address_streams"
        /// A request that had to wait, with a body that there was no room for.
        case bodies
        /// A violation of the HTTP/2 protocol.
        case malformed
    }
}

package typealias EdgeRefusalSink = @Sendable (EdgeRefusal) -> Void
