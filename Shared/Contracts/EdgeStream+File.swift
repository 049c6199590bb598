package import RPC
internal import Synchronization

extension EdgeStream {
    /// A file in pieces that `make` makes one after the other, from where it left off, until it makes none; each when the one
    /// before it has been sent, so that memory does not grow with the file, and each with `pieceTimeout` of its own.
    ///
    /// `length` is the number of bytes of all pieces, where it is known before they are made: the client sees how far it is.
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

    /// Where the making has come to, nil once nobody wants more; pieces are asked for one at a time.
    private final class Place<State: Sendable>: Sendable {
        private let stored: Mutex<State?>

        init(_ state: State) { stored = Mutex(state) }

        var state: State? { stored.withLock(\.self) }

        func goOn(from state: State) { stored.withLock { if $0 != nil { $0 = state } } }
        func leave() { stored.withLock { $0 = nil } }
    }
}
