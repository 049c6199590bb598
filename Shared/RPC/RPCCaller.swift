package import JSON

/// Something that carries a call to a service and brings its answer; generated clients are written on it.
package protocol RPCCaller: Sendable {
    /// Calls `method`; ends at the call's deadline at the latest. Cancelling the task gives the call up.
    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result
}
