public import JSON

/// The methods of one service: each decodes its params, runs, and encodes its response.
@usableFromInline
package struct RPCRouter: Sendable {
    /// Runs one call: decodes the params at `params` of `body` (absent: an empty object), runs the handler, and returns
    /// the whole response object for the id whose text is at `id` of `body`.
    @usableFromInline
    typealias Invoke =
        @Sendable (_ body: [UInt8], _ params: Range<Int>?, _ id: Range<Int>?, _ context: RPCContext)
        async throws(RPCError) -> [UInt8]

    @usableFromInline
    struct Route: Sendable {
        @usableFromInline let method: RPCMethod
        @usableFromInline let invoke: Invoke

        @inlinable
        init(method: RPCMethod, invoke: @escaping Invoke) {
            self.method = method
            self.invoke = invoke
        }
    }

    @usableFromInline private(set) var routes: [String: Route] = [:]
    private(set) var openRPC: JSONBytes?

    package init() {}

    /// Serves `method` with `handler`. A method may be registered once; `rpc.` names and `health.check` are reserved.
    @inlinable
    package mutating func register<Params: JSONDecodable, Result: JSONEncodable>(
        _ method: RPCMethod, _ handler: @escaping @Sendable (Params, RPCContext) async throws(RPCError) -> Result
    ) {
        add(
            Route(method: method) { (body, params, id, context) async throws(RPCError) -> [UInt8] in
                let decoded: Params = try RPCEnvelope.decodeParams(body, at: params)
                let result = try await handler(decoded, context)
                return RPCEnvelope.response(result, body, id: id)
            })
    }

    /// Answers `rpc.discover` with `openRPC`, which must be one valid JSON text and is sent unchanged.
    package mutating func describe(_ openRPC: [UInt8]) {
        do throws(JSONError) {
            self.openRPC = try JSONBytes(checking: openRPC)
        } catch {
            preconditionFailure("the OpenRPC document is not JSON: \(error)")
        }
    }

    @usableFromInline
    mutating func add(_ route: Route) {
        let name = route.method.name
        precondition(!name.hasPrefix("rpc.") && name != HealthReport.method.name, "\(name) is a reserved method name")
        precondition(routes.updateValue(route, forKey: name) == nil, "\(name) is registered twice")
    }
}
