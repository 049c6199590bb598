/// A connection that is one caller's alone until it is released.
struct PGLease: Sendable {
    let engine: PGEngine
    let token: PGSlotToken
    let limits: PGLimits
    let deadline: ContinuousClock.Instant

    /// Hands statements to the engine, after those given; nothing is handed over where it throws.
    typealias Post = (_ before: [PGBoundStatement]) throws(PGError) -> Void

    /// Sends all statements in one round trip with one Sync and waits for them. The first error is the outcome of all.
    /// With `isLossUnknown` a connection that breaks unanswered is `outcomeUnknown`.
    ///
    /// `enter` is called when the statements are ready to leave. It calls what it is given once, with what is to travel
    /// before them, or throws; statements leave in the order of these calls. Where it does neither nothing is sent.
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

    /// One step of a COPY; the row count after its end.
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
