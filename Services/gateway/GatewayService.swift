package import Contracts
internal import Cryptography
package import RPC
internal import Store

/// The public API. Each operation is one line; the work is in `Handlers/`. Operations that map to a single internal
/// call are generated.
package struct GatewayService: GatewayAPI {
    package let clients: GatewayClients
    let metadata: MetadataClient
    let accounts: Accounts
    let once: OnceStore
    let erasure: AccountErasure
    let events: EventRelay
    private let hookAddresses: HookAddresses
    private let films: FilmDesk
    private let sheets = FilmSheets()

    package init(
        clients: GatewayClients, metadata: MetadataClient, accounts: Accounts, once: OnceStore, erasure: AccountErasure,
        events: EventRelay, takesHookAddresses: Bool,
        dataVersion: @escaping @Sendable (_ deadline: ContinuousClock.Instant) async -> String?
    ) {
        self.clients = clients
        self.metadata = metadata
        self.accounts = accounts
        self.once = once
        self.erasure = erasure
        self.events = events
        hookAddresses = HookAddresses(areTaken: takesHookAddresses)
        films = FilmDesk(
            metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, dataVersion: dataVersion)
    }

    package func resolveMovie(
        _ input: ResolveMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        try await ResolveMovie(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }

    package func getMovie(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeWritten<Movie>> {
        try await GetMovie(films: films, sheets: sheets).run(input, caller, context)
    }

    package func listHistory(
        _ input: ListHistoryInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedPage> {
        try await ListHistory(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }
}

/// Whole screens, each in one call.
extension GatewayService {
    package func getHome(
        _ input: GetHomeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Home> {
        try await GetHome(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }

    package func readTitles(
        _ input: ReadTitlesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOverviews> {
        try await ReadTitles(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }
}

/// Uploads of import files; the other operations on imports are generated.
extension GatewayService {
    package func createImport(
        _ input: CreateImportInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Import> {
        try await CreateImport(scrobble: clients.scrobble).run(input, caller, context)
    }
}

extension GatewayService {
    package func exportEverything(
        _ input: ExportEverythingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        try await ExportEverything(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }

    package func exportLetterboxd(
        _ input: ExportLetterboxdInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        try await ExportLetterboxd(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }
}

/// Titles of every kind.
extension GatewayService {
    private var titles: TitleDesk { TitleDesk(metadata: clients.metadata, ratings: clients.ratings) }

    package func getShow(
        _ input: GetShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        try await GetShow(titles: titles).run(input, caller, context)
    }

    package func getSeason(
        _ input: GetSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        try await GetSeason(titles: titles).run(input, caller, context)
    }

    package func getEpisode(
        _ input: GetEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        try await GetEpisode(titles: titles).run(input, caller, context)
    }

    package func refreshMovie(
        _ input: RefreshMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        try await RefreshMovie(titles: titles).run(input, caller, context)
    }

    package func refreshShow(
        _ input: RefreshShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        try await RefreshShow(titles: titles).run(input, caller, context)
    }

    package func refreshSeason(
        _ input: RefreshSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        try await RefreshSeason(titles: titles).run(input, caller, context)
    }

    package func refreshEpisode(
        _ input: RefreshEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        try await RefreshEpisode(titles: titles).run(input, caller, context)
    }

    package func resolveShow(
        _ input: ResolveShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        try await ResolveShow(titles: titles).run(input, caller, context)
    }

    package func resolveSeason(
        _ input: ResolveSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> {
        try await ResolveSeason(titles: titles).run(input, caller, context)
    }

    package func resolveEpisode(
        _ input: ResolveEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> {
        try await ResolveEpisode(titles: titles).run(input, caller, context)
    }

    package func listShowSeasons(
        _ input: ListShowSeasonsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SeasonPage> {
        try await ListShowSeasons(titles: titles).run(input, caller, context)
    }

    package func listSeasonEpisodes(
        _ input: ListSeasonEpisodesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EpisodePage> {
        try await ListSeasonEpisodes(titles: titles).run(input, caller, context)
    }
}

/// Accounts, sessions, keys and invitations.
extension GatewayService {
    package func register(
        _ input: RegisterInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Register(accounts: accounts).run(input, context)
    }

    package func login(
        _ input: LoginInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Login(accounts: accounts).run(input, context)
    }

    package func logout(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await Logout(accounts: accounts).run(input, caller, context)
    }

    package func refresh(
        _ input: RefreshInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Refresh(accounts: accounts).run(input, context)
    }

    package func changePassword(
        _ input: ChangePasswordInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await ChangePassword(accounts: accounts, once: once).run(input, caller, context)
    }

    package func beginSecondFactor(
        _ input: BeginSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SecondFactorSecret> {
        try await BeginSecondFactor(accounts: accounts).run(input, caller, context)
    }

    package func confirmSecondFactor(
        _ input: ConfirmSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RecoveryCodes> {
        try await ConfirmSecondFactor(accounts: accounts, once: once).run(input, caller, context)
    }

    package func removeSecondFactor(
        _ input: RemoveSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await RemoveSecondFactor(accounts: accounts, once: once).run(input, caller, context)
    }

    package func getMe(
        _ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        try await GetMe(accounts: accounts).run(input, caller, context)
    }

    package func updateMe(
        _ input: UpdateMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        try await UpdateMe(accounts: accounts, once: once, scrobble: clients.scrobble).run(input, caller, context)
    }

    package func deleteMe(
        _ input: DeleteMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteMe(accounts: accounts, erasure: erasure).run(input, caller, context)
    }

    package func listSessions(
        _ input: ListSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionList> {
        try await ListSessions(accounts: accounts).run(input, caller, context)
    }

    package func endOtherSessions(
        _ input: EndOtherSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await EndOtherSessions(accounts: accounts).run(input, caller, context)
    }

    package func endSession(
        _ input: EndSessionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await EndSession(accounts: accounts).run(input, caller, context)
    }

    package func listApiKeys(
        _ input: ListApiKeysInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ApiKeyList> {
        try await ListApiKeys(accounts: accounts).run(input, caller, context)
    }

    package func createApiKey(
        _ input: CreateApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewApiKey> {
        try await CreateApiKey(accounts: accounts, once: once).run(input, caller, context)
    }

    package func deleteApiKey(
        _ input: DeleteApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteApiKey(accounts: accounts).run(input, caller, context)
    }

    package func listInvites(
        _ input: ListInvitesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<InviteList> {
        try await ListInvites(accounts: accounts).run(input, caller, context)
    }

    package func createInvite(
        _ input: CreateInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewInvite> {
        try await CreateInvite(accounts: accounts, once: once).run(input, caller, context)
    }

    package func deleteInvite(
        _ input: DeleteInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteInvite(accounts: accounts).run(input, caller, context)
    }
}

/// Playback, media servers and events.
extension GatewayService {
    package func setPlaybackSettings(
        _ input: SetPlaybackSettingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<PlaybackSettings> {
        try await SetPlaybackSettings(scrobble: clients.scrobble).run(input, caller, context)
    }

    /// One internal call each, but the address in the answer is up to the gateway's settings.
    package func createHook(
        _ input: CreateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewHook> {
        try await CreateHook(scrobble: clients.scrobble, addresses: hookAddresses).run(input, caller, context)
    }

    package func rotateHook(
        _ input: RotateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewHook> {
        try await RotateHook(scrobble: clients.scrobble, addresses: hookAddresses).run(input, caller, context)
    }

    private var hookReceiver: ReceiveHook { ReceiveHook(scrobble: clients.scrobble, addresses: hookAddresses) }

    package func deliverHook(
        _ input: DeliverHookInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookReceipt> {
        try await DeliverHook(receive: hookReceiver).run(input, context)
    }

    package func receiveHook(
        _ input: ReceiveHookInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookReceipt> {
        try await hookReceiver.run(input, context)
    }

    package func assignHookAccount(
        _ input: AssignHookAccountInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookAccount> {
        try await AssignHookAccount(accounts: accounts, scrobble: clients.scrobble).run(input, caller, context)
    }

    package func updateHook(
        _ input: UpdateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Hook> {
        try await UpdateHook(scrobble: clients.scrobble).run(input, caller, context)
    }

    package func streamEvents(
        _ input: StreamEventsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        try await StreamEvents(relay: events, scrobble: clients.scrobble)
            .run(input, caller, context)
    }
}
