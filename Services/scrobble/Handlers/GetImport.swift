import Contracts
import RPC
import Store

/// `scrobble.getImport`: the progress of an import, at once or when it comes to rest.
struct GetImport: Sendable {
    let store: ImportStore

    func run(_ params: GetImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        let limit = min(ContinuousClock.now + store.limits.waitMax, context.deadline - .seconds(1))
        while true {
            let found = try await asking { () throws(StoreError) in
                try await store.get(params.import, of: params.user, until: context.deadline)
            }
            guard let found else { throw .importNotFound("there is no such import") }
            guard params.wait == true, found.state.isUnderWay, ContinuousClock.now < limit else { return found }
            do {
                try await Task.sleep(for: store.limits.waitInterval)
            } catch {
                throw .cancelled("the caller cancelled the call")
            }
        }
    }
}

extension ImportState {
    /// Whether the import goes on without a decision by anybody.
    var isUnderWay: Bool {
        switch self {
        case .reading, .matching, .judging, .applying: true
        case .receiving, .waiting, .ready, .applied, .cancelled, .failed: false
        }
    }
}
