import Contracts
import Postgres
import RPC
import Store

@testable import MetadataService

/// A replica of the service, without the wire.
struct Replica: Sendable {
    let enricher: Enricher
    let demand: DemandBook

    init(
        _ pool: PGPool, _ clients: [any ProviderClient], skipped: [ProviderID] = [],
        gates: [ProviderID: SharedGate] = [:], clock: any WallClock = SystemWallClock()
    ) {
        enricher = Enricher(
            store: MetadataStore(database: Database(pool: pool)),
            providers: ProviderPanel(clients: clients, skipped: skipped, gates: gates), clock: clock,
            ids: SystemIDSource())
        demand = DemandBook(clock: clock)
    }

    var store: MetadataStore { enricher.store }

    static func context(_ limit: Duration = .seconds(20)) -> RPCContext {
        RPCContext(deadline: .now.advanced(by: limit), trace: .root())
    }

    func resolve(_ params: ResolveTitleParams) async throws(RPCError) -> Title {
        try await ResolveTitle(enricher: enricher, demand: demand).run(params, Self.context())
    }

    func resolve(
        _ queries: [TitleQuery], missing: ResolveMissing? = nil, candidates: Int? = nil
    ) async throws(RPCError) -> [ResolvedTitle] {
        try await ResolveTitles(enricher: enricher)
            .run(ResolveTitlesParams(queries: queries, missing: missing, candidates: candidates), Self.context())
            .results
    }

    func get(_ id: TitleID) async throws(RPCError) -> Title {
        try await GetTitle(store: store, demand: demand).run(GetTitleParams(title: id), Self.context())
    }

    func refresh(_ id: TitleID) async throws(RPCError) -> Title {
        try await RefreshTitle(enricher: enricher).run(RefreshTitleParams(title: id), Self.context())
    }

    func children(_ id: TitleID) async throws(RPCError) -> [Title] {
        try await ListChildren(enricher: enricher).run(ListChildrenParams(title: id), Self.context()).children
    }

    func outcomes(_ id: TitleID) async throws(RPCError) -> TitleOutcomes {
        try await GetOutcomes(enricher: enricher).run(GetOutcomesParams(title: id), Self.context())
    }

    func history(_ id: TitleID) async throws(RPCError) -> [ScoreChange] {
        try await GetRatingHistory(store: store).run(GetRatingHistoryParams(title: id), Self.context()).changes
    }

    func search(_ text: String, kind: TitleKind? = nil, year: Int? = nil, hereOnly: Bool? = nil) async throws(RPCError)
        -> TitleSearch
    {
        try await SearchTitles(enricher: enricher)
            .run(SearchTitlesParams(query: text, kind: kind, year: year, hereOnly: hereOnly), Self.context())
    }

    func redirects(after number: Int) async throws(RPCError) -> [TitleRedirect] {
        try await ListRedirects(store: store).run(ListRedirectsParams(after: number), Self.context()).redirects
    }
}
