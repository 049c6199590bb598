import Contracts
import RPC
import Synchronization

/// A film as metadata, ratings and scrobble know it, for one person; parts stay the same objects until there is news.
struct FilmFacts: Sendable {
    let title: Told<Title>
    let rating: Told<Rating?>
    /// Nil if it is unavailable now.
    let state: Told<TitleState>?

    func isSame(as other: FilmFacts) -> Bool {
        title === other.title && rating === other.rating && state === other.state
    }
}

/// Films that people look at in the same moment: three calls for all, which return what is new since the last ones; none
/// if nothing at all was written since.
final class FilmDesk: Sendable {
    /// The maximum number of films requested together.
    static let filmsMax = 64
    /// The shortest time left with which a request is made for several: others, who have longer, share its time.
    static let timeMin = Duration.seconds(5)
    /// The longest that a film waits for what it can be shown without.
    static let besideTimeout = Duration.seconds(3)
    /// The longest that the gateway's database may take to tell its version; the services are called after that.
    static let versionTimeout = Duration.milliseconds(500)

    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient
    private let gathering = Gathering<PersonTitle, FilmFacts>(questionsMax: filmsMax)
    private let book = Mutex(FilmBook())
    private let dataVersion: @Sendable (_ deadline: ContinuousClock.Instant) async -> String?

    /// `dataVersion` returns the version of everything in the gateway's database (`Database.version`). A service that has
    /// another database tells another version, and is called each time.
    init(
        metadata: MetadataClient, ratings: RatingsClient, scrobble: ScrobbleClient,
        dataVersion: @escaping @Sendable (_ deadline: ContinuousClock.Instant) async -> String?
    ) {
        self.metadata = metadata
        self.ratings = ratings
        self.scrobble = scrobble
        self.dataVersion = dataVersion
    }

    /// Returns the film, if nothing at all was written since it was looked up, or if others are requested at this moment
    /// and nothing was merged into it lately; nil if it must be requested by itself. A call for several belongs to the
    /// trace of one of them, so a request that follows a trace of its own is not combined.
    func facts(
        of title: TitleID, for user: UserID, _ context: EdgeContext
    ) async throws(RPCError) -> FilmFacts? {
        guard context.rpc.trace.parentSpanID == nil,
            ContinuousClock.now.duration(to: context.rpc.deadline) > Self.timeMin
        else { return nil }
        let told = await gathering.answer(to: PersonTitle(user: user, title: title)) {
            (wanted, isAlone) async throws(RPCError) in
            let now = ContinuousClock.now
            let known = book.withLock { $0.facts(of: wanted, at: now) }
            if await isCurrent(known, at: now) { return Self.facts(of: wanted, known) }
            guard !isAlone else { return [:] }
            do throws(RPCError) {
                return try await lookUp(wanted, known, at: now, context)
            } catch {
                // The others find this in their own log line, and from there in those of the services.
                throw error.because("requested together with other films, in trace \(context.rpc.trace.traceID)")
            }
        }
        switch told {
        case .answer(let facts): return facts
        case .nothing: return nil
        case .failure(let error):
            // The time that ran out was that of the request that made the call.
            guard error.code == RPCError.Code.deadlineExceeded, context.rpc.deadline > .now else { throw error }
            return nil
        }
    }

    /// Whether all of it was told, and nothing was written since.
    private func isCurrent(_ known: ToldFilms, at now: ContinuousClock.Instant) async -> Bool {
        guard let data = known.data else { return false }
        return await dataVersion(now + Self.versionTimeout) == data
    }

    private func lookUp(
        _ wanted: [PersonTitle], _ known: ToldFilms, at now: ContinuousClock.Instant, _ context: EdgeContext
    ) async throws(RPCError) -> [PersonTitle: FilmFacts] {
        let titles = known.titles
        let (scores, places) = (
            ToldFilms.questions(wanted, known.ratings), ToldFilms.questions(wanted, known.states)
        )
        async let scoring = outcome { () async throws(RPCError) in
            try await ratings.lookUpRatings(LookUpRatingsParams(wanted: scores), context.rpc.outgoing())
        }
        async let standing = outcome { () async throws(RPCError) in
            try await scrobble.lookUpTitleStates(
                LookUpTitleStatesParams(wanted: places), context.rpc.outgoing(timeout: Self.besideTimeout))
        }
        let asked = await outcome { () async throws(RPCError) in
            let wanted = Set(wanted.map(\.title)).map { KnownTitle(title: $0, known: titles[$0]?.version) }
            return try await metadata.lookUpTitles(LookUpTitlesParams(wanted: wanted), context.rpc.outgoing())
        }
        let (rated, states) = await (scoring, standing)
        var told = known
        told.take(try asked.get(), askedAt: now)
        told.take(try rated.get(), to: scores, askedAt: now)
        if let states = try Self.states(states) {
            told.take(states, to: places, askedAt: now)
        } else {
            told.states = ToldPart()
        }
        book.withLock { $0.keep(told) }
        return Self.facts(of: wanted, told)
    }

    private static func facts(of wanted: [PersonTitle], _ told: ToldFilms) -> [PersonTitle: FilmFacts] {
        var facts: [PersonTitle: FilmFacts] = [:]
        facts.reserveCapacity(wanted.count)
        for film in wanted {
            guard let title = told.titles[film.title], !title.value.hasMoves(from: film.title),
                let rated = told.ratings[film]
            else { continue }
            facts[film] = FilmFacts(title: title, rating: rated, state: told.states[film])
        }
        return facts
    }

    /// Returns nil if they are unavailable now: a film is worth showing without.
    private static func states(_ known: Result<StatesOfPeople, RPCError>) throws(RPCError) -> StatesOfPeople? {
        switch known {
        case .success(let found): return found
        case .failure(let error):
            guard error.isMissing else { throw error }
            return nil
        }
    }
}

extension RPCError {
    /// Whether what was requested is unavailable now, and the call was not cancelled.
    var isMissing: Bool { isRetryable && code != Code.cancelled }
}
