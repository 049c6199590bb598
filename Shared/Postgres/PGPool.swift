/// The connections to one Postgres database, shared by all tasks of a service.
///
/// Single statements that wait at the same time travel together; a transaction has its own connection. Every call takes
/// a `deadline`, by default `PGLimits.callTimeout` from now, and stops when its task is cancelled.
package final class PGPool: Sendable {
    package let limits: PGLimits
    let engine: PGEngine
    let observe: (@Sendable (PGObservation) -> Void)?

    /// Starts connecting at once; `observe` runs on any thread and must return quickly. Throws `configuration` if the
    /// process lacks threads or descriptors.
    package init(
        _ configuration: PGConfiguration, observe: (@Sendable (PGObservation) -> Void)? = nil
    ) throws(PGError) {
        limits = configuration.limits
        self.observe = observe
        engine = try PGEngine(configuration, observe: observe)
    }

    deinit { engine.send(.shutDown) }

    /// Refuses new calls, lets running ones finish and closes every connection.
    package func shutDown() async {
        engine.send(.shutDown)
        await engine.waitForEnd()
    }

    package var snapshot: PGPoolSnapshot { engine.snapshot() }

    /// Runs one statement and returns its rows.
    package func query<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = [], deadline: ContinuousClock.Instant? = nil
    ) async throws(PGError) -> [Row] {
        try statement.rows(of: await run(statement.text, values, deadline: deadline))
    }

    /// Runs one statement and returns its first row, or nil if there is none.
    package func first<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = [], deadline: ContinuousClock.Instant? = nil
    ) async throws(PGError) -> Row? {
        try statement.firstRow(of: await run(statement.text, values, deadline: deadline))
    }

    /// Runs one statement and returns the number of rows it affected.
    @discardableResult
    package func execute<Row>(
        _ statement: PGStatement<Row>, _ values: [PGValue] = [], deadline: ContinuousClock.Instant? = nil
    ) async throws(PGError) -> Int {
        try await run(statement.text, values, deadline: deadline).affectedCount
    }

    /// Runs several statements as one transaction in one round trip and returns the number of rows each affected.
    @discardableResult
    package func execute(
        together statements: [PGBoundStatement], deadline: ContinuousClock.Instant? = nil
    ) async throws(PGError) -> [Int] {
        try await results(of: statements, deadline: deadline).map(\.affectedCount)
    }

    /// Runs several statements as one transaction and returns the rows of the one that is `statement`; none if it is
    /// not among them.
    package func rows<Row>(
        of statement: PGStatement<Row>, together statements: [PGBoundStatement],
        deadline: ContinuousClock.Instant? = nil
    ) async throws(PGError) -> [Row] {
        let results = try await results(of: statements, deadline: deadline)
        guard let place = statements.firstIndex(where: { $0.text.name == statement.text.name }) else { return [] }
        return try statement.rows(of: results[place])
    }

    private func results(
        of statements: [PGBoundStatement], deadline: ContinuousClock.Instant?
    ) async throws(PGError) -> [PGResult] {
        guard !statements.isEmpty else { return [] }
        return try await withConnection(deadline: deadline) { lease throws(PGError) in
            let isLossUnknown = statements.contains { $0.text.kind != .read }
            return try await lease.run(statements, isLossUnknown: isLossUnknown, deadline: lease.deadline)
        }
    }

    /// Holds back the statements that the calling thread submits during `body` and sends them together at its end.
    package func together(_ body: () -> Void) { engine.together(body) }

    private func run(
        _ text: PGStatementText, _ values: [PGValue], deadline: ContinuousClock.Instant?
    ) async throws(PGError) -> PGAnswer {
        let parameters = try PGParameters(values, bytesMax: limits.parameterBytesMax)
        let now = ContinuousClock.now
        let request = PGRequest(
            id: engine.makeID(), text: text, parameters: parameters, submitted: now,
            deadline: deadline ?? now + limits.callTimeout, lossIsUnknown: text.kind != .read)
        // The parameter is a concurrent closure: any other is wrapped, and looks up its executor twice.
        await withTaskCancellationHandler { @concurrent in
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                unsafe request.wait(with: continuation)
                engine.send(.submit(request))
                // The handler below may have run before there was anything to cancel.
                if Task.isCancelled { engine.send(.cancel(id: request.id)) }
            }
        } onCancel: {
            engine.send(.cancel(id: request.id))
        }
        return try request.outcome.get()
    }

    // MARK: Leases

    /// Leases a connection to `body` and releases it afterwards, whatever happens.
    func withConnection<Value>(
        deadline: ContinuousClock.Instant?, sink: PGNotificationSink? = nil,
        _ body: (PGLease) async throws(PGError) -> Value
    ) async throws(PGError) -> Value {
        let lease = try await lease(deadline: deadline ?? .now + limits.callTimeout, sink: sink)
        defer { engine.send(.release(lease.token)) }
        return try await body(lease)
    }

    func lease(
        deadline: ContinuousClock.Instant, sink: PGNotificationSink? = nil
    ) async throws(PGError) -> PGLease {
        let id = engine.makeID()
        let asked = ContinuousClock.now
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                engine.send(
                    .lease(PGLeaseRequest(id: id, deadline: deadline, sink: sink, continuation: continuation)))
                if Task.isCancelled { engine.send(.cancel(id: id)) }
            }
        } onCancel: {
            engine.send(.cancel(id: id))
        }
        // A listening connection is outside the pool: nobody waits for it.
        if sink == nil, let observe {
            var failure: PGError?
            if case .failure(let error) = result { failure = error }
            observe(.leased(after: asked.duration(to: .now), error: failure))
        }
        return PGLease(engine: engine, token: try result.get(), limits: limits, deadline: deadline)
    }
}
