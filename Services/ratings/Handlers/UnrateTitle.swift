import Contracts
import RPC
import Store

/// `ratings.unrateTitle`: takes a rating back; taking back none is no error.
struct UnrateTitle: Sendable {
    let store: RatingsStore

    func run(_ params: UnrateTitleParams, _ context: RPCContext) async throws(RPCError) -> UnrateOutcome {
        let removed = try await asking { () throws(StoreError) in
            try await store.remove(params.title, of: params.user, until: context.deadline)
        }
        return UnrateOutcome(removed: removed)
    }
}
