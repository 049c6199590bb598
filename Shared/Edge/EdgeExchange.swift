internal import Contracts
internal import Cryptography
internal import RPC

/// One request for one operation, with the rules common to all operations: conditions, idempotency keys, entity tags.
struct EdgeExchange: Sendable {
    private let route: EdgeRoute
    private let reader: EdgeRoute?
    private let input: EdgeRequest
    private let caller: EdgeCaller?
    private let context: EdgeContext
    private let conditions: (any ConditionBook)?
    private let fixed: FixedForms

    /// `reader` is the operation that reads the state at the address of a write; `target` is the address as received.
    /// Throws `invalidRequest` for malformed conditions and keys.
    init(
        route: EdgeRoute, reader: EdgeRoute?, input: EdgeRequest, caller: EdgeCaller?, context: EdgeContext,
        target: String, limits: EdgeLimits, conditions: (any ConditionBook)?, fixed: FixedForms
    ) throws(RPCError) {
        self.route = route
        self.reader = reader
        self.input = input
        self.caller = caller
        self.conditions = conditions
        self.fixed = fixed
        self.context = EdgeContext(
            rpc: context.rpc, clientAddress: context.clientAddress, once: try Self.once(route, input, target, limits),
            ifMatch: try Self.tags("if-match", of: input), ifNoneMatch: try Self.tags("if-none-match", of: input),
            bearer: route.access == .open ? Self.bearer(of: input) : nil, subject: context.subject)
    }

    private var isRead: Bool { route.method == "GET" }

    func run() async -> EdgeResponse {
        if let refusal = await refusal() { return route.told(refusal, to: input, caller, context) }
        var answer = await route.respond(input, caller, context)
        await release(after: answer)
        if let stream = answer.stream, stream.name != nil { answer = await begun(answer, stream) }
        guard route.isRepresentation, answer.status == 200 || answer.status == 201 else { return answer }
        let tag = answer.headers.first { $0.name == "etag" }?.value ?? entityTag(of: answer)
        answer.headers.removeAll { $0.name == "etag" }
        answer.headers.append(("etag", tag))
        if isRead, context.ifNoneMatch?.contains(tag) == true {
            answer.status = 304
            answer.body = []
            answer.headers.removeAll { $0.name == "content-type" }
        }
        return answer
    }

    private func entityTag(of answer: EdgeResponse) -> String {
        answer.isFixed ? fixed.tag(of: route.operation, answer.body) : EntityTag.of(answer.body)
    }

    /// Returns the answer with the first piece of its file made, so that a failure up to then can still be reported.
    private func begun(_ answer: EdgeResponse, _ stream: EdgeStream) async -> EdgeResponse {
        var answer = answer
        do {
            if let first = try await stream.next() {
                answer.body = first
                return answer
            }
            guard stream.length ?? 0 == 0 else {
                throw RPCError.internal("the file is empty despite its declared length")
            }
            answer.stream = nil
        } catch {
            answer = .problem(error as? RPCError ?? .internal("the file cannot be produced"), trace: context.rpc.trace)
        }
        await stream.end()
        return answer
    }

    /// Whether the edge checks the request's conditions against the current state.
    private var isConditional: Bool {
        !isRead && !route.checksConditions && (context.ifMatch != nil || context.ifNoneMatch != nil)
    }

    /// Returns why a write must not happen, that is, if the current state is not the one that the request expects.
    private func refusal() async -> EdgeResponse? {
        guard isConditional else { return nil }
        var current: String?
        if let reader {
            let question = EdgeRequest(pathParameters: input.pathParameters)
            let found = await reader.inspect(question, caller, context)
            if found.status == 200 {
                current = found.headers.first { $0.name == "etag" }?.value ?? EntityTag.of(found.body)
            } else if found.status != 404 {
                return found
            }
        }
        do throws(RPCError) {
            guard try await isAllowed(from: current) else {
                throw .preconditionFailed("the current state is not the one that the request expects")
            }
            return nil
        } catch {
            return .problem(error, trace: context.rpc.trace)
        }
    }

    /// Returns whether a write may happen to the state with `tag`, or was recorded as allowed on an earlier attempt.
    private func isAllowed(from tag: String?) async throws(RPCError) -> Bool {
        let isAllowed = context.allowsWrite(of: tag)
        guard let (once, user, book) = repeatable else { return isAllowed }
        guard isAllowed else { return try await book.isNoted(once, of: user, until: context.rpc.deadline) }
        try await book.note(once, of: user, until: context.rpc.deadline)
        return true
    }

    /// Forgets the record of a request that was refused: its conditions must hold when it is repeated.
    private func release(after answer: EdgeResponse) async {
        guard (400..<500).contains(answer.status), !Self.unsettled.contains(answer.status),
            isConditional, let (once, user, book) = repeatable
        else { return }
        // A record left behind lets only this same request through once more.
        try? await book.forget(once, of: user, until: context.rpc.deadline)
    }

    /// Statuses of requests that were broken off, or not begun: 408, 429 and 499.
    private static let unsettled: Set = [408, 429, 499]

    /// What identifies a repeated request with a key; nil where the key has no effect.
    private var repeatable: (once: EdgeOnce, user: UserID, book: any ConditionBook)? {
        guard route.takesKey, reader != nil, let once = context.once, let caller, let conditions else { return nil }
        return (once, caller.user, conditions)
    }

    private static func bearer(of input: EdgeRequest) -> String? {
        BearerToken.token(in: input.headers.filter { $0.name == "authorization" }.map(\.value))
    }

    private static func tags(_ name: String, of input: EdgeRequest) throws(RPCError) -> EntityTags? {
        let fields = input.headers.filter { $0.name == name }.map(\.value)
        if fields.isEmpty { return nil }
        guard let tags = EntityTags(fields: fields) else {
            throw .invalidRequest("\(name): is neither * nor a list of entity tags")
        }
        return tags
    }

    private static func once(
        _ route: EdgeRoute, _ input: EdgeRequest, _ target: String, _ limits: EdgeLimits
    ) throws(RPCError) -> EdgeOnce? {
        let fields = input.headers.filter { $0.name == "idempotency-key" }.map(\.value)
        guard let key = fields.first else { return nil }
        let isValid =
            fields.count == 1 && (1...limits.idempotencyKeyBytesMax).contains(key.utf8.count)
            && key.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard isValid else {
            throw .invalidRequest(
                "Idempotency-Key: is not 1 to \(limits.idempotencyKeyBytesMax) visible ASCII characters")
        }
        var digest = SHA256()
        // Neither a method nor an address contains a line break.
        digest.update(Array("\(route.method) \(target)\n".utf8))
        digest.update(input.body)
        return EdgeOnce(key: key, fingerprint: digest.finish().bytes)
    }
}
