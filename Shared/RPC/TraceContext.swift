import Synchronization

/// A W3C trace context (Trace Context level 1): the trace that a piece of work belongs to, and its span.
package struct TraceContext: Sendable, Hashable {
    /// The first and last 8 of the trace id's 16 bytes; not both 0.
    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// This span; never 0.
    package let spanID: UInt64
    /// The span that caused this one; nil at the root of a trace.
    package let parentSpanID: UInt64?
    /// The trace flags; bit 0 tells that a caller records the trace.
    package let flags: UInt8
    /// The `tracestate` list, passed on unchanged; empty if there is none.
    package let state: String

    package init(
        traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, parentSpanID: UInt64? = nil, flags: UInt8 = 0,
        state: String = ""
    ) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.parentSpanID = parentSpanID
        self.flags = flags
        self.state = state
    }

    /// Returns a new trace with a random id.
    package static func root() -> TraceContext {
        TraceContext(traceIDHigh: TraceIDSource.next(), traceIDLow: TraceIDSource.next(), spanID: TraceIDSource.next())
    }

    /// Returns a new span of the same trace, caused by this one.
    package func child() -> TraceContext {
        TraceContext(
            traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, spanID: TraceIDSource.next(), parentSpanID: spanID,
            flags: flags, state: state)
    }

    /// The trace of the call being served; nil outside of calls. For what a call stores to be done later.
    @TaskLocal package static var current: TraceContext?

    /// The 16 lower-case hex digits of this span, as logs show them, and of the span that caused it.
    package var spanIDText: String { Self.text(spanID) }
    package var parentSpanIDText: String? { parentSpanID.map(Self.text) }

    private static func text(_ id: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { text in
            writeHex(id, digits: 16, to: text, at: 0)
            return 16
        }
    }

    /// Whether bit 0 of the flags is set.
    package var isSampled: Bool { flags & 1 == 1 }

    /// The 32 lower-case hex digits of the trace id, as logs show them.
    package var traceID: String {
        String(unsafeUninitializedCapacity: 32) { text in
            writeHex(traceIDHigh, digits: 16, to: text, at: 0)
            writeHex(traceIDLow, digits: 16, to: text, at: 16)
            return 32
        }
    }
}

/// The source of random trace and span ids: one counter for the process, since a system call per call would cost more
/// than the rest of its bookkeeping, and these ids need not be secret.
private enum TraceIDSource {
    private static let counter = Atomic<UInt64>(UInt64.random(in: .min ... .max))

    /// Returns the next id; never 0, which means "none" on the wire.
    static func next() -> UInt64 {
        let id = SplitMix64.mix(counter.wrappingAdd(SplitMix64.step, ordering: .relaxed).newValue)
        return id == 0 ? 1 : id
    }
}
