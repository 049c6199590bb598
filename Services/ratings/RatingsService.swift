package import Contracts
package import RPC
package import Store

/// The methods of the ratings service; each is one line, and the work is in `Handlers/`.
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
        try await UnrateTitle(store: store, clock: clock).run(params, context)
    }

    package func getRating(_ params: GetRatingParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        try await GetRating(store: store).run(params, context)
    }

    package func getRatings(_ params: GetRatingsParams, _ context: RPCContext) async throws(RPCError) -> FoundRatings {
        try await GetRatings(store: store).run(params, context)
    }

    package func lookUpRatings(
        _ params: LookUpRatingsParams, _ context: RPCContext
    ) async throws(RPCError) -> RatingsOfPeople {
        try await LookUpRatings(store: store).run(params, context)
    }

    package func listRatings(_ params: ListRatingsParams, _ context: RPCContext) async throws(RPCError) -> RatingsPage {
        try await ListRatings(store: store).run(params, context)
    }

    package func getSummaries(
        _ params: GetSummariesParams, _ context: RPCContext
    ) async throws(RPCError) -> FoundSummaries {
        try await GetSummaries(store: store).run(params, context)
    }

    package func getStatistics(
        _ params: GetStatisticsParams, _ context: RPCContext
    ) async throws(RPCError) -> RatingStatistics {
        try await GetStatistics(store: store).run(params, context)
    }

    package func listTimeline(
        _ params: ListTimelineParams, _ context: RPCContext
    ) async throws(RPCError) -> RatingTimeline {
        try await ListTimeline(store: store).run(params, context)
    }

    package func listChanges(_ params: ListChangesParams, _ context: RPCContext) async throws(RPCError) -> RatingFeed {
        try await ListChanges(store: store).run(params, context)
    }

    package func writeRatings(
        _ params: WriteRatingsParams, _ context: RPCContext
    ) async throws(RPCError) -> WriteOutcomes {
        try await WriteRatings(store: store, clock: clock).run(params, context)
    }

    package func restoreBatch(
        _ params: RestoreBatchParams, _ context: RPCContext
    ) async throws(RPCError) -> RestoredBatch {
        try await RestoreBatch(store: store, clock: clock).run(params, context)
    }

    package func deletePerson(
        _ params: DeletePersonParams, _ context: RPCContext
    ) async throws(RPCError) -> RemovedRatings {
        try await DeletePerson(store: store, clock: clock).run(params, context)
    }

    package func applyRedirects(
        _ params: ApplyRedirectsParams, _ context: RPCContext
    ) async throws(RPCError) -> AppliedRedirects {
        try await ApplyRedirects(store: store, clock: clock).run(params, context)
    }
}
