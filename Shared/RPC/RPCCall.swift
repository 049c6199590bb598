/// The metadata of one outgoing call; every call has a deadline.
package struct RPCCall: Sendable {
    /// When the caller stops waiting, on the monotonic clock; sent as the remaining milliseconds.
    package let deadline: ContinuousClock.Instant
    /// The span that the call belongs to.
    package let trace: TraceContext
    /// 0 if this caller may retry; above 0 a caller further up already does.
    package let attempt: Int
    /// The key under which the effect of the call happens once: 1 to 255 visible ASCII characters.
    package let idempotencyKey: String?

    package init(
        deadline: ContinuousClock.Instant, trace: TraceContext = .root(), attempt: Int = 0,
        idempotencyKey: String? = nil
    ) {
        self.deadline = deadline
        self.trace = trace
        self.attempt = attempt
        self.idempotencyKey = idempotencyKey
    }

    /// Returns a call that may take `timeout` from now.
    package static func within(
        _ timeout: Duration, trace: TraceContext = .root(), idempotencyKey: String? = nil
    ) -> RPCCall {
        RPCCall(deadline: .now.advanced(by: timeout), trace: trace, idempotencyKey: idempotencyKey)
    }
}
