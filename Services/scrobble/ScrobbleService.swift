package import Contracts
package import RPC
package import Store

/// Everything that the scrobble service answers; one line per method, the work is in `Handlers/`.
package struct ScrobbleService: ScrobbleAPI {
    private let store: ScrobbleStore
    private let playback: PlaybackStore
    private let ledger: LedgerStore
    private let jobs: QueueStore
    private let titles: TitleLookup
    private let queue: QueueWorker
    private let clock: any WallClock
    private let ids: any IDSource

    package init(
        database: Database, titles: TitleLookup, queue: QueueWorker, clock: any WallClock, ids: any IDSource
    ) {
        store = ScrobbleStore(database: database)
        playback = PlaybackStore(database: database, ids: ids)
        ledger = LedgerStore(database: database, ids: ids)
        jobs = QueueStore(database: database)
        self.titles = titles
        self.queue = queue
        self.clock = clock
        self.ids = ids
    }

    private var mover: SittingMover { SittingMover(store: playback, queue: queue, clock: clock) }

    package func startPlayback(
        _ params: StartPlaybackParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        try await StartPlayback(store: playback, titles: titles, queue: queue, clock: clock, ids: ids)
            .run(params, context)
    }

    package func heartbeatPlayback(
        _ params: HeartbeatPlaybackParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        try await HeartbeatPlayback(mover: mover).run(params, context)
    }

    package func pausePlayback(
        _ params: PausePlaybackParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        try await PausePlayback(mover: mover).run(params, context)
    }

    package func resumePlayback(
        _ params: ResumePlaybackParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSession {
        try await ResumePlayback(mover: mover).run(params, context)
    }

    package func stopPlayback(_ params: StopPlaybackParams, _ context: RPCContext) async throws(RPCError) -> StopOutcome
    {
        try await StopPlayback(store: playback, queue: queue, clock: clock).run(params, context)
    }

    package func listPlayback(_ params: ListPlaybackParams, _ context: RPCContext) async throws(RPCError) -> NowPlaying
    {
        try await ListPlayback(store: playback, clock: clock).run(params, context)
    }

    package func getPlaybackSettings(
        _ params: GetPlaybackSettingsParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSettings {
        try await GetPlaybackSettings(store: playback).run(params, context)
    }

    package func setPlaybackSettings(
        _ params: SetPlaybackSettingsParams, _ context: RPCContext
    ) async throws(RPCError) -> PlaybackSettings {
        try await SetPlaybackSettings(store: playback).run(params, context)
    }

    package func addPlay(_ params: AddPlayParams, _ context: RPCContext) async throws(RPCError) -> PlayAdded {
        try await AddPlay(ledger: ledger, titles: titles, queue: queue, clock: clock, ids: ids).run(params, context)
    }

    package func removePlay(_ params: RemovePlayParams, _ context: RPCContext) async throws(RPCError) -> PlayRemoval {
        try await RemovePlay(ledger: ledger, queue: queue, clock: clock).run(params, context)
    }

    package func listJobs(_ params: ListJobsParams, _ context: RPCContext) async throws(RPCError) -> JobPage {
        try await ListJobs(store: jobs).run(params, context)
    }

    package func retryJob(_ params: RetryJobParams, _ context: RPCContext) async throws(RPCError) -> JobChange {
        try await RetryJob(store: jobs, queue: queue).run(params, context)
    }

    package func cancelJob(_ params: CancelJobParams, _ context: RPCContext) async throws(RPCError) -> JobChange {
        try await CancelJob(store: jobs).run(params, context)
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
