internal import Synchronization

/// One call of a client; its identity is how a cancellation finds it.
@safe final class H2Call: Sendable {
    typealias Outcome = Result<H2Response, H2Error>

    let request: H2Request
    let deadline: ContinuousClock.Instant
    // SAFETY: written once, before `isSettled` is stored in release order; read only where it was loaded in acquire order
    // and true.
    private nonisolated(unsafe) var settlement: Outcome?
    private let isSettled = Atomic<Bool>(false)
    /// Set by the caller's cancellation, which may come before the call has reached the loop.
    private let cancelled = Atomic<Bool>(false)

    init(_ request: H2Request, deadline: ContinuousClock.Instant) {
        self.request = request
        self.deadline = deadline
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Keeps the outcome for the task that waits; once.
    fileprivate func settle(_ outcome: Outcome) {
        unsafe settlement = outcome
        isSettled.store(true, ordering: .releasing)
    }

    /// To be read by the task that waited.
    var outcome: Outcome {
        guard isSettled.load(ordering: .acquiring), let settlement = unsafe settlement else {
            return .failure(H2Error(.connectionClosed))
        }
        return settlement
    }

    func setCancelled() { cancelled.store(true, ordering: .releasing) }
}

/// A call with the continuation of the task that waits for it; whoever holds it resumes that once.
@safe struct H2PendingCall: Sendable {
    let call: H2Call
    let continuation: UnsafeContinuation<Void, Never>

    func succeed(_ response: H2Response) { end(.success(response)) }
    func fail(_ error: H2Error) { end(.failure(error)) }

    private func end(_ outcome: H2Call.Outcome) {
        call.settle(outcome)
        unsafe continuation.resume()
    }
}
