internal import Synchronization

/// One call of a client; a cancellation finds it by its identity.
@safe final class H2Call: Sendable {
    typealias Outcome = Result<H2Response, H2Error>

    let request: H2Request
    let deadline: ContinuousClock.Instant
    // SAFETY: written once, before `isSettled` is stored with release ordering; read only after that was loaded with
    // acquire ordering and is true.
    private nonisolated(unsafe) var settlement: Outcome?
    private let isSettled = Atomic<Bool>(false)
    /// Set by the caller's cancellation, which may happen before the call has reached the loop.
    private let cancelled = Atomic<Bool>(false)

    init(_ request: H2Request, deadline: ContinuousClock.Instant) {
        self.request = request
        self.deadline = deadline
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Stores the outcome for the waiting task; must be called once.
    fileprivate func settle(_ outcome: Outcome) {
        unsafe settlement = outcome
        isSettled.store(true, ordering: .releasing)
    }

    /// The outcome, for the task that waited.
    var outcome: Outcome {
        guard isSettled.load(ordering: .acquiring), let settlement = unsafe settlement else {
            return .failure(H2Error(.connectionClosed))
        }
        return settlement
    }

    func setCancelled() { cancelled.store(true, ordering: .releasing) }
}

/// A call with the continuation of the task that waits for it; its holder must resume that exactly once.
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
