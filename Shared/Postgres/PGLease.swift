/// A connection that is one caller's alone until it is released.
struct PGLease: Sendable {
    let engine: PGEngine
    let token: PGSlotToken
    let limits: PGLimits
    let deadline: ContinuousClock.Instant

    /// Sends all statements in one round trip with one Sync and waits for those from `first` on. The first error is the
    /// outcome of all. With `isLossUnknown` a connection that breaks unanswered is `outcomeUnknown`.
    func run(
        _ statements: [PGBoundStatement], from first: Int = 0, isLossUnknown: Bool, deadline: ContinuousClock.Instant
    ) async throws(PGError) -> [PGResult] {
        guard first < statements.count else { return [] }
        var parameters: [PGParameters] = []
        for statement in statements {
            parameters.append(try PGParameters(statement.values, bytesMax: limits.parameterBytesMax))
        }
        let encoded = parameters
        let now = ContinuousClock.now
        let ids = statements.map { _ in engine.makeID() }
        let outcome: Result<[PGResult], PGError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let collector = PGResultCollector(count: statements.count - first, continuation)
                let requests = statements.indices.map { index in
                    PGRequest(
                        id: ids[index], text: statements[index].text, parameters: encoded[index], submitted: now,
                        deadline: deadline, lossIsUnknown: isLossUnknown,
                        completion: index < first ? .unobserved : .member(collector, place: index - first))
                }
                engine.send(.leased(token, requests))
                if Task.isCancelled { cancel(ids) }
            }
        } onCancel: {
            cancel(ids)
        }
        return try outcome.get()
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
