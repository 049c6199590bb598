/// What the call layer did, as values for one sink that makes log lines, metrics and spans of them.
package enum RPCObservation: Sendable {
    /// A server answered one call; every member of a batch counts as one.
    case served(RPCRecord)
    /// A server refused a whole request with an HTTP status, before any call was looked at.
    case refused(status: Int, remoteAddress: String)
    /// A client's call ended, all its attempts included.
    case called(RPCRecord)
    /// A client tries a call again: on another connection because it was not processed, or after a failure.
    case retried(method: RPCMethod, isTransparent: Bool, trace: TraceContext)
    /// A peer answered in a way that breaks JSON-RPC.
    case malformedResponse(method: RPCMethod, ResponseFault)
    /// A client's connection to one address of its target got ready, drains, closed or failed.
    case connection(target: String, address: String, ConnectionChange)
    /// A name could not be resolved; the addresses known before stay in use.
    case resolutionFailed(target: String, reason: String)

    package enum ConnectionChange: Sendable, Hashable {
        case ready, draining, closed
        /// The text is for logs only.
        case failed(String)
    }
}

/// One call as a server or client saw it.
package struct RPCRecord: Sendable {
    /// The method; nil where the service has no such method, so that strangers cannot make up metric labels.
    package var method: RPCMethod?
    /// The code of the error that the call ended with; nil for success.
    package var code: Int?
    /// What was behind the error, where the process that tells it knows.
    package var cause: String?
    /// From the first byte of the request on a server, from the call on a client.
    package var duration: Duration
    package var trace: TraceContext
    /// Tries above the first that the call's chain has seen.
    package var attempt: Int
    /// True where nobody waits for the answer.
    package var isNotification: Bool
    package var requestBytes: Int
    package var responseBytes: Int
}

/// Takes observations on whatever thread they happen; must be quick and must not block.
package typealias RPCSink = @Sendable (RPCObservation) -> Void
