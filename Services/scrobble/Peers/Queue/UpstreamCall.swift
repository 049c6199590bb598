package import Contracts
package import RPC

/// A call to another side, as logs, metrics and traces may know it: nothing that is secret, nothing of a person.
package struct UpstreamCall: Sendable {
    package let method: String
    /// The first two parts of the path, such as `sync/history`.
    package let path: String
    /// Nil where no answer came.
    package let status: Int?
    package let duration: Duration
    /// What it was made for; nil where nothing says so.
    package let trace: TraceContext?

    package init(_ method: String, _ url: String, status: Int?, duration: Duration) {
        self.method = method
        let parts = url.split(separator: "?").first?.split(separator: "/").dropFirst(2) ?? []
        // Ids stand further behind.
        path = parts.prefix { !$0.contains(where: \.isNumber) }.prefix(2).joined(separator: "/")
        self.status = status
        self.duration = duration
        trace = TraceContext.current?.child()
    }

    /// Whether the answer is about this installation's application and nobody's account: it is not taken, or blocked.
    package func turnsAway(at provider: SyncProvider) -> Bool {
        switch provider {
        case .trakt: status == 403
        case .simkl: status == 412
        }
    }
}

/// Takes calls to other sides as they end; must be quick and must not block.
package typealias UpstreamSink = @Sendable (UpstreamCall) -> Void
