package import Contracts
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import Logging
internal import NIOCore
package import RPC

/// What a bearer token grants, as far as is known without a look-up.
package enum EdgeCredentials: Sendable {
    /// Looks up the token's owner; nil if it has none.
    package typealias LookUp =
        @Sendable (_ deadline: ContinuousClock.Instant) async throws(RPCError) -> EdgeCaller?

    /// The token is invalid, without any look-up.
    case nobody
    case caller(EdgeCaller)
    /// A look-up is needed. `wasGood` tells whether the last look-up in this process found an owner.
    case unread(wasGood: Bool, LookUp)
}

/// Returns what a bearer token grants, without waiting.
package typealias EdgeAuthenticator = @Sendable (_ token: String) -> EdgeCredentials

/// Requests a share of what all gateways together admit; one call covers many requests.
package typealias RateLender =
    @Sendable (
        _ subject: RateSubject, _ ask: RateAsk, _ deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> RateShare

/// One finished request, for logs and metrics.
package struct EdgeRecord: Sendable {
    /// The operation's name in the contract; nil if the address has none.
    package let operation: String?
    package let status: Int
    package let duration: Duration
    package let trace: TraceContext
    /// The client's own identifier for the request, if it sent one.
    package let requestID: String?
    /// The person behind the request; nil if unknown.
    package let person: UserID?
    /// The cause of a failure on our side.
    package let cause: String?
}

/// Answers every request to the public side: limits, CORS, credentials, the operation, problem documents.
struct EdgeResponder: HTTPResponder {
    let table: RouteTable
    let cors: CORSPolicy
    let proxies: TrustedProxies
    let limits: EdgeLimits
    let connections: OpenConnections
    let lines: StreamLines
    /// Nil if there is no rate limit.
    let limiter: RateLimiter?
    let executors: LoopExecutors
    let sweeper: DeadlineSweeper
    let room: BodyRoom
    let packer: AnswerPacker
    /// Nil if clients do not connect over TLS.
    let transport: TransportSecurity?
    /// Nil if conditions are checked regardless of the key.
    let conditions: (any ConditionBook)?
    let authenticate: EdgeAuthenticator
    let observe: @Sendable (EdgeRecord) -> Void

    private var isSecure: Bool { transport != nil }

    /// Answers in a task of its own, which frees its memory when it ends: the connection's task keeps its peak
    /// allocation for as long as the connection lives.
    func respond(to request: Request, context: EdgeRequestContext) async -> Response {
        let end = OperationEnd()
        return await inOwnTask(endedBy: end, on: executors[context.loop]) { await answered(request, context, end) }
    }

    private func answered(_ request: Request, _ context: EdgeRequestContext, _ end: OperationEnd) async -> Response {
        let begun = ContinuousClock.now
        let trace = Self.trace(request)
        let requestID = RequestID.given(in: Self.fields("x-request-id", of: request))
        let timeout = takesUpload(request.head) ? limits.uploadTimeout : limits.operationTimeout
        let rpc = RPCContext(
            deadline: begun.advanced(by: timeout), trace: trace,
            idempotencyKey: Self.field("idempotency-key", of: request))
        let peer = connections.peer(of: context.channel)
        let client = peer.map { proxies.client(peer: $0, forwardedFor: Self.fields("x-forwarded-for", of: request)) }
        let subject = EdgeSubject()
        var (operation, answer) = await answer(
            request, EdgeContext(rpc: rpc, clientAddress: client ?? "", subject: subject), context, end)
        if request.method == .head, let stream = answer.stream, stream.name != nil {
            answer = await counted(answer, stream, rpc)
        }
        observe(
            EdgeRecord(
                operation: operation, status: answer.status, duration: begun.duration(to: .now), trace: trace,
                requestID: requestID, person: subject.facts.person, cause: answer.cause))
        answer = await packer.packed(answer, of: operation, for: request.head)
        return response(to: request, answer, requestID ?? trace.traceID, on: context)
    }

    /// Returns the operation's name, if there is one, and its answer.
    private func answer(
        _ request: Request, _ context: EdgeContext, _ place: EdgeRequestContext, _ end: OperationEnd
    ) async -> (String?, EdgeResponse) {
        func problem(_ error: RPCError) -> EdgeResponse { .problem(error, trace: context.rpc.trace) }
        let target = request.head.path ?? "/"
        guard target.utf8.count <= limits.targetBytesMax else {
            return (nil, problem(.invalidRequest("the address is too long")))
        }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let (address, asked) = (Substring(path), Substring(target.utf8[path.endIndex...].dropFirst()))
        // HEAD is GET without the body.
        let method = request.method == .head ? "GET" : request.method.rawValue
        switch table.match(method, address) {
        case .nothing:
            return (nil, problem(.routeNotFound("\(address) is not an address of this service")))
        case .otherMethods(let methods):
            if request.method == .options { return (nil, preflight(request, methods)) }
            let allowed = Self.allowed(methods)
            var refusal = problem(.methodNotAllowed("\(method) is not one of \(allowed)"))
            refusal.headers.append(("allow", allowed))
            return (nil, refusal)
        case .found(let route, let parameters):
            guard let query = PercentText.query(asked, countMax: limits.queryParametersMax) else {
                return (route.operation, problem(.invalidRequest("the query string is malformed")))
            }
            var told: [(name: String, value: String)] = []
            do throws(RPCError) {
                let (caller, verdict) = try await admission(of: request, to: route, context)
                if let caller { context.subject.tell(person: caller.user) }
                if let verdict {
                    told = verdict.fields
                    guard verdict.isAdmitted else { throw .limited(verdict.waitSeconds) }
                }
                // An unauthenticated request's body is not waited for.
                if route.access != .open, caller == nil { throw .unauthenticated() }
                var input = EdgeRequest(pathParameters: parameters, query: query, headers: Self.headers(request))
                var held = BodyRoom.Place(in: room, client: context.clientAddress)
                if route.takesUpload {
                    input.upload = try upload(request)
                } else if !isBodyless(request) {
                    let body =
                        route.takesAnyBody
                        ? try await beginning(request, &held) : Body(bytes: try await body(request, &held))
                    input.body = body.bytes
                    input.isBodyCut = body.isCut
                    input.isBodyTooLarge = body.isTooLarge
                }
                let exchange = try EdgeExchange(
                    route: route, reader: reader(at: address, of: route), input: input, caller: caller,
                    context: context, target: target, limits: limits, conditions: conditions, fixed: packer.fixed)
                var answer = try await untilClientLeaves(place, context, end) { await exchange.run() }
                answer.headers += told
                return (route.operation, answer)
            } catch {
                var refusal = problem(error)
                refusal.headers += told
                return (route.operation, refusal)
            }
        }
    }

    /// Runs an operation; cancels it at its deadline and when its client leaves.
    private func untilClientLeaves(
        _ place: EdgeRequestContext, _ context: EdgeContext, _ end: OperationEnd, _ work: () async -> EdgeResponse
    ) async throws(RPCError) -> EdgeResponse {
        connections.watch(place.connection) { end.clientLeft() }
        defer { connections.forget(place.connection) }
        return try await within(context.rpc.deadline, orUntil: end, sweeper, work)
    }

    /// Returns the answer to a client that does not speak HTTP, and records it like any request.
    func refuse(_ error: RPCError) -> EdgeResponse {
        let trace = TraceContext.root()
        var answer = EdgeResponse.problem(error, trace: trace)
        observe(
            EdgeRecord(
                operation: nil, status: answer.status, duration: .zero, trace: trace, requestID: nil,
                person: nil, cause: error.message))
        answer.headers = AnswerFields.complete(answer.headers, requestID: trace.traceID, transport: transport)
        return answer
    }

    /// Returns the caller, and the verdict of the caller's rate limit.
    ///
    /// A token that is not known to be good counts towards its address until its owner is known: an address over its
    /// limit causes no look-ups, however many tokens it makes up.
    private func admission(
        of request: Request, to route: EdgeRoute, _ context: EdgeContext
    ) async throws(RPCError) -> (caller: EdgeCaller?, verdict: RateVerdict?) {
        var caller: EdgeCaller?
        switch route.access == .open ? .nobody : credentials(of: request) {
        case .nobody: break
        case .caller(let known): caller = known
        case .unread(wasGood: true, let lookUp): caller = try await lookUp(context.rpc.deadline)
        case .unread(wasGood: false, let lookUp):
            let address = subject(nil, context)
            let verdict = await limiter?.admit(address)
            if let verdict, !verdict.isAdmitted { return (nil, verdict) }
            caller = try await lookUp(context.rpc.deadline)
            guard caller != nil else { return (nil, verdict) }
            if let verdict { limiter?.giveBack(verdict, of: address) }
        }
        return (caller, await limiter?.admit(subject(caller, context)))
    }

    /// Returns the subject whose limit a request counts towards.
    private func subject(_ caller: EdgeCaller?, _ context: EdgeContext) -> RateSubject {
        guard let caller else { return .address(NetworkAddress.network(of: context.clientAddress)) }
        return caller.scopes == nil ? .person(caller.user) : .key(caller.credential)
    }

    /// Returns the operation that reads the current state of the address that `route` changes; nil if there is none.
    private func reader(at path: some StringProtocol, of route: EdgeRoute) -> EdgeRoute? {
        guard route.method != "GET", case .found(let reader, _) = table.match("GET", path) else { return nil }
        return reader
    }

    private func credentials(of request: Request) -> EdgeCredentials {
        BearerToken.token(in: request.headers[values: .authorization]).map(authenticate) ?? .nobody
    }

    /// Returns whether a request is for an operation that takes its body in pieces.
    func takesUpload(_ head: HTTPRequest) -> Bool {
        table.takesUpload(head.method.rawValue, at: head.path ?? "/")
    }

    private func upload(_ request: Request) throws(RPCError) -> EdgeUpload {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limits.uploadBytesMax {
            throw UploadSource.tooLarge(limits)
        }
        return EdgeUpload(
            contentType: Self.field("content-type", of: request), source: UploadSource(request.body, limits: limits))
    }

    /// Whether there is no body to wait for. Without TLS this is HTTP/1.1, where a request without either field has no
    /// body (RFC 9112 §6.3).
    private func isBodyless(_ request: Request) -> Bool {
        !isSecure && !request.headers.contains(.contentLength) && !request.headers.contains(.transferEncoding)
    }

    private func body(_ request: Request, _ place: inout BodyRoom.Place) async throws(RPCError) -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limits.bodyBytesMax {
            throw .payloadTooLarge("the body is larger than \(limits.bodyBytesMax) bytes")
        }
        do {
            var bytes: [UInt8] = []
            for try await piece in request.body {
                guard bytes.count + piece.readableBytes <= limits.bodyBytesMax else {
                    throw RPCError.payloadTooLarge("the body is larger than \(limits.bodyBytesMax) bytes")
                }
                guard place.grow(by: piece.readableBytes) else { throw Self.full }
                bytes.append(contentsOf: piece.readableBytesView)
            }
            return bytes
        } catch let error as RPCError {
            throw error
        } catch is BodyTimeout {
            throw .requestTimeout("the body took longer than \(limits.bodyTimeout.components.seconds) seconds")
        } catch {
            throw .invalidRequest("the body is incomplete")
        }
    }

    private static var full: RPCError {
        .overloaded("too many large bodies are being received; try again in a moment")
    }

    private struct Body {
        var bytes: [UInt8] = []
        var isCut = false
        var isTooLarge = false
    }

    /// Reads a body in any form and returns what is kept of it. The rest is read and dropped, so that the client can
    /// finish; a body over `rawBodyBytesMax` is not read to its end.
    private func beginning(
        _ request: Request, _ place: inout BodyRoom.Place
    ) async throws(RPCError) -> Body {
        var body = Body()
        var count = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if count > limits.rawBodyBytesMax { return Body(isTooLarge: true) }
        count = 0
        do {
            for try await piece in request.body {
                count += piece.readableBytes
                if count > limits.rawBodyBytesMax { return Body(isTooLarge: true) }
                let left = limits.bodyBytesMax - body.bytes.count
                body.isCut = body.isCut || piece.readableBytes > left
                guard place.grow(by: min(left, piece.readableBytes)) else { throw Self.full }
                body.bytes.append(contentsOf: piece.readableBytesView.prefix(left))
            }
            return body
        } catch let error as RPCError {
            throw error
        } catch is BodyTimeout {
            throw .requestTimeout("the body took longer than \(limits.bodyTimeout.components.seconds) seconds")
        } catch {
            throw .invalidRequest("the body is incomplete")
        }
    }

    private func preflight(_ request: Request, _ methods: [String]) -> EdgeResponse {
        var answer = EdgeResponse(status: 204, headers: [("allow", Self.allowed(methods))])
        if let origin = request.headers[.origin], let allowed = cors.preflight(from: origin, methods: methods) {
            answer.headers += allowed
        } else if cors.isOn {
            answer.headers.append(("vary", "Origin"))
        }
        return answer
    }

    private func response(
        to request: Request, _ answer: EdgeResponse, _ requestID: String, on connection: EdgeRequestContext
    ) -> Response {
        var fields = answer.headers
        if request.method != .options {
            if let origin = request.headers[.origin], let allowed = cors.answer(to: origin) {
                fields += allowed
            } else if cors.isOn {
                fields.append(("vary", "Origin"))
            }
        }
        let line = answer.stream.flatMap { canGoOn($0, request) ? lines : nil }
        if line != nil { fields.append(("connection", "close")) }
        fields = AnswerFields.complete(fields, requestID: requestID, transport: transport)
        var headers = HTTPFields()
        for (name, value) in fields {
            guard let name = Self.fieldNames[name] ?? HTTPField.Name(name) else { continue }
            headers.append(HTTPField(name: name, value: value))
        }
        let body: ResponseBody =
            if let stream = answer.stream {
                streaming(stream, after: answer.body, on: connection, goingOnWith: line)
            } else if answer.body.count > limits.answerPieceBytes {
                inPieces(answer.body, on: connection)
            } else {
                answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body))
            }
        let response = Response(status: .init(code: answer.status), headers: headers, body: body)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// The names that most answers have: creating one validates each of its characters.
    private static let fieldNames: [String: HTTPField.Name] = {
        let own = ["content-type", "content-length", "etag", "vary", "ratelimit", "ratelimit-policy", "location"]
        let transport = TransportSecurity(coversSubdomains: false)
        let common = AnswerFields.complete([], requestID: "", transport: transport).map(\.name)
        return Dictionary(
            uniqueKeysWithValues: (own + common).compactMap { name in HTTPField.Name(name).map { (name, $0) } })
    }()

    /// Sends a large answer piece by piece, each when the client has room for it, so that a document that many clients
    /// read slowly is not copied for each of them.
    private func inPieces(_ bytes: [UInt8], on connection: EdgeRequestContext) -> ResponseBody {
        ResponseBody(contentLength: bytes.count) { [limits] writer in
            for start in stride(from: 0, to: bytes.count, by: limits.answerPieceBytes) {
                let end = min(start + limits.answerPieceBytes, bytes.count)
                try await writer.write(ByteBuffer(bytes: bytes[start..<end]))
                // Otherwise the next pieces would be made before it is known that there is no room for them.
                try await connection.settle()
            }
            try await writer.finish(nil)
        }
    }

    /// Returns whether the rest of a stream can take over the connection. Without TLS that is HTTP/1.1, and a client
    /// that needs the connection closed to see the end may speak HTTP/1.0, which has no chunks.
    private func canGoOn(_ stream: EdgeStream, _ request: Request) -> Bool {
        stream.rest != nil && !isSecure && request.method != .head && request.headers[.connection] != "close"
    }

    /// Not an error, but the only way to leave an answer without an end.
    private struct GoesOn: Error {}

    /// Sends a stream piece by piece, each when the client has room for it, until it ends or the client has gone. If
    /// `lines` is given, the rest of the stream takes over the connection once no more pieces are ready.
    private func streaming(
        _ stream: EdgeStream, after first: [UInt8], on connection: EdgeRequestContext, goingOnWith lines: StreamLines?
    ) -> ResponseBody {
        ResponseBody(contentLength: stream.length) { [connections] writer in
            connections.watch(connection.connection) { Task { await stream.end() } }
            defer { connections.forget(connection.connection) }
            let sent: Result<Void, any Error>
            do {
                var count = first.count
                if !first.isEmpty { try await writer.write(ByteBuffer(bytes: first)) }
                while let piece = try await stream.next() {
                    count += piece.count
                    // More than the header declared would be read as another answer.
                    guard count <= stream.length ?? count else {
                        throw RPCError.internal("the file is longer than its declared length")
                    }
                    try await writer.write(ByteBuffer(bytes: piece))
                    try await connection.settle()
                    if let lines, let rest = stream.rest, rest.isReady,
                        let line = await lines.take(over: connection.channel)
                    {
                        rest.goOn(on: line)
                        throw GoesOn()
                    }
                }
                guard count == stream.length ?? count else {
                    throw RPCError.internal("the file is shorter than its declared length")
                }
                sent = .success(())
            } catch {
                sent = .failure(error)
            }
            if case .failure(let error) = sent, error is GoesOn { throw error }
            await stream.end()
            try sent.get()
            try await writer.finish(nil)
            guard lines != nil else { return }
            // As the header declared.
            try await connection.settle()
            connection.channel.close(mode: .output, promise: nil)
        }
    }

    /// Returns the answer to HEAD for a file, with its length, which costs as much as making the file unless it is
    /// known.
    private func counted(_ answer: EdgeResponse, _ stream: EdgeStream, _ context: RPCContext) async -> EdgeResponse {
        var count = answer.body.count
        var whole = EdgeResponse(status: answer.status, headers: answer.headers)
        do {
            if let length = stream.length {
                count = length
            } else {
                while let piece = try await stream.next() {
                    guard context.deadline > .now else {
                        throw RPCError.deadlineExceeded("computing the length of the file took too long")
                    }
                    count += piece.count
                }
            }
            whole.headers.append(("content-length", String(count)))
        } catch {
            whole = .problem(error as? RPCError ?? .internal("the file cannot be produced"), trace: context.trace)
        }
        await stream.end()
        return whole
    }

    /// Returns the methods of an address with these operations: HEAD wherever there is GET, and always OPTIONS.
    private static func allowed(_ methods: [String]) -> String {
        (methods + (methods.contains("GET") ? ["HEAD"] : []) + ["OPTIONS"]).joined(separator: ", ")
    }

    private static func headers(_ request: Request) -> [(name: String, value: String)] {
        request.headers.map { field in
            let name = field.name.canonicalName
            let isTags = name == "if-match" || name == "if-none-match"
            return (name, isTags ? ContentCoding.unpackedTags(field.value) : field.value)
        }
    }

    private static func field(_ name: String, of request: Request) -> String? {
        request.headers.first { $0.name.canonicalName == name }?.value
    }

    private static func fields(_ name: String, of request: Request) -> [String] {
        request.headers.compactMap { $0.name.canonicalName == name ? $0.value : nil }
    }

    private static func trace(_ request: Request) -> TraceContext {
        guard let parent = field("traceparent", of: request),
            let trace = TraceContext(traceparent: parent, tracestate: field("tracestate", of: request))
        else { return .root() }
        return trace.child()
    }
}

extension RPCError {
    /// The error for too many requests; `seconds` is sent as Retry-After.
    static func limited(_ seconds: Int) -> RPCError {
        .tooManyRequests(
            "too many requests; try again in \(seconds) s", data: JSONBytes(encoding: ["retry_after_seconds": seconds]))
    }
}
