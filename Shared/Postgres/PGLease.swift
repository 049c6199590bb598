/// A connection held exclusively by one caller until it is released.
struct PGLease: Sendable {
    let engine: PGEngine
    let token: PGSlotToken
    let limits: PGLimits
    let deadline: ContinuousClock.Instant

    /// Hands the statements to the engine, preceded by `before`; if it throws, nothing is handed over.
    typealias Post = (_ before: [PGBoundStatement]) throws(PGError) -> Void

    /// Sends all statements in one round trip with one Sync and waits for them; the first error fails all of them. With
    /// `isLossUnknown`, a connection that breaks before the answer is `outcomeUnknown`.
    ///
    /// `enter` is called when the statements are ready to be sent. It calls `post` once, with the statements to send
    /// before them, or throws; statements leave in the order of these calls. If it does neither, nothing is sent.
    func run(
        _ statements: [PGBoundStatement], isLossUnknown: Bool, deadline: ContinuousClock.Instant,
        enter: (_ post: Post) throws(PGError) -> Void = { post throws(PGError) in try post([]) }
    ) async throws(PGError) -> [PGResult] {
        guard !statements.isEmpty else { return [] }
        let encoded = try encode(statements)
        let ids = statements.map { _ in engine.makeID() }
        let outcome: Result<[PGResult], PGError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var isPosted = false
                do throws(PGError) {
                    try enter { before throws(PGError) in
                        let early = try encode(before)
                        let collector = PGResultCollector(count: statements.count, continuation)
                        let now = ContinuousClock.now
                        let requests = (0..<before.count + statements.count).map { index in
                            let place = index - before.count
                            return PGRequest(
                                id: place < 0 ? engine.makeID() : ids[place],
                                text: place < 0 ? before[index].text : statements[place].text,
                                parameters: place < 0 ? early[index] : encoded[place], submitted: now,
                                deadline: deadline, lossIsUnknown: isLossUnknown,
                                completion: place < 0 ? .unobserved : .member(collector, place: place))
                        }
                        engine.post(.leased(token, requests))
                        isPosted = true
                    }
                } catch {
                    return continuation.resume(returning: .failure(error))
                }
                guard isPosted else { return continuation.resume(returning: .success([])) }
                engine.handlePosted()
                if Task.isCancelled { cancel(ids) }
            }
        } onCancel: {
            cancel(ids)
        }
        return try outcome.get()
    }

    private func encode(_ statements: [PGBoundStatement]) throws(PGError) -> [PGParameters] {
        var parameters: [PGParameters] = []
        for statement in statements {
            parameters.append(try PGParameters(statement.values, bytesMax: limits.parameterBytesMax))
        }
        return parameters
    }

    private func cancel(_ ids: [Int]) {
        for id in ids { engine.send(.cancel(id: id)) }
    }

    /// Runs one step of a COPY; returns the row count after its end.
    func copy(_ step: PGCopyRequest.Step, deadline: ContinuousClock.Instant) async throws(PGError) -> Int {
        let id = engine.makeID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                engine.send(
                    .copy(token, PGCopyRequest(id: id, step: step, deadline: deadline, continuation: continuation)))
                if Task.isCancelled { engine.send(.cancel(id: id)) }
            }
        } onCancel: {
            engine.send(.cancel(id: id))
        }
        return try result.get()
    }
}
