package import HTTP2
import JSON

/// The server side of JSON-RPC 2.0 over HTTP/2: one request in, one response out.
///
/// It answers `POST /rpc` for the methods of a router, `health.check`, and `rpc.discover`; it enforces each call's
/// deadline by cancelling the task that serves it, and reports every call to its sink.
package struct RPCServer: Sendable {
    private let limits: RPCLimits
    private let secrets: ServiceSecrets?
    private let sweeper: DeadlineSweeper
    private let observe: RPCSink
    private let carriesTrace: Bool
    private let routes: [RPCRouter.Route]
    private let scanner: RequestScanner

    /// A nil `secrets` accepts every caller: for listeners that only trusted processes can reach, or that admit callers
    /// by their certificates. With `carriesTrace`
    /// handlers find their call's trace in `TraceContext.current`.
    package init(
        router: RPCRouter, limits: RPCLimits = RPCLimits(), secrets: ServiceSecrets?, sweeper: DeadlineSweeper,
        carriesTrace: Bool = false, health: @escaping @Sendable () async -> HealthReport, observe: @escaping RPCSink
    ) {
        self.limits = limits
        self.secrets = secrets
        self.sweeper = sweeper
        self.observe = observe
        self.carriesTrace = carriesTrace
        var routes = router.routes.values.sorted { $0.method.name < $1.method.name }
        routes.append(.health(health))
        if let document = router.openRPC { routes.append(.discover(document)) }
        self.routes = routes
        scanner = RequestScanner(methods: MethodTable(routes.map(\.method.name)), limits: limits)
    }

    /// Answers one request; never throws, and ends soon after the call's deadline if the handler respects cancellation.
    package func respond(to request: H2Request) async -> H2Response {
        guard request.path == "/rpc" else { return refuse(404, request) }
        guard request.method == "POST" else { return refuse(405, request, H2Header("allow", "POST")) }
        let headers = RequestHeaders(request.headers)
        if let secrets, !secrets.accept(headers.authorization) {
            return refuse(401, request, H2Header("www-authenticate", "Bearer"), .unauthenticated)
        }
        guard headers.isJSON else { return refuse(415, request) }
        let context: RPCContext
        do throws(RPCError) {
            context = try headers.context(receivedAt: request.receivedAt, limits: limits)
        } catch {
            return refuse(400, request, nil, error)
        }
        let incoming = Incoming(body: request.body, receivedAt: request.receivedAt, context: context)
        let scanned: ScannedBody
        do throws(RPCError) {
            scanned = try scanner.scan(request.body)
        } catch {
            return Self.json(fail(incoming, error))
        }
        return await sweeper.withDeadline(context.deadline) {
            switch scanned {
            case .single(let call): Self.answer(await serve(call, of: incoming))
            case .batch(let calls): Self.answer(await serve(calls, of: incoming))
            }
        }
    }

    private static let contentType = H2Header("content-type", "application/json")

    private static func json(_ body: [UInt8]) -> H2Response {
        H2Response(status: 200, headers: [contentType], body: body)
    }

    private static func answer(_ body: [UInt8]) -> H2Response {
        body.isEmpty ? H2Response(status: 204) : json(body)
    }

    private func refuse(
        _ status: Int, _ request: H2Request, _ header: H2Header? = nil, _ error: RPCError? = nil
    ) -> H2Response {
        observe(.refused(status: status, remoteAddress: request.remoteAddress))
        var response = H2Response(status: status)
        if let header { response.headers.append(header) }
        if let error {
            response.headers.append(Self.contentType)
            response.body = RPCEnvelope.response(error)
        }
        return response
    }
}

// MARK: - One call

extension RPCServer {
    /// What all calls of one request share.
    private struct Incoming: Sendable {
        let body: [UInt8]
        let receivedAt: ContinuousClock.Instant
        let context: RPCContext
    }

    /// Runs one call; returns its response object, empty for a notification.
    private func serve(_ call: ScannedRequest, of incoming: Incoming) async -> [UInt8] {
        if let fault = call.fault, fault.code != RPCError.Code.invalidParams || call.route != nil {
            return fail(incoming, fault, call)
        }
        guard let index = call.route else { return fail(incoming, .methodNotFound, call) }
        if Task.isCancelled { return fail(incoming, ended(incoming), call) }
        do throws(RPCError) {
            let response =
                carriesTrace
                ? try await tracedInvoke(index, call, incoming).get()
                : try await routes[index].invoke(incoming.body, call.params, call.id, incoming.context)
            observe(.served(record(incoming, call, nil, response.count)))
            return response
        } catch {
            // However a handler reacts to cancellation, its caller gets the reason for that; but an unknown outcome is
            // reported as such.
            let isTold = !Task.isCancelled || error.code == RPCError.Code.outcomeUnknown
            return fail(incoming, isTold ? error : ended(incoming), call)
        }
    }

    private func tracedInvoke(
        _ index: Int, _ call: ScannedRequest, _ incoming: Incoming
    ) async -> Result<[UInt8], RPCError> {
        await TraceContext.$current.withValue(incoming.context.trace) {
            do throws(RPCError) {
                return .success(
                    try await routes[index].invoke(incoming.body, call.params, call.id, incoming.context))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Runs the members of a batch, some at a time and independently; returns the array of responses.
    private func serve(_ calls: [ScannedRequest], of incoming: Incoming) async -> [UInt8] {
        var responses = [[UInt8]](repeating: [], count: calls.count)
        await withTaskGroup(of: (Int, [UInt8]).self) { group in
            for (index, call) in calls.enumerated() {
                if index >= limits.batchConcurrencyMax, let (done, response) = await group.next() {
                    responses[done] = response
                }
                group.addTask { (index, await serve(call, of: incoming)) }
            }
            for await (done, response) in group { responses[done] = response }
        }
        let answered = responses.filter { !$0.isEmpty }
        if answered.isEmpty { return [] }
        return [UInt8(ascii: "[")] + answered.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
    }

    /// Returns why a call was cancelled: its time ran out, or else its caller reset the stream.
    private func ended(_ incoming: Incoming) -> RPCError {
        ContinuousClock.now >= incoming.context.deadline ? .deadlineExceeded : .cancelled
    }

    private func fail(_ incoming: Incoming, _ error: RPCError, _ call: ScannedRequest? = nil) -> [UInt8] {
        // An invalid request cannot be a notification, so it is answered.
        let isNotification = call.map { $0.id == nil && $0.fault?.code != RPCError.Code.invalidRequest } ?? false
        let response = isNotification ? [] : RPCEnvelope.response(error, incoming.body, id: call?.id)
        var record = record(incoming, call, error.code, response.count)
        record.cause = error.cause
        observe(.served(record))
        return response
    }

    private func record(
        _ incoming: Incoming, _ call: ScannedRequest?, _ code: Int?, _ responseBytes: Int
    ) -> RPCRecord {
        RPCRecord(
            method: call?.route.map { routes[$0].method }, code: code,
            duration: incoming.receivedAt.duration(to: .now), trace: incoming.context.trace,
            attempt: incoming.context.attempt, isNotification: call.map { $0.id == nil } ?? false,
            requestBytes: incoming.body.count, responseBytes: responseBytes)
    }
}

extension RPCRouter.Route {
    fileprivate static func health(_ check: @escaping @Sendable () async -> HealthReport) -> Self {
        Self(method: HealthReport.method) { (body, _, id, _) async throws(RPCError) -> [UInt8] in
            RPCEnvelope.response(await check(), body, id: id)
        }
    }

    fileprivate static func discover(_ document: JSONBytes) -> Self {
        Self(method: RPCMethod(name: "rpc.discover", isIdempotent: true)) {
            (body, _, id, _) async throws(RPCError) -> [UInt8] in
            RPCEnvelope.response(document, body, id: id)
        }
    }
}
