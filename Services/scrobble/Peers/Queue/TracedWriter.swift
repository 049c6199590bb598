import Contracts
import RPC

/// An attempt to deliver a job.
struct Delivery: Sendable {
    let provider: SyncProvider
    let action: JobAction
    /// A span of the trace in which the job was queued; nil if no call queued it.
    let trace: TraceContext?
    /// What went wrong; nil on success.
    let failure: String?
    let duration: Duration
}

/// Runs a writer within the traces of its jobs, and reports each delivery.
package struct TracedWriter: RemoteWriter {
    private let inner: any RemoteWriter
    private let tell: @Sendable (Delivery) -> Void

    init(_ inner: any RemoteWriter, tell: @escaping @Sendable (Delivery) -> Void) {
        self.inner = inner
        self.tell = tell
    }

    package var pace: Duration { inner.pace }

    package func send(_ parcel: Parcel) async -> [JobReply] {
        let traces = Self.traces(parcel)
        let begun = ContinuousClock.now
        // Jobs that share a call belong to the trace of the first.
        let replies = await TraceContext.$current.withValue(traces.first ?? nil) { await inner.send(parcel) }
        for (place, job) in parcel.jobs.enumerated() {
            let reply = place < replies.count ? replies[place] : .untried
            tell(
                Delivery(
                    provider: parcel.lane.provider, action: job.action, trace: traces[place], failure: reply.failure,
                    duration: .now - begun))
        }
        return replies
    }

    package func look(for parcel: Parcel) async -> [LookReply] {
        await TraceContext.$current.withValue(Self.traces(parcel).first ?? nil) { await inner.look(for: parcel) }
    }

    private static func traces(_ parcel: Parcel) -> [TraceContext?] {
        parcel.jobs.map { job in job.payload.trace.flatMap { TraceContext(traceparent: $0) }?.child() }
    }
}

extension JobReply {
    /// A phrase for what went wrong; nil if the provider has what it should have.
    fileprivate var failure: String? {
        switch self {
        case .delivered, .alreadyThere, .alreadyPlayed: nil
        case .notTaken: "not taken"
        case .wait: "told to wait"
        case .ambiguous: "no answer"
        case .broken: "broken"
        case .askUser(let trouble): trouble.rawValue
        case .barred(let cause): cause.rawValue
        case .refused: "refused"
        case .untried: "not tried"
        }
    }
}
