package import Contracts
package import RPC
package import Store

/// Everything that the scrobble service answers; one line per method, the work is in `Handlers/`.
package struct ScrobbleService: ScrobbleAPI {
    private let store: ScrobbleStore
    private let titles: TitleLookup
    private let clock: any WallClock
    private let ids: any IDSource

    package init(store: ScrobbleStore, titles: TitleLookup, clock: any WallClock, ids: any IDSource) {
        self.store = store
        self.titles = titles
        self.clock = clock
        self.ids = ids
    }

    package func startPlayback(
        _ params: StartPlaybackParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        try await StartPlayback(store: store, titles: titles, clock: clock, ids: ids).run(params, context)
    }

    package func stopPlayback(_ params: StopPlaybackParams, _ context: RPCContext) async throws(RPCError) -> StopOutcome
    {
        try await StopPlayback(store: store, clock: clock, ids: ids).run(params, context)
    }

    package func listHistory(_ params: ListHistoryParams, _ context: RPCContext) async throws(RPCError) -> HistoryPage {
        try await ListHistory(store: store).run(params, context)
    }

    package func deletePerson(
        _ params: DeletePersonParams, _ context: RPCContext
    ) async throws(RPCError) -> PersonDeletion {
        try await DeletePerson(store: store, clock: clock).run(params, context)
    }
}
