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
    private let hooks: HookStore
    private let hookWorker: HookWorker
    private let hookSecrets: HookSecrets
    private let events: EventStore
    private let eventBell: EventBell
    private let clock: any WallClock
    private let ids: any IDSource

    package init(
        database: Database, titles: TitleLookup, queue: QueueWorker, hooks: HookWorker, secrets: HookSecrets,
        events: EventBell, clock: any WallClock, ids: any IDSource
    ) {
        store = ScrobbleStore(database: database)
        playback = PlaybackStore(database: database, ids: ids)
        ledger = LedgerStore(database: database, ids: ids)
        jobs = QueueStore(database: database)
        self.titles = titles
        self.queue = queue
        self.hooks = HookStore(database: database, ids: ids)
        hookWorker = hooks
        hookSecrets = secrets
        self.events = EventStore(database: database)
        eventBell = events
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

/// Media servers and events.
extension ScrobbleService {
    package func createHook(
        _ params: CreateHookParams, _ context: RPCContext
    ) async throws(RPCError) -> NewHook {
        try await CreateHook(store: hooks, secrets: hookSecrets, clock: clock).run(params, context)
    }

    package func listHooks(
        _ params: ListHooksParams, _ context: RPCContext
    ) async throws(RPCError) -> HookList {
        try await ListHooks(store: hooks).run(params, context)
    }

    package func getHook(
        _ params: GetHookParams, _ context: RPCContext
    ) async throws(RPCError) -> Hook {
        try await GetHook(store: hooks).run(params, context)
    }

    package func updateHook(
        _ params: UpdateHookParams, _ context: RPCContext
    ) async throws(RPCError) -> Hook {
        try await UpdateHook(store: hooks).run(params, context)
    }

    package func rotateHook(
        _ params: RotateHookParams, _ context: RPCContext
    ) async throws(RPCError) -> NewHook {
        try await RotateHook(store: hooks, secrets: hookSecrets, clock: clock).run(params, context)
    }

    package func deleteHook(
        _ params: DeleteHookParams, _ context: RPCContext
    ) async throws(RPCError) -> HookRemoval {
        try await DeleteHook(store: hooks).run(params, context)
    }

    package func listHookAccounts(
        _ params: ListHookAccountsParams, _ context: RPCContext
    ) async throws(RPCError) -> HookAccountList {
        try await ListHookAccounts(store: hooks).run(params, context)
    }

    package func assignHookAccount(
        _ params: AssignHookAccountParams, _ context: RPCContext
    ) async throws(RPCError) -> HookAccount {
        try await AssignHookAccount(store: hooks, worker: hookWorker).run(params, context)
    }

    package func listHookDeliveries(
        _ params: ListHookDeliveriesParams, _ context: RPCContext
    ) async throws(RPCError) -> HookDeliveryList {
        try await ListHookDeliveries(store: hooks).run(params, context)
    }

    package func rerunHookDelivery(
        _ params: RerunHookDeliveryParams, _ context: RPCContext
    ) async throws(RPCError) -> DeliveryRerun {
        try await RerunHookDelivery(store: hooks, worker: hookWorker).run(params, context)
    }

    package func receiveHook(
        _ params: ReceiveHookParams, _ context: RPCContext
    ) async throws(RPCError) -> HookReceipt {
        try await ReceiveHook(store: hooks, secrets: hookSecrets, worker: hookWorker, clock: clock).run(params, context)
    }

    package func events(
        _ params: EventsParams, _ context: RPCContext
    ) async throws(RPCError) -> EventFeed {
        try await Events(store: events, bell: eventBell).run(params, context)
    }

    package func eventsOf(
        _ params: EventsOfParams, _ context: RPCContext
    ) async throws(RPCError) -> EventFeed {
        try await EventsOf(store: events).run(params, context)
    }
}
