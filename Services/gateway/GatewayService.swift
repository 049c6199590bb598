package import Contracts
package import Cryptography
package import RPC
package import Store

/// Everything that the public side answers; one line per operation, the work is in `Handlers/`. Operations that are one
/// internal call are generated.
package struct GatewayService: GatewayAPI {
    package let clients: GatewayClients
    let metadata: MetadataClient
    private let accounts: Accounts

    package init(clients: GatewayClients, metadata: MetadataClient, accounts: Accounts) {
        self.clients = clients
        self.metadata = metadata
        self.accounts = accounts
    }

    package func register(
        _ input: RegisterInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Register(accounts: accounts).run(input, context)
    }

    package func login(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Login(accounts: accounts).run(input, context)
    }

    package func logout(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await Logout(accounts: accounts).run(input, caller, context)
    }

    package func getMe(
        _ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        try await GetMe(accounts: accounts).run(input, caller, context)
    }

    package func resolveMovie(
        _ input: ResolveMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        try await ResolveMovie(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }

    package func getMovie(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> {
        try await GetMovie(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }

    package func listHistory(
        _ input: ListHistoryInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedPage> {
        try await ListHistory(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }
}

/// What everything about accounts needs.
package struct Accounts: Sendable {
    /// How long a session lasts.
    static let sessionLife = Duration.seconds(30 * 24 * 3_600)
    static let sessionPrefix = TokenPrefix("reelay_st_")

    let store: GatewayStore
    let hasher: PasswordHasher
    let clock: any WallClock
    let ids: any IDSource
    /// Whether others than the first person may make an account.
    let isRegistrationOpen: Bool

    package init(
        store: GatewayStore, hasher: PasswordHasher, clock: any WallClock, ids: any IDSource, isRegistrationOpen: Bool
    ) {
        self.store = store
        self.hasher = hasher
        self.clock = clock
        self.ids = ids
        self.isRegistrationOpen = isRegistrationOpen
    }

    /// A new session and the token that opens it.
    func newSession(at now: Timestamp) -> (session: GatewayStore.NewSession, token: OpaqueToken) {
        let token = OpaqueToken(prefix: Self.sessionPrefix)
        let session = GatewayStore.NewSession(
            id: SessionID(ids.next()), tokenDigest: token.digest, expiresAt: now.advanced(by: Self.sessionLife))
        return (session, token)
    }

    /// Who a bearer token belongs to; nil for junk, and for a session that has ended.
    package func caller(
        of token: String, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> EdgeCaller? {
        guard let token = OpaqueToken(presented: Secret(token), prefix: Self.sessionPrefix) else { return nil }
        let owner = try await asking { () throws(StoreError) in
            try await store.session(of: token.digest, at: clock.now, until: deadline)
        }
        return owner.map { EdgeCaller(user: $0.user, credential: $0.session.uuid) }
    }
}

extension PasswordError {
    /// What a caller is told.
    var asRPCError: RPCError {
        switch self {
        case .busy: .overloaded("too many passwords are being checked; try again in a moment")
        case .cancelled: .cancelled("the caller withdrew the call")
        case .tooLong, .containsNUL: .invalidRequest("password: cannot be used")
        case .unavailable: .unavailable("passwords cannot be checked now")
        case .malformedHash: .internal("the service failed; its log says why")
        }
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
