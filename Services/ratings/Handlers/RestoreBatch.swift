import Contracts
import RPC
import Store

/// `ratings.restoreBatch`: restores what a batch has changed, in parts; later edits are kept.
struct RestoreBatch: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: RestoreBatchParams, _ context: RPCContext) async throws(RPCError) -> RestoredBatch {
        var after = 0
        if let cursor = params.cursor {
            guard let version = VersionCursor.version(cursor) else {
                throw .invalidCursor("this cursor does not belong to this batch")
            }
            after = version
        }
        let limit = RatingsLimits.restoreTitlesMax
        let found = try await asking { () throws(StoreError) in
            if try await store.isDeleted(params.user, until: context.deadline) { return [Restorable]?.none }
            return try await store.restorable(
                params.batch, of: params.user, after: after, limit: limit + 1, withReviews: params.dryRun != true,
                until: context.deadline)
        }
        guard let found else { throw .userNotFound("the person was deleted") }
        let part = found.prefix(limit).prefix(while: \.isWhole)
        let verdicts = part.map { $0.verdict(batch: params.batch, undo: params.undo) }
        let chosen = zip(part, verdicts).filter { $0.1 == .restore }.map(\.0)
        var late: Set<TitleID> = []
        if params.dryRun != true, !chosen.isEmpty { late = try await restore(chosen, params, context) }
        var outcome = RestoredBatch(restored: [], kept: [])
        for (title, verdict) in zip(part, verdicts) {
            if verdict == .editedSince || late.contains(title.title) {
                outcome.kept.append(title.title)
            } else {
                outcome.restored.append(title.title)
            }
        }
        if found.count > part.count { outcome.nextCursor = part.last.map { VersionCursor.text($0.version) } }
        return outcome
    }

    /// Restores titles; returns those that were edited between the query and the change.
    private func restore(
        _ titles: [Restorable], _ params: RestoreBatchParams, _ context: RPCContext
    ) async throws(RPCError) -> Set<TitleID> {
        let now = clock.now
        let items = titles.map { title in
            RatingsStore.Item(
                title: title.title, kind: title.kind, rating: title.rating, review: title.review ?? "",
                spoiler: title.spoiler ?? false, ratedAt: title.ratedAt ?? now, given: title.given, play: title.play,
                expectedVersion: title.expectedVersion)
        }
        let request = RatingsStore.Request(user: params.user, source: .undo, batch: params.undo)
        let answer = try await asking { () throws(StoreError) in
            try await store.change(items, request, at: now, until: context.deadline)
        }
        try answer.refuseFate()
        return Set(zip(titles, answer.results).filter { $0.1 == .mismatch }.map(\.0.title))
    }
}
