import Contracts
import Edge
import JSON
import RPC

/// `editList`: changes a list's attributes. Preconditions are checked in one step with the change.
struct EditList: Sendable {
    let scrobble: ScrobbleClient

    func run(
        _ input: EditListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleList> {
        let expected = try await context.expected { () throws(RPCError) in
            try await scrobble.getList(GetListParams(user: caller.user, list: input.list), context.rpc.outgoing())
        }
        let params = EditListParams(
            user: caller.user, list: input.list, name: input.body.name, description: input.body.description,
            isRanked: input.body.isRanked, expected: expected)
        return EdgeReply(try await scrobble.editList(params, context.rpc.outgoing()))
    }
}

extension EdgeContext {
    /// Returns the current state of what a conditional request changes, for the owning service to compare; nil if the
    /// request is unconditional. Throws `preconditionFailed` if its conditions do not hold.
    func expected<Value: JSONEncodable>(
        _ read: () async throws(RPCError) -> Value
    ) async throws(RPCError) -> Value? {
        if ifMatch == nil, ifNoneMatch == nil { return nil }
        var current: Value?
        do throws(RPCError) {
            current = try await read()
        } catch {
            guard RegistryError(code: error.code)?.status == 404 else { throw error }
        }
        guard allowsWrite(of: current.map { EntityTag.of(encodeJSON($0)) }) else {
            throw .preconditionFailed("the current state is not the one that the request expects")
        }
        return current
    }
}
