/// What `H2Session` reports to its owner after it has read bytes or checked its timers.
package enum H2Event: Sendable {
    /// Server: a whole request; the owner must answer it with `respond(to:)`, which also frees the slot.
    case request(H2StreamID, H2Request)
    /// Server: the stream of a running handler ended early; the handler must be cancelled, but keeps its slot.
    case cancelled(H2StreamID)
    /// Client: a whole response.
    case response(H2StreamID, H2Response)
    /// Client: the stream ended without a response.
    case failed(H2StreamID, H2Error)
    /// The peer's first SETTINGS arrived.
    case ready
    /// One of our PINGs was acknowledged.
    case pingAcknowledged
    /// The peer takes no more requests.
    case goAway
    /// The connection is lost to an error of the peer; only a GOAWAY is left to pull.
    case broken(H2Error)
    /// Something worth a log line or a counter.
    case observed(H2Observation)
}
