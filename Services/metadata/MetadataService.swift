package import Contracts
package import RPC
package import Store

/// Everything that the metadata service answers; one line per method, the work is in `Handlers/`.
package struct MetadataService: MetadataAPI {
    private let store: MetadataStore
    private let providers: ProviderPanel
    private let clock: any WallClock
    private let ids: any IDSource

    package init(store: MetadataStore, providers: ProviderPanel, clock: any WallClock, ids: any IDSource) {
        self.store = store
        self.providers = providers
        self.clock = clock
        self.ids = ids
    }

    package func resolveTitle(_ params: ResolveTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await ResolveTitle(store: store, providers: providers, clock: clock, ids: ids).run(params, context)
    }

    package func getTitle(_ params: GetTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await GetTitle(store: store).run(params, context)
    }

    package func getTitles(_ params: GetTitlesParams, _ context: RPCContext) async throws(RPCError) -> FoundTitles {
        try await GetTitles(store: store).run(params, context)
    }
}
