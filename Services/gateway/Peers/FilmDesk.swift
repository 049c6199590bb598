import Contracts
import RPC

/// A film as metadata, ratings and scrobble know it, for a person.
struct FilmFacts: Sendable {
    let title: Title
    let rating: Rating?
    let state: TitleState?
}

/// Films that people look at in the same moment: three calls for all of them.
struct FilmDesk: Sendable {
    /// Films that are asked for together.
    static let filmsMax = 64
    /// The shortest that one who asks for several has left: others, who have longer, share that time.
    static let timeMin = Duration.seconds(5)
    /// The longest that a film waits for what it can be shown without.
    static let besideTimeout = Duration.seconds(3)

    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient
    private let gathering = Gathering<PersonTitle, FilmFacts>(questionsMax: filmsMax)

    init(metadata: MetadataClient, ratings: RatingsClient, scrobble: ScrobbleClient) {
        self.metadata = metadata
        self.ratings = ratings
        self.scrobble = scrobble
    }

    /// The film, where others are asked for at this moment and it is one that nothing was merged into of late; nil where it has
    /// to be asked for by itself. Calls for several belong to the trace of one of them, so that who follows a trace of its own
    /// does without.
    func facts(
        of title: TitleID, for user: UserID, _ context: EdgeContext
    ) async throws(RPCError) -> FilmFacts? {
        guard context.rpc.trace.parentSpanID == nil,
            ContinuousClock.now.duration(to: context.rpc.deadline) > Self.timeMin
        else { return nil }
        let told = await gathering.answer(to: PersonTitle(user: user, title: title)) {
            (wanted) async throws(RPCError) in
            do throws(RPCError) {
                return try await ask(wanted, context)
            } catch {
                // Others find it in their own log line, and from there in those of the services.
                throw error.because("asked for with other films, in trace \(context.rpc.trace.traceID)")
            }
        }
        switch told {
        case .answer(let facts): return facts
        case .nothing: return nil
        case .failure(let error):
            // It was the time of the one who asked that ran out.
            guard error.code == RPCError.Code.deadlineExceeded, context.rpc.deadline > .now else { throw error }
            return nil
        }
    }

    private func ask(
        _ wanted: [PersonTitle], _ context: EdgeContext
    ) async throws(RPCError) -> [PersonTitle: FilmFacts] {
        async let scoring = outcome { () async throws(RPCError) in
            try await ratings.lookUpRatings(LookUpRatingsParams(wanted: wanted), context.rpc.outgoing())
        }
        async let standing = outcome { () async throws(RPCError) in
            try await scrobble.lookUpTitleStates(
                LookUpTitleStatesParams(wanted: wanted), context.rpc.outgoing(timeout: Self.besideTimeout))
        }
        let asked = await outcome { () async throws(RPCError) in
            try await metadata.getTitles(
                GetTitlesParams(titles: Array(Set(wanted.map(\.title)))), context.rpc.outgoing())
        }
        let (rated, known) = await (scoring, standing)
        let titles = Dictionary(try asked.get().found.map { ($0.asked, $0.title) }) { first, _ in first }
        let scores = Dictionary(try rated.get().found.map { ($0.wanted, $0.rating) }) { first, _ in first }
        let states = try Self.states(known)
        var facts: [PersonTitle: FilmFacts] = [:]
        for (index, film) in wanted.enumerated() {
            guard let title = titles[film.title], !title.hasMoves(from: film.title) else { continue }
            let state = states.flatMap { index < $0.count && $0[index].title == film.title ? $0[index] : nil }
            let rating = scores[film].flatMap { $0.title == title.id ? $0 : nil }
            facts[film] = FilmFacts(title: title, rating: rating, state: state)
        }
        return facts
    }

    /// Nil where they cannot be had now: a film is worth showing without.
    private static func states(_ known: Result<StatesOfPeople, RPCError>) throws(RPCError) -> [TitleState]? {
        switch known {
        case .success(let found): return found.states
        case .failure(let error):
            guard error.isMissing else { throw error }
            return nil
        }
    }
}

extension RPCError {
    /// Whether what was asked for cannot be had now, though nobody gave the call up.
    var isMissing: Bool { isRetryable && code != Code.cancelled }
}
