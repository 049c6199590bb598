/// What a handler knows about the call that it serves; passed explicitly, never ambient.
@usableFromInline
package struct RPCContext: Sendable {
    /// When the caller stops waiting, on the monotonic clock; the handler's task is cancelled then.
    package let deadline: ContinuousClock.Instant
    /// 0 for a first try; above 0 some caller up the chain is retrying, so nobody below it may retry too.
    package let attempt: Int
    /// The span of this call.
    package let trace: TraceContext
    /// The key under which the effect of the call happens once: 1 to 255 visible ASCII characters.
    package let idempotencyKey: String?

    package init(
        deadline: ContinuousClock.Instant, attempt: Int = 0, trace: TraceContext, idempotencyKey: String? = nil
    ) {
        self.deadline = deadline
        self.attempt = attempt
        self.trace = trace
        self.idempotencyKey = idempotencyKey
    }

    /// The call that continues this one on another service: what is left of the time, at most `timeout` of it,
    /// the same trace, and the attempt so that only one layer retries.
    ///
    /// The idempotency key does not travel by itself, since one call may have several effects: name it per effect.
    package func outgoing(
        timeout: Duration? = nil, idempotencyKey: String? = nil, now: ContinuousClock.Instant = .now
    ) -> RPCCall {
        var latest = deadline
        if let timeout { latest = min(latest, now.advanced(by: timeout)) }
        return RPCCall(deadline: latest, trace: trace, attempt: attempt, idempotencyKey: idempotencyKey)
    }
}
