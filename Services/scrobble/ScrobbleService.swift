package import Contracts
package import RPC
package import Store

/// The services that scrobble calls.
package struct ScrobblePeers: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    package init(metadata: MetadataClient, ratings: RatingsClient) {
        self.metadata = metadata
        self.ratings = ratings
    }
}

/// The RPC methods of the scrobble service. Each forwards to its handler in `Handlers/`.
package struct ScrobbleService: ScrobbleAPI {
    private let store: ScrobbleStore
    private let playback: PlaybackStore
    private let ledger: LedgerStore
    private let jobs: QueueStore
    private let shelves: ShelfStore
    private let lists: ListStore
    private let batches: BatchStore
    private let watch: WatchStore
    private let guide: EpisodeGuide
    private let undoing: BatchUndo
    private let imports: ImportWorker.Tools
    private let importer: ImportWorker
    private let titles: TitleLookup
    private let once: OnceUnderKey
    let queue: QueueWorker
    private let hooks: HookStore
    private let hookWorker: HookWorker
    private let hookSecrets: HookSecrets
    private let events: EventStore
    private let eventBell: EventBell
    let connections: ConnectionStore
    let trakt: TraktAccount?
    let simkl: SimklAccount?
    private let syncs: SyncStore
    private let syncWorker: SyncWorker?
    let clock: any WallClock
    private let ids: any IDSource

    package init(
        database: Database, peers: ScrobblePeers, queue: QueueWorker, hooks: HookWorker, secrets: HookSecrets,
        events: EventBell, imports: ImportWorker.Tools, importer: ImportWorker, connections: ConnectionStore,
        trakt: TraktAccount?, simkl: SimklAccount?, syncs: SyncStore, syncWorker: SyncWorker?, clock: any WallClock,
        ids: any IDSource
    ) {
        store = ScrobbleStore(database: database)
        playback = PlaybackStore(database: database, ids: ids)
        ledger = LedgerStore(database: database, ids: ids)
        jobs = QueueStore(database: database)
        shelves = ShelfStore(database: database)
        lists = ListStore(database: database, ids: ids)
        batches = BatchStore(database: database, ids: ids)
        watch = WatchStore(database: database)
        guide = EpisodeGuide(
            metadata: peers.metadata, refs: TitleRefStore(database: database), clock: clock)
        let syncUndo = SyncUndo(store: syncs, clock: clock, ids: ids)
        undoing = BatchUndo(batches: batches, ratings: peers.ratings, syncs: syncUndo, clock: clock)
        titles = TitleLookup(metadata: peers.metadata)
        once = OnceUnderKey(keys: KeyStore(database: database), clock: clock)
        self.imports = imports
        self.importer = importer
        self.queue = queue
        self.hooks = HookStore(database: database, ids: ids)
        hookWorker = hooks
        hookSecrets = secrets
        self.events = EventStore(database: database)
        eventBell = events
        self.connections = connections
        self.trakt = trakt
        self.simkl = simkl
        self.syncs = syncs
        self.syncWorker = syncWorker
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
        let add = AddPlay(ledger: ledger, titles: titles, queue: queue, clock: clock, ids: ids)
        return try await once.run("addPlay", of: params.user, params, context) { (call) throws(RPCError) in
            try await add.run(params, call, context)
        }
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

    package func listPlays(_ params: ListPlaysParams, _ context: RPCContext) async throws(RPCError) -> PlayRecords {
        try await ListPlays(store: store).run(params, context)
    }

    package func listProgress(
        _ params: ListProgressParams, _ context: RPCContext
    ) async throws(RPCError) -> ProgressPage {
        try await ListProgress(shelves: shelves).run(params, context)
    }

    package func setTimeZone(
        _ params: SetTimeZoneParams, _ context: RPCContext
    ) async throws(RPCError) -> TimeZoneChange {
        try await SetTimeZone(desk: desk, store: hooks).run(params, context)
    }

    package func deletePerson(
        _ params: DeletePersonParams, _ context: RPCContext
    ) async throws(RPCError) -> PersonDeletion {
        try await DeletePerson(store: store, account: trakt, simkl: simkl, clock: clock).run(params, context)
    }
}

/// Syncs.
extension ScrobbleService {
    package func startSync(_ params: StartSyncParams, _ context: RPCContext) async throws(RPCError) -> SyncStart {
        try await StartSync(store: syncs, worker: syncWorker, clock: clock).run(params, context)
    }

    package func listRuns(_ params: ListRunsParams, _ context: RPCContext) async throws(RPCError) -> SyncRunPage {
        try await ListRuns(store: syncs).run(params, context)
    }

    package func getRun(_ params: GetRunParams, _ context: RPCContext) async throws(RPCError) -> SyncRunDetail {
        try await GetRun(store: syncs).run(params, context)
    }

    package func listConflicts(
        _ params: ListConflictsParams, _ context: RPCContext
    ) async throws(RPCError) -> SyncConflictPage {
        try await ListConflicts(store: syncs).run(params, context)
    }

    package func resolveConflict(
        _ params: ResolveConflictParams, _ context: RPCContext
    ) async throws(RPCError) -> JobChange {
        try await ResolveConflict(store: syncs, worker: syncWorker, clock: clock).run(params, context)
    }
}

/// Media servers and events.
extension ScrobbleService {
    package func createHook(
        _ params: CreateHookParams, _ context: RPCContext
    ) async throws(RPCError) -> NewHook {
        try await once.runUnkept("createHook", of: params.user, params, context) { () throws(RPCError) in
            try await CreateHook(store: hooks, secrets: hookSecrets, clock: clock).run(params, context)
        }
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
        try await once.runUnkept("rotateHook", of: params.user, params, context) { () throws(RPCError) in
            try await RotateHook(store: hooks, secrets: hookSecrets, clock: clock).run(params, context)
        }
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

/// What follows from plays, and what a person keeps.
extension ScrobbleService {
    private var desk: WatchDesk {
        WatchDesk(titles: titles, guide: guide, watch: watch, ledger: ledger, clock: clock)
    }

    package func editPlay(_ params: EditPlayParams, _ context: RPCContext) async throws(RPCError) -> Play {
        try await EditPlay(ledger: ledger, queue: queue, clock: clock).run(params, context)
    }

    package func getPlays(_ params: GetPlaysParams, _ context: RPCContext) async throws(RPCError) -> FoundPlays {
        try await GetPlays(store: store).run(params, context)
    }

    package func getWatched(_ params: GetWatchedParams, _ context: RPCContext) async throws(RPCError) -> WatchedState {
        try await GetWatched(desk: desk).run(params, context)
    }

    package func markWatched(_ params: MarkWatchedParams, _ context: RPCContext) async throws(RPCError) -> WatchedChange
    {
        let mark = MarkWatched(desk: desk, batches: batches, queue: queue, ids: ids)
        return try await once.run("markWatched", of: params.user, params, context) { (call) throws(RPCError) in
            try await mark.run(params, call, context)
        }
    }

    package func unmarkWatched(_ params: UnmarkWatchedParams, _ context: RPCContext) async throws(RPCError)
        -> WatchedChange
    {
        try await UnmarkWatched(desk: desk, queue: queue).run(params, context)
    }

    package func getProgress(_ params: GetProgressParams, _ context: RPCContext) async throws(RPCError) -> TitleProgress
    {
        try await GetProgress(desk: desk).run(params, context)
    }

    package func getTitleStates(
        _ params: GetTitleStatesParams, _ context: RPCContext
    ) async throws(RPCError) -> TitleStates {
        try await GetTitleStates(watch: desk.watch).run(params, context)
    }

    package func lookUpTitleStates(
        _ params: LookUpTitleStatesParams, _ context: RPCContext
    ) async throws(RPCError) -> StatesOfPeople {
        try await LookUpTitleStates(watch: desk.watch).run(params, context)
    }

    package func setProgress(_ params: SetProgressParams, _ context: RPCContext) async throws(RPCError) -> TitleProgress
    {
        try await SetProgress(desk: desk, shelves: shelves).run(params, context)
    }

    package func listGoingOn(_ params: ListGoingOnParams, _ context: RPCContext) async throws(RPCError) -> GoingOnList {
        try await ListGoingOn(desk: desk).run(params, context)
    }

    package func listShelf(_ params: ListShelfParams, _ context: RPCContext) async throws(RPCError) -> ShelfPage {
        try await ListShelf(shelves: shelves).run(params, context)
    }

    package func putOnShelf(_ params: PutOnShelfParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes
    {
        try await PutOnShelf(shelves: shelves, clock: clock).run(params, context)
    }

    package func takeOffShelf(_ params: TakeOffShelfParams, _ context: RPCContext) async throws(RPCError)
        -> LedgerOutcomes
    {
        try await TakeOffShelf(shelves: shelves, clock: clock).run(params, context)
    }
}

/// Lists.
extension ScrobbleService {
    package func createList(_ params: CreateListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        try await once.run("createList", of: params.user, params, context) { (_) throws(RPCError) in
            try await CreateList(lists: lists, clock: clock, ids: ids).run(params, context)
        }
    }

    package func listLists(_ params: ListListsParams, _ context: RPCContext) async throws(RPCError) -> TitleListPage {
        try await ListLists(lists: lists).run(params, context)
    }

    package func getList(_ params: GetListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        try await GetList(lists: lists).run(params, context)
    }

    package func editList(_ params: EditListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        try await EditList(lists: lists, clock: clock).run(params, context)
    }

    package func deleteList(_ params: DeleteListParams, _ context: RPCContext) async throws(RPCError) -> LedgerRemoval {
        try await DeleteList(lists: lists, clock: clock).run(params, context)
    }

    package func listListItems(_ params: ListListItemsParams, _ context: RPCContext) async throws(RPCError)
        -> ListItemPage
    {
        try await ListListItems(lists: lists).run(params, context)
    }

    package func putListItems(_ params: PutListItemsParams, _ context: RPCContext) async throws(RPCError)
        -> LedgerOutcomes
    {
        try await PutListItems(lists: lists, clock: clock).run(params, context)
    }

    package func takeListItems(_ params: TakeListItemsParams, _ context: RPCContext) async throws(RPCError)
        -> LedgerOutcomes
    {
        try await TakeListItems(lists: lists, clock: clock).run(params, context)
    }

    package func moveListItems(_ params: MoveListItemsParams, _ context: RPCContext) async throws(RPCError) -> TitleList
    {
        try await MoveListItems(lists: lists, clock: clock).run(params, context)
    }
}

/// Batches.
extension ScrobbleService {
    package func listBatches(_ params: ListBatchesParams, _ context: RPCContext) async throws(RPCError) -> BatchPage {
        try await ListBatches(batches: batches).run(params, context)
    }

    package func previewUndo(_ params: PreviewUndoParams, _ context: RPCContext) async throws(RPCError) -> UndoReport {
        try await PreviewUndo(undoing: undoing).run(params, context)
    }

    package func undoBatch(_ params: UndoBatchParams, _ context: RPCContext) async throws(RPCError) -> UndoReport {
        try await UndoBatch(undoing: undoing, queue: queue).run(params, context)
    }
}

/// What people export.
extension ScrobbleService {
    package func listDiary(_ params: ListDiaryParams, _ context: RPCContext) async throws(RPCError) -> DiaryPage {
        try await ListDiary(store: store).run(params, context)
    }
}

/// Files that people import.
extension ScrobbleService {
    package func createImport(_ params: CreateImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        try await CreateImport(store: imports.store, ledger: ledger, clock: clock, ids: ids).run(params, context)
    }

    package func putImportChunk(
        _ params: PutImportChunkParams, _ context: RPCContext
    ) async throws(RPCError) -> ImportReceived {
        try await PutImportChunk(store: imports.store).run(params, context)
    }

    package func finishUpload(_ params: FinishUploadParams, _ context: RPCContext) async throws(RPCError) -> Import {
        try await FinishUpload(store: imports.store, spool: imports.spool, worker: importer, clock: clock)
            .run(params, context)
    }

    package func getImport(_ params: GetImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        try await GetImport(store: imports.store).run(params, context)
    }

    package func listImports(_ params: ListImportsParams, _ context: RPCContext) async throws(RPCError) -> ImportPage {
        try await ListImports(store: imports.store).run(params, context)
    }

    package func listImportRows(
        _ params: ListImportRowsParams, _ context: RPCContext
    ) async throws(RPCError) -> ImportRowPage {
        try await ListImportRows(store: imports.store, candidates: RowCandidates(titles: titles)).run(params, context)
    }

    package func setImportFileKind(
        _ params: SetImportFileKindParams, _ context: RPCContext
    ) async throws(RPCError) -> ImportFileKindSet {
        try await SetImportFileKind(store: imports.store, worker: importer, clock: clock).run(params, context)
    }

    package func correctImport(_ params: CorrectImportParams, _ context: RPCContext) async throws(RPCError) -> ImportRow
    {
        try await CorrectImport(store: imports.store, titles: titles, worker: importer, clock: clock)
            .run(params, context)
    }

    package func applyImport(_ params: ApplyImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        try await ApplyImport(store: imports.store, worker: importer, clock: clock, ids: ids).run(params, context)
    }

    package func cancelImport(_ params: CancelImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        try await CancelImport(store: imports.store, clock: clock).run(params, context)
    }
}
