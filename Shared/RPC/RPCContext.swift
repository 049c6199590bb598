/// What a handler knows about the call that it serves; passed explicitly, never ambient.
@usableFromInline
package struct RPCContext: Sendable {
    /// When the caller stops waiting, on the monotonic clock; the handler's task is cancelled then.
    package let deadline: ContinuousClock.Instant
    /// 0 for a first attempt; above 0 a caller further up is retrying, so no one below it may retry too.
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

    /// Returns the call that continues this one at another service: with the remaining time, at most `timeout`, the
    /// same trace, and the attempt number, so that only one layer retries.
    ///
    /// The idempotency key is not inherited, since one call may have several effects: pass one for each effect.
    package func outgoing(
        timeout: Duration? = nil, idempotencyKey: String? = nil, now: ContinuousClock.Instant = .now
    ) -> RPCCall {
        var latest = deadline
        if let timeout { latest = min(latest, now.advanced(by: timeout)) }
        return RPCCall(deadline: latest, trace: trace, attempt: attempt, idempotencyKey: idempotencyKey)
    }
}
