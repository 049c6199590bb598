/// Why a connection or one stream on it failed, and whether the peer may have processed the request.
package struct H2Error: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened, as a closed set that callers may switch over.
    package enum Reason: Sendable, Hashable {
        /// No TCP or TLS connection was established, or the address could not be bound; the text is for logs only.
        case connectFailed(String)
        /// The peer's SETTINGS did not arrive in time.
        case connectTimedOut
        /// The connection ended while the call was in flight.
        case connectionClosed
        /// The peer announced with GOAWAY that it takes no more requests.
        case goingAway
        /// The peer ended the stream with RST_STREAM.
        case reset
        /// The deadline of the call passed.
        case deadlineExceeded
        /// The task that made the call was cancelled.
        case cancelled
        /// The bounded queue of calls that wait for a free stream is full.
        case queueFull
        /// The response body is larger than `H2Limits.bodyBytesMax`.
        case bodyTooLarge
        /// The response headers are larger than `H2Limits.headerBytesMax` or more than `headerCountMax`.
        case headersTooLarge
        /// The request has a name or value that HTTP/2 cannot carry.
        case invalidRequest
        /// The peer violated the protocol or one of our limits.
        case protocolViolation
        /// A keepalive PING was not acknowledged in time.
        case keepaliveTimedOut
    }

    package let reason: Reason
    /// The HTTP/2 code that was received or sent, if any.
    package let code: H2ErrorCode?
    /// The stream that failed; nil for a failure of the whole connection.
    package let streamID: H2StreamID?
    /// Whether the peer has certainly not processed the request: it was never sent, was refused, or is above the
    /// GOAWAY's last stream. Such a call may be sent again elsewhere, whatever its effect.
    package let wasNotProcessed: Bool

    package init(
        _ reason: Reason, code: H2ErrorCode? = nil, streamID: H2StreamID? = nil, wasNotProcessed: Bool = false
    ) {
        self.reason = reason
        self.code = code
        self.streamID = streamID
        self.wasNotProcessed = wasNotProcessed
    }

    package var description: String {
        var text = "\(reason)"
        if let code { text += " (\(code))" }
        if let streamID { text += " on stream \(streamID)" }
        if wasNotProcessed { text += ", not processed" }
        return text
    }
}
