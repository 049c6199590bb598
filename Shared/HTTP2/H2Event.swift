/// What `H2Session` tells its owner after it has read bytes or looked at its timers.
package enum H2Event: Sendable {
    /// Server: a whole request; the owner must answer with `respond(to:)`, which also frees the slot.
    case request(H2StreamID, H2Request)
    /// Server: the stream of a running handler ended early; the handler is to be cancelled, its slot is still taken.
    case cancelled(H2StreamID)
    /// Client: a whole response.
    case response(H2StreamID, H2Response)
    /// Client: the stream ended without a response.
    case failed(H2StreamID, H2Error)
    /// The peer's first SETTINGS arrived.
    case ready
    /// A PING of ours was acknowledged.
    case pingAcknowledged
    /// The peer takes no more requests.
    case goAway
    /// The connection is lost to an error of the peer; what is left to pull is a GOAWAY.
    case broken(H2Error)
    /// Something worth a log line or a counter.
    case observed(H2Observation)
}
