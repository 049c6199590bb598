/// Events on HTTP/2 connections, for logs and metrics; every value goes to one `H2Sink`.
package enum H2Observation: Sendable, Hashable {
    /// A connection was accepted (server) or is ready for calls (client).
    case connectionOpened(remoteAddress: String)
    /// A connection ended; the error is nil if it ended in an orderly way.
    case connectionClosed(remoteAddress: String, H2Error?)
    /// A connection was closed at once, because a limit of connections was reached, TLS did not negotiate HTTP/2, or
    /// the certificate is not that of an admitted peer.
    case connectionRefused(remoteAddress: String, ConnectionRefusal)
    /// A whole request arrived and its handler starts.
    case requestReceived(H2StreamID)
    /// This module answered a request without its handler: 408, 413 or 431.
    case requestRejected(H2StreamID, status: Int)
    /// A new stream was refused because of a limit; the peer may try again.
    case streamRefused(H2StreamID, StreamRefusal)
    /// The peer reset a stream.
    case resetReceived(H2StreamID, H2ErrorCode)
    /// This side reset a stream.
    case resetSent(H2StreamID, H2ErrorCode)
    case goAwayReceived(last: H2StreamID, H2ErrorCode)
    case goAwaySent(last: H2StreamID, H2ErrorCode)
    /// The peer exceeded one of the limits that guard against abuse; GOAWAY follows.
    case abuse(H2Abuse)

    /// Whether the peer caused the server useless work. The library itself answers resets beyond `H2Limits.resetRate`
    /// with GOAWAY and INTERNAL_ERROR.
    var isFlood: Bool {
        switch self {
        case .abuse(let abuse): abuse.isFlood
        case .goAwaySent(_, let code): code == .internalError
        default: false
        }
    }

    package enum ConnectionRefusal: Sendable, Hashable {
        case tooMany, tooManyFromAddress, draining, noHTTP2, punished, wrongPeer
    }

    package enum StreamRefusal: Sendable, Hashable { case handlers, responseBytes, requestBytes, serverRequestBytes }
}

/// Receives observations; called on event loop threads, so it must be quick and must not block.
package typealias H2Sink = @Sendable (H2Observation) -> Void

/// The abuses that are counted or timed here, beyond those that libnghttp2 detects itself.
package enum H2Abuse: Sendable, Hashable, CaseIterable {
    /// HEADERS on a stream number that was skipped or is finished (RFC 9113 §5.1.1).
    case oldStreamID
    /// PRIORITY on stream 0.
    case misplacedFrame
    case emptyData
    case pings
    case settings
    case priorities
    case windowUpdates
    /// The peer made us send too many RST_STREAM frames (CVE-2025-8671).
    case ownResets
    case outboundQueue
    /// CONTINUATION frames or acknowledgements beyond the limits of libnghttp2.
    case library
    case prefaceTimeout
    case settingsTimeout
    case headersTimeout
    case writeTimeout

    /// The code for the GOAWAY.
    package var code: H2ErrorCode {
        switch self {
        case .oldStreamID, .misplacedFrame: .protocolError
        case .prefaceTimeout, .settingsTimeout: .settingsTimeout
        case .emptyData, .pings, .settings, .priorities, .windowUpdates, .ownResets, .outboundQueue, .library,
            .headersTimeout, .writeTimeout:
            .enhanceYourCalm
        }
    }

    /// Whether it costs the server work, so that the peer's address is penalised.
    var isFlood: Bool {
        switch self {
        case .emptyData, .pings, .settings, .priorities, .windowUpdates, .ownResets, .outboundQueue, .library: true
        case .oldStreamID, .misplacedFrame, .prefaceTimeout, .settingsTimeout, .headersTimeout, .writeTimeout: false
        }
    }
}
