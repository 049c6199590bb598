package import JSON

/// Something that carries a call to a service and returns its answer; generated clients build on it.
package protocol RPCCaller: Sendable {
    /// Calls `method`; ends no later than the call's deadline. Cancelling the task cancels the call.
    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result
}
