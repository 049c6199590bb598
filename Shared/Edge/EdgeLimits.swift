/// Every bound of the public side.
package struct EdgeLimits: Sendable {
    /// Bytes of a request's body: 1 MiB.
    package var bodyBytesMax = 1_048_576
    /// Bytes of a request's path and query.
    package var targetBytesMax = 8_192
    /// Parameters in a query.
    package var queryParametersMax = 64
    /// The longest that an operation may take.
    package var operationTimeout = Duration.seconds(30)
    /// The longest that a client may take to send a body.
    package var bodyTimeout = Duration.seconds(30)
    /// A connection without a request is closed after this.
    package var idleTimeout = Duration.seconds(60)
    /// Connections at once; more wait to be accepted.
    package var connectionsMax = 4_096

    package init() {}
}
