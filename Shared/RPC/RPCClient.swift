package import HTTP2
package import JSON
import Synchronization

/// Calls one service, however many copies it has: keeps a connection to every address, takes the one of two random ones
/// with fewer calls in flight, retries within a budget, and sets a deadline on everything.
///
/// `run()` must run in a task as long as calls are made; it opens and keeps the connections. Calls made before a
/// connection is ready wait for one until their deadline. Thread-safe.
package final class RPCClient: RPCCaller {
    /// Opens a connection to one address, returns once the peer's SETTINGS have arrived, and reports its changes.
    package typealias Connect =
        @Sendable (_ address: H2Address, _ onChange: @escaping @Sendable (H2ClientConnection.Change) -> Void)
        async throws(H2Error) -> H2ClientConnection

    typealias Links = Balancer<H2Address, H2ClientConnection, WaitTicket>

    struct State {
        var balancer: Links
        var budget: RetryBudget
        var random = SplitMix64(seed: .random(in: .min ... .max))
        /// When a link to an address last became ready, so that none is opened twice within the connect backoff.
        var readyAt: [H2Address: ContinuousClock.Instant] = [:]
        var wantsResolution = false
        var isClosed = false
    }

    /// The service's name in observations, and the authority of requests.
    package let name: String
    let targets: [RPCTarget]
    let limits: RPCLimits
    let resolve: RPCResolver
    let connect: Connect
    let sweeper: DeadlineSweeper
    let observe: RPCSink
    let state: Mutex<State>
    /// The slots that `run` has to open a link for; at most one per address and per drained link.
    let openings: (stream: AsyncStream<Opening>, continuation: AsyncStream<Opening>.Continuation)
    private let fixedHeaders: [H2Header]
    private let callCount = Atomic<Int>(0)

    struct Opening: Sendable {
        let slot: Links.SlotID
        let address: H2Address
        let notBefore: ContinuousClock.Instant?
    }

    /// With nil `secrets` calls have no `authorization`: for services that admit callers by their certificates.
    package init(
        name: String, targets: [RPCTarget], limits: RPCLimits = RPCLimits(), secrets: ServiceSecrets?,
        sweeper: DeadlineSweeper, resolve: @escaping RPCResolver = SystemResolver.resolve,
        connect: @escaping Connect, observe: @escaping RPCSink
    ) {
        self.name = name
        self.targets = targets
        self.limits = limits
        self.resolve = resolve
        self.connect = connect
        self.sweeper = sweeper
        self.observe = observe
        state = Mutex(
            State(
                balancer: Links(callsPerLinkMax: limits.callsPerConnectionMax, waitersMax: limits.waitersMax),
                budget: RetryBudget(burst: limits.retryBurstMax, percent: limits.retryPercentMax)))
        openings = AsyncStream<Opening>.makeStream()
        var headers = [H2Header("content-type", "application/json")]
        if let secrets { headers.append(H2Header("authorization", secrets.header)) }
        fixedHeaders = headers
    }

    package func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        let startedAt = ContinuousClock.now
        let number = callCount.wrappingAdd(1, ordering: .relaxed).newValue
        let body = RPCEnvelope.request(number, method, params)
        var course = Course(attempt: call.attempt)
        defer {
            observe(
                .called(
                    RPCRecord(
                        method: method, code: course.code, duration: startedAt.duration(to: .now), trace: call.trace,
                        attempt: course.attempt, isNotification: false, requestBytes: body.count,
                        responseBytes: course.responseBytes)))
        }
        do throws(RPCError) {
            if let key = call.idempotencyKey {
                try RequestHeaders.check(key, countMax: limits.idempotencyKeyBytesMax)
            }
            return try await exchange(Outgoing(number: number, method: method, body: body, call: call), &course)
        } catch {
            course.code = error.code
            throw error
        }
    }
}

// MARK: - One call

extension RPCClient {
    /// The parts of a call that all its attempts share.
    private struct Outgoing: Sendable {
        let number: Int
        let method: RPCMethod
        let body: [UInt8]
        let call: RPCCall
    }

    /// What is reported about a call when it has ended.
    private struct Course: Sendable {
        var attempt: Int
        var code: Int?
        var responseBytes = 0
    }

    /// Tries until there is a result, a reason not to retry, or no time left.
    private func exchange<Result: JSONDecodable>(
        _ outgoing: Outgoing, _ course: inout Course
    ) async throws(RPCError) -> Result {
        let call = outgoing.call
        var rule = RetryRule(isIdempotent: outgoing.method.isIdempotent, attempt: call.attempt, limits: limits)
        state.withLock { $0.budget.earn() }
        while true {
            course.attempt = call.attempt + rule.retries
            let failure: AttemptFailure
            switch try await send(outgoing, attempt: course.attempt) {
            case .success(let response):
                course.responseBytes = response.body.count
                let reader = ResponseReader(number: outgoing.number)
                if let result = reader.value(Result.self, of: response) { return result }
                switch reader.read(response) {
                case .result(let range): return try decode(response.body, at: range, outgoing.method)
                case .malformed(let fault): throw malformed(fault, outgoing.method)
                case .failed(let error): failure = .answered(error)
                }
            case .failure(let error): failure = try Self.failure(of: error, outgoing.method)
            }
            let remaining = ContinuousClock.now.duration(to: call.deadline)
            let decision = state.withLock { state in
                let random = Double.random(in: 0..<1, using: &state.random)
                return rule.decide(failure, remaining: remaining, random: random, budget: &state.budget)
            }
            switch decision {
            case .fail(let error): throw error
            case .move: observe(.retried(method: outgoing.method, isTransparent: true, trace: call.trace))
            case .retry(let wait):
                observe(.retried(method: outgoing.method, isTransparent: false, trace: call.trace))
                do { try await Task.sleep(for: wait) } catch { throw .cancelled }
            }
        }
    }

    private func decode<Result: JSONDecodable>(
        _ body: [UInt8], at range: Range<Int>, _ method: RPCMethod
    ) throws(RPCError) -> Result {
        do throws(JSONError) {
            return try decodeJSON(Result.self, from: body, at: range)
        } catch {
            throw malformed(.malformedResult, method)
        }
    }

    /// Makes one attempt on one connection. Throws errors that no retry can fix: no time, no connection, cancelled.
    private func send(
        _ outgoing: Outgoing, attempt: Int
    ) async throws(RPCError) -> Swift.Result<H2Response, H2Error> {
        let lease: Links.Lease
        if let free = state.withLock({ $0.pick() }) {
            lease = free
        } else {
            lease = try await acquire(until: outgoing.call.deadline)
        }
        defer { release(lease) }
        let now = ContinuousClock.now
        let remaining = now.duration(to: outgoing.call.deadline)
        guard remaining > .zero else { throw .deadlineExceeded }
        let request = H2Request(
            method: "POST", path: "/rpc", authority: name, headers: fixedHeaders,
            ownHeaders: ownHeaders(of: outgoing.call, attempt: attempt, remaining: remaining), body: outgoing.body,
            receivedAt: now)
        do throws(H2Error) {
            return .success(try await lease.link.send(request, deadline: outgoing.call.deadline))
        } catch {
            // The link's own report may come after the next pick, which must not choose it again.
            noteState(of: lease)
            return .failure(error)
        }
    }

    private func ownHeaders(of call: RPCCall, attempt: Int, remaining: Duration) -> [H2Header] {
        var headers: [H2Header] = []
        headers.reserveCapacity(5)
        // Rounded down, so that the peer gives up no later than we do; 0 would be refused.
        headers.append(H2Header("rpc-timeout-ms", String(min(max(1, remaining.milliseconds), 9_999_999_999))))
        if attempt > 0 { headers.append(H2Header("rpc-attempt", String(min(attempt, limits.attemptMax)))) }
        headers.append(H2Header("traceparent", call.trace.traceparent))
        if !call.trace.state.isEmpty { headers.append(H2Header("tracestate", call.trace.state)) }
        if let key = call.idempotencyKey { headers.append(H2Header("idempotency-key", key)) }
        return headers
    }

    /// Returns what a failed exchange means for the call; throws if no retry can help.
    private static func failure(of error: H2Error, _ method: RPCMethod) throws(RPCError) -> AttemptFailure {
        switch error.reason {
        case .deadlineExceeded:
            // A call that was sent and must not be repeated may have taken effect: the error must not suggest that
            // repeating it is safe.
            throw error.wasNotProcessed || method.isIdempotent ? .deadlineExceeded : .outcomeUnknownInTime
        case .cancelled: throw .cancelled
        case .bodyTooLarge, .headersTooLarge: throw .internal("The service's answer is too large.")
        case .invalidRequest: throw .internal("The call cannot be sent as HTTP/2.")
        case .connectFailed, .connectTimedOut, .connectionClosed, .goingAway, .reset, .queueFull, .protocolViolation,
            .keepaliveTimedOut:
            return error.wasNotProcessed ? .notProcessed : .lost
        }
    }

    private func malformed(_ fault: ResponseFault, _ method: RPCMethod) -> RPCError {
        observe(.malformedResponse(method: method, fault))
        return .internal("The service's answer could not be understood.")
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
