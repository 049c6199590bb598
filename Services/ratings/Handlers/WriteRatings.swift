import Contracts
import RPC
import RatingScales
import Store

/// `ratings.writeRatings`: sets and removes many ratings of a person, all or none.
struct WriteRatings: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: WriteRatingsParams, _ context: RPCContext) async throws(RPCError) -> WriteOutcomes {
        let now = clock.now
        let items = params.items.map { item(of: $0, at: now) }
        let request = RatingsStore.Request(
            user: params.user, source: params.source, batch: params.batch, onlyNewer: params.onlyNewer ?? false,
            key: context.idempotencyKey,
            digest: context.idempotencyKey.map { _ in RequestDigest.of(params) },
            earlier: context.idempotencyKey.flatMap { _ in RequestDigest.earlier(params) })
        let answer = try await asking { () throws(StoreError) in
            try await store.change(items, request, at: now, until: context.deadline)
        }
        try answer.refuseFate()
        // As many as the first time, or it is another request.
        guard answer.fate != .replayed || answer.results.count == items.count else {
            throw .idempotencyKeyReused("the idempotency key was used for another request")
        }
        guard answer.results.count == items.count, answer.versions.count == items.count else { throw .noAnswer }
        return WriteOutcomes(
            outcomes: params.items.indices.map { place in
                WriteOutcome(
                    title: params.items[place].title, result: WriteResult(answer.results[place]),
                    version: answer.versions[place])
            })
    }

    private func item(of write: RatingWrite, at now: Timestamp) -> RatingsStore.Item {
        let ratedAt = RatedAt.accepted(write.ratedAt, now: now)
        var item = RatingsStore.Item(
            title: write.title, kind: write.kind, rating: write.rating, review: write.review, spoiler: write.spoiler,
            ratedAt: ratedAt ?? now, given: write.given, play: write.play, expectedVersion: write.expectedVersion)
        if ratedAt == nil { item.refusal = .inFuture }
        if write.refused == true { item.refusal = .invalid }
        if let given = write.given, given.rating != write.rating { item.refusal = .invalid }
        return item
    }
}

extension WriteResult {
    init(_ result: RatingsStore.ItemResult) {
        self =
            switch result {
            case .created: .created
            case .updated: .updated
            case .removed: .removed
            case .same: .same
            case .absent: .absent
            // The current rating is newer than what the caller saw.
            case .older, .mismatch: .older
            case .repeated: .repeated
            case .inFuture: .inFuture
            case .invalid: .invalid
            }
    }
}
