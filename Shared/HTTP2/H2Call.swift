internal import Synchronization

/// One call of a client; its identity is how a cancellation finds it.
final class H2Call: Sendable {
    let request: H2Request
    let deadline: ContinuousClock.Instant
    /// Set by the caller's cancellation, which may come before the call has reached the loop.
    private let cancelled = Atomic<Bool>(false)

    init(_ request: H2Request, deadline: ContinuousClock.Instant) {
        self.request = request
        self.deadline = deadline
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func setCancelled() { cancelled.store(true, ordering: .releasing) }
}

/// A call with the continuation of the task that waits for it; whoever holds it resumes that once.
struct H2PendingCall: Sendable {
    let call: H2Call
    let continuation: CheckedContinuation<Result<H2Response, H2Error>, Never>

    func succeed(_ response: H2Response) { continuation.resume(returning: .success(response)) }
    func fail(_ error: H2Error) { continuation.resume(returning: .failure(error)) }
}
