/// Events of the call layer, for one sink that turns them into log lines, metrics and spans.
package enum RPCObservation: Sendable {
    /// A server answered one call; every member of a batch counts as one.
    case served(RPCRecord)
    /// A server refused a whole request with an HTTP status, before looking at any call.
    case refused(status: Int, remoteAddress: String)
    /// A client's call ended, including all its attempts.
    case called(RPCRecord)
    /// A client retries a call: on another connection because it was not processed, or after a failure.
    case retried(method: RPCMethod, isTransparent: Bool, trace: TraceContext)
    /// A peer answered in a way that breaks JSON-RPC.
    case malformedResponse(method: RPCMethod, ResponseFault)
    /// A client's connection to one address of its target became ready, drains, closed or failed.
    case connection(target: String, address: String, ConnectionChange)
    /// A name could not be resolved; the addresses known before stay in use.
    case resolutionFailed(target: String, reason: String)

    package enum ConnectionChange: Sendable, Hashable {
        case ready, draining, closed
        /// The text is for logs only.
        case failed(String)
    }
}

/// One call as seen by a server or client.
package struct RPCRecord: Sendable {
    /// The method; nil if the service has no such method, so that callers cannot make up metric labels.
    package var method: RPCMethod?
    /// The code of the error that the call ended with; nil for success.
    package var code: Int?
    /// The cause of the error, if the reporting process knows it.
    package var cause: String?
    /// Measured from the first byte of the request on a server, and from the call on a client.
    package var duration: Duration
    package var trace: TraceContext
    /// Attempts after the first in the call's chain.
    package var attempt: Int
    /// True if the caller expects no answer.
    package var isNotification: Bool
    package var requestBytes: Int
    package var responseBytes: Int
}

/// Receives observations on any thread; must be quick and must not block.
package typealias RPCSink = @Sendable (RPCObservation) -> Void
