package import RPC
internal import Synchronization

extension EdgeStream {
    /// Returns a file in pieces, which `make` produces one after the other from `state` until it returns nil. Each is
    /// made when the previous one has been sent, so that memory does not grow with the file, and each has its own
    /// `pieceTimeout`.
    ///
    /// `length` is the total number of bytes, if known in advance: the client can then show its progress.
    package static func file<State: Sendable>(
        _ contentType: String, name: String, length: Int? = nil, from state: State, for context: RPCContext,
        pieceTimeout: Duration,
        make: @escaping @Sendable (_ state: inout State, _ context: RPCContext) async throws(RPCError) -> [UInt8]?
    ) -> EdgeStream {
        let place = Place(state)
        return EdgeStream(contentType: contentType, name: name, length: length) {
            guard var state = place.state else { return nil }
            let deadline = ContinuousClock.now.advanced(by: pieceTimeout)
            let piece = try await make(&state, RPCContext(deadline: deadline, trace: context.trace))
            place.goOn(from: state)
            return piece
        } end: {
            place.leave()
        }
    }

    /// The current state, nil once nobody wants more; pieces are requested one at a time.
    private final class Place<State: Sendable>: Sendable {
        private let stored: Mutex<State?>

        init(_ state: State) { stored = Mutex(state) }

        var state: State? { stored.withLock(\.self) }

        func goOn(from state: State) { stored.withLock { if $0 != nil { $0 = state } } }
        func leave() { stored.withLock { $0 = nil } }
    }
}
