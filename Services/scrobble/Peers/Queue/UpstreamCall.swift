package import Contracts
package import RPC

/// A call to a provider as logs, metrics and traces may show it, without secrets or personal data.
package struct UpstreamCall: Sendable {
    package let method: String
    /// The first two components of the path, such as `sync/history`.
    package let path: String
    /// The status of the answer; nil if none came.
    package let status: Int?
    package let duration: Duration
    /// A span of the trace that the call belongs to; nil if there is none.
    package let trace: TraceContext?

    package init(_ method: String, _ url: String, status: Int?, duration: Duration) {
        self.method = method
        let parts = url.split(separator: "?").first?.split(separator: "/").dropFirst(2) ?? []
        // Components from the first one with a digit on may be ids.
        path = parts.prefix { !$0.contains(where: \.isNumber) }.prefix(2).joined(separator: "/")
        self.status = status
        self.duration = duration
        trace = TraceContext.current?.child()
    }

    /// Whether the answer concerns this installation's application rather than an account: it is not accepted, or
    /// blocked.
    package func turnsAway(at provider: SyncProvider) -> Bool {
        switch provider {
        case .trakt: status == 403
        case .simkl: status == 412
        }
    }
}

/// Receives calls to providers as they end; must be quick and must not block.
package typealias UpstreamSink = @Sendable (UpstreamCall) -> Void
