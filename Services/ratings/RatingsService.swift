package import Contracts
package import RPC
package import Store

/// Everything that the ratings service answers; one line per method, the work is in `Handlers/`.
package struct RatingsService: RatingsAPI {
    private let store: RatingsStore
    private let clock: any WallClock

    package init(store: RatingsStore, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    package func rateTitle(_ params: RateTitleParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        try await RateTitle(store: store, clock: clock).run(params, context)
    }

    package func unrateTitle(_ params: UnrateTitleParams, _ context: RPCContext) async throws(RPCError) -> UnrateOutcome
    {
        try await UnrateTitle(store: store).run(params, context)
    }

    package func getRating(_ params: GetRatingParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        try await GetRating(store: store).run(params, context)
    }

    package func getRatings(_ params: GetRatingsParams, _ context: RPCContext) async throws(RPCError) -> FoundRatings {
        try await GetRatings(store: store).run(params, context)
    }
}
