package import Contracts
package import RPC
import Store

/// The methods of the metadata service, one line each; the work is done in `Handlers/`.
package struct MetadataService: MetadataAPI {
    private let enricher: Enricher
    private let demand: DemandBook

    init(enricher: Enricher, demand: DemandBook) {
        self.enricher = enricher
        self.demand = demand
    }

    private var store: MetadataStore { enricher.store }

    package func resolveTitle(_ params: ResolveTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await ResolveTitle(enricher: enricher, demand: demand).run(params, context)
    }

    package func getTitle(_ params: GetTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await GetTitle(store: store, demand: demand).run(params, context)
    }

    package func getTitles(_ params: GetTitlesParams, _ context: RPCContext) async throws(RPCError) -> FoundTitles {
        try await GetTitles(store: store, demand: demand).run(params, context)
    }

    package func lookUpTitles(
        _ params: LookUpTitlesParams, _ context: RPCContext
    ) async throws(RPCError) -> VersionedTitles {
        try await LookUpTitles(store: store, demand: demand).run(params, context)
    }

    package func resolveTitles(
        _ params: ResolveTitlesParams, _ context: RPCContext
    ) async throws(RPCError) -> ResolvedTitles {
        try await ResolveTitles(enricher: enricher).run(params, context)
    }

    package func searchTitles(_ params: SearchTitlesParams, _ context: RPCContext) async throws(RPCError) -> TitleSearch
    {
        try await SearchTitles(enricher: enricher).run(params, context)
    }

    package func listChildren(_ params: ListChildrenParams, _ context: RPCContext) async throws(RPCError) -> ChildTitles
    {
        try await ListChildren(enricher: enricher).run(params, context)
    }

    package func refreshTitle(_ params: RefreshTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await RefreshTitle(enricher: enricher).run(params, context)
    }

    package func getOutcomes(_ params: GetOutcomesParams, _ context: RPCContext) async throws(RPCError) -> TitleOutcomes
    {
        try await GetOutcomes(enricher: enricher).run(params, context)
    }

    package func getRatingHistory(
        _ params: GetRatingHistoryParams, _ context: RPCContext
    ) async throws(RPCError) -> RatingHistory {
        try await GetRatingHistory(store: store).run(params, context)
    }

    package func listRedirects(
        _ params: ListRedirectsParams, _ context: RPCContext
    ) async throws(RPCError) -> TitleRedirects {
        try await ListRedirects(store: store).run(params, context)
    }

    package func listSources(_ params: ListSourcesParams, _ context: RPCContext) async throws(RPCError) -> SourceList {
        ListSources(providers: enricher.providers).run(params, context)
    }

    package func checkSources(
        _ params: CheckSourcesParams, _ context: RPCContext
    ) async throws(RPCError) -> SourcesHealth {
        try await CheckSources(enricher: enricher).run(params, context)
    }
}
