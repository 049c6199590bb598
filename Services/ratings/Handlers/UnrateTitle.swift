import Contracts
import RPC
import Store

/// `ratings.unrateTitle`: removes a rating; removing none is no error.
struct UnrateTitle: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: UnrateTitleParams, _ context: RPCContext) async throws(RPCError) -> UnrateOutcome {
        let now = clock.now
        let item = RatingsStore.Item(title: params.title, ratedAt: now, expectedVersion: params.expectedVersion)
        let request = RatingsStore.Request(
            user: params.user, source: params.source ?? .person, batch: params.batch, key: context.idempotencyKey,
            digest: context.idempotencyKey.map { _ in RequestDigest.of(params) })
        let answer = try await asking { () throws(StoreError) in
            try await store.change(item, request, at: now, until: context.deadline)
        }
        try answer.refuseFate()
        guard answer.results.first != .mismatch else {
            throw .preconditionFailed("the rating is not at version \(params.expectedVersion ?? 0)")
        }
        return UnrateOutcome(removed: answer.results.first == .removed)
    }
}
