import Contracts
import RPC
import RatingScales
import Store

/// `ratings.rateTitle`: stores a rating, new or changed.
struct RateTitle: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: RateTitleParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        let now = clock.now
        guard let ratedAt = RatedAt.accepted(params.ratedAt, now: now) else {
            throw .dateInFuture("rated_at is more than five minutes in the future")
        }
        if let given = params.given, given.rating != params.rating {
            throw .invalidParams("params.given: is not equivalent to a rating of \(params.rating)")
        }
        let item = RatingsStore.Item(
            title: params.title, kind: params.kind, rating: params.rating, review: params.review,
            spoiler: params.spoiler, ratedAt: ratedAt, given: params.given, play: params.play,
            expectedVersion: params.expectedVersion)
        let request = RatingsStore.Request(
            user: params.user, source: params.source ?? .person, batch: params.batch, key: context.idempotencyKey,
            digest: context.idempotencyKey.map { _ in RequestDigest.of(params) },
            earlier: context.idempotencyKey.flatMap { _ in RequestDigest.earlier(params) })
        let answer = try await asking { () throws(StoreError) in
            try await store.change(item, request, at: now, until: context.deadline)
        }
        try answer.refuseFate()
        guard answer.results.first != .mismatch else {
            throw .preconditionFailed("the rating is not at version \(params.expectedVersion ?? 0)")
        }
        guard let version = answer.versions.first ?? nil else { throw .noAnswer }
        if answer.fate == .replayed { return try await replay(version, of: params.user, context) }
        guard let title = answer.title, let ratedAt = answer.ratedAt, let updatedAt = answer.updatedAt else {
            throw .noAnswer
        }
        return Rating(
            title: title, kind: params.kind, rating: params.rating, review: answer.review,
            spoiler: answer.spoiler ?? false, ratedAt: ratedAt, updatedAt: updatedAt, source: answer.source,
            given: params.given, play: params.play, version: version)
    }

    /// Returns the answer that was given when the change was made.
    private func replay(
        _ version: Int, of user: UserID, _ context: RPCContext
    ) async throws(RPCError) -> Rating {
        let change = try await asking { () throws(StoreError) in
            try await store.event(version, of: user, until: context.deadline)
        }
        guard let change, let rating = change.rating, let ratedAt = change.ratedAt else { throw .noAnswer }
        return Rating(
            title: change.title, kind: change.kind, rating: rating, review: change.review,
            spoiler: change.spoiler ?? false, ratedAt: ratedAt, updatedAt: change.at, source: change.source,
            given: change.given, play: change.play, version: change.version)
    }
}

extension RatingsStore.Answer {
    /// Throws if the request was refused as a whole.
    func refuseFate() throws(RPCError) {
        switch fate {
        case .done, .replayed: return
        case .reused: throw .idempotencyKeyReused("the idempotency key was used for another request")
        case .gone: throw .userNotFound("the person was deleted")
        }
    }
}

extension RPCError {
    /// The database answered less than its functions promise.
    static var noAnswer: RPCError {
        .internal("the service failed; its log says why").because("a change was stored without an answer")
    }
}
