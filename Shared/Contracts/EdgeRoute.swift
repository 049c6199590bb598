internal import RPC

/// An operation of the public surface, ready to be bound to an HTTP server.
package struct EdgeRoute: Sendable {
    /// Who may call an operation.
    package enum Access: Sendable, Hashable {
        /// Everybody; credentials are not looked up, but left to the operation.
        case open
        /// Whoever proves an account; API keys need the scope, and are refused if there is none.
        case bearer(scope: String?)
    }

    /// The name of the operation in the contract, for logs and metrics.
    package let operation: String
    /// The HTTP method in uppercase.
    package let method: String
    /// The path with its parameters in braces, such as `/api/v1/movies/{title}`.
    package let path: String
    package let access: Access
    /// Whether its response is the representation that GET returns for the same address, so that it has an entity tag.
    package let isRepresentation: Bool
    /// Whether it checks If-Match against the current state atomically with its effect.
    package let checksConditions: Bool
    /// Whether it takes effect once under an Idempotency-Key.
    package let takesKey: Bool
    /// Whether it takes a body of any form and length, of which the edge keeps the beginning.
    package let takesAnyBody: Bool
    /// Whether it takes its body in pieces as it arrives.
    package let takesUpload: Bool
    private let run: @Sendable (EdgeRequest, EdgeCaller?, EdgeContext) async throws(RPCError) -> EdgeResponse
    /// Is notified of the outcome of each call.
    private var watcher: (any EdgeWatcher)?

    static func open(
        _ operation: String, _ method: String, _ path: String, isRepresentation: Bool = false,
        checksConditions: Bool = false, takesKey: Bool = false, takesAnyBody: Bool = false, takesUpload: Bool = false,
        _ run: @escaping @Sendable (EdgeRequest, EdgeContext) async throws(RPCError) -> EdgeResponse
    ) -> EdgeRoute {
        EdgeRoute(
            operation: operation, method: method, path: path, access: .open, isRepresentation: isRepresentation,
            checksConditions: checksConditions, takesKey: takesKey, takesAnyBody: takesAnyBody,
            takesUpload: takesUpload
        ) {
            (request, _, context) async throws(RPCError) in try await run(request, context)
        }
    }

    /// Creates a page for browsers, the same for everybody; not an operation of the contract.
    package static func page(_ operation: String, _ path: String, _ page: EdgeResponse) -> EdgeRoute {
        .open(operation, "GET", path) { (_, _) async throws(RPCError) in page }
    }

    /// Creates such a page, made on request.
    package static func page(
        _ operation: String, _ path: String,
        _ make: @escaping @Sendable (EdgeRequest) -> EdgeResponse
    ) -> EdgeRoute {
        .open(operation, "GET", path, isRepresentation: true) { (request, _) async throws(RPCError) in make(request) }
    }

    static func bearer(
        _ operation: String, _ method: String, _ path: String, scope: String?, takesGivenPassword: Bool = false,
        takesMissingFactor: Bool = false, isRepresentation: Bool = false,
        checksConditions: Bool = false, takesKey: Bool = false, takesAnyBody: Bool = false, takesUpload: Bool = false,
        _ run: @escaping @Sendable (EdgeRequest, EdgeCaller, EdgeContext) async throws(RPCError) -> EdgeResponse
    ) -> EdgeRoute {
        EdgeRoute(
            operation: operation, method: method, path: path, access: .bearer(scope: scope),
            isRepresentation: isRepresentation,
            checksConditions: checksConditions, takesKey: takesKey, takesAnyBody: takesAnyBody,
            takesUpload: takesUpload
        ) {
            (request, caller, context) async throws(RPCError) in
            guard let caller else { throw .unauthenticated() }
            guard caller.allows(scope) else { throw .forbidden() }
            guard takesGivenPassword || !caller.hasGivenPassword else {
                throw .passwordChangeRequired("change the password first: auth/password")
            }
            guard takesMissingFactor || !caller.lacksSecondFactor else {
                throw .secondFactorMissing("set up a second factor first: users/me/second-factor")
            }
            return try await run(request, caller, context)
        }
    }

    /// Returns the response as if the caller had a session without administrator rights; a pending password change or a
    /// missing second factor still applies. Use it to find out what is there, never to show it.
    package func inspect(_ request: EdgeRequest, _ caller: EdgeCaller?, _ context: EdgeContext) async -> EdgeResponse {
        let inspector = caller.map {
            EdgeCaller(
                user: $0.user, timeZone: $0.timeZone, credential: $0.credential, hasGivenPassword: $0.hasGivenPassword,
                lacksSecondFactor: $0.lacksSecondFactor)
        }
        return await outcome(request, inspector, context)
    }

    /// Returns the same operation with a watcher, which is notified of the outcome of each call but not of inspections.
    package func watched(by watcher: any EdgeWatcher) -> EdgeRoute {
        var route = self
        route.watcher = watcher
        return route
    }

    /// Checks the access, reads and checks the request and runs the operation; every failure becomes a problem
    /// document.
    ///
    /// `caller` is the owner of the credentials; nil if there are none or they are invalid.
    package func respond(_ request: EdgeRequest, _ caller: EdgeCaller?, _ context: EdgeContext) async -> EdgeResponse {
        told(await outcome(request, caller, context), to: request, caller, context)
    }

    /// Notifies the watcher of the outcome of a call, even one that was refused before the operation ran.
    package func told(
        _ answer: EdgeResponse, to request: EdgeRequest, _ caller: EdgeCaller?, _ context: EdgeContext
    ) -> EdgeResponse {
        watcher?.hear(answer, of: operation, to: request, from: caller, context)
        return answer
    }

    private func outcome(_ request: EdgeRequest, _ caller: EdgeCaller?, _ context: EdgeContext) async -> EdgeResponse {
        do throws(RPCError) {
            return try await run(request, caller, context)
        } catch {
            return .problem(error, trace: context.rpc.trace)
        }
    }
}
