import Contracts
import RPC

/// `getMovie`: a film with the scores of the world, mine, and what it is to me, all asked at once, and together with the films
/// that others ask for at the same moment.
struct GetMovie: Sendable {
    let films: FilmDesk
    let sheets: FilmSheets

    func run(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeWritten<Movie>> {
        guard let facts = try await films.facts(of: input.title, for: caller.user, context) else {
            return FilmSheets.reply(try await alone(input, caller, context))
        }
        return try sheets.reply(of: PersonTitle(user: caller.user, title: input.title), facts)
    }

    private func alone(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Movie {
        let call = context.rpc.outgoing()
        async let scoring = rating(of: input.title, by: caller.user, context)
        async let standing = states(of: input.title, for: caller.user, context)
        // The largest of the answers is not handed from one task to another.
        let asked = await outcome { () async throws(RPCError) in
            try await films.metadata.getTitle(GetTitleParams(title: input.title), call)
        }
        var (rated, known) = await (scoring, standing)
        let title = try asked.get()
        // A title that was merged into another is rated and watched under the other's id.
        if title.id != input.title {
            async let scoringAgain = rating(of: title.id, by: caller.user, context)
            known = await states(of: title.id, for: caller.user, context)
            rated = await scoringAgain
        }
        var scored = try rated.get().ratings
        if title.hasMoves(from: input.title) {
            scored = try await films.ratings.completed(
                scored, of: [FoundTitle(asked: input.title, title: title)], by: caller.user, call)
        }
        var movie = try Movie(title, rating: scored.first { $0.title == title.id })
        movie.myState = try state(known)
        return movie
    }

    private func rating(
        of title: TitleID, by user: UserID, _ context: EdgeContext
    ) async -> Result<FoundRatings, RPCError> {
        await outcome { () async throws(RPCError) in
            try await films.ratings.getRatings(GetRatingsParams(user: user, titles: [title]), context.rpc.outgoing())
        }
    }

    private func states(
        of title: TitleID, for user: UserID, _ context: EdgeContext
    ) async -> Result<TitleStates, RPCError> {
        await outcome { () async throws(RPCError) in
            try await films.scrobble.getTitleStates(
                GetTitleStatesParams(user: user, titles: [title]), context.rpc.outgoing(timeout: FilmDesk.besideTimeout)
            )
        }
    }

    /// A film is worth showing without it; a scrobble of the previous release, in the middle of an upgrade, cannot be asked for it.
    private func state(_ known: Result<TitleStates, RPCError>) throws(RPCError) -> TitleState? {
        switch known {
        case .success(let found): return found.states.first
        case .failure(let error):
            guard error.isMissing || error.code == RPCError.Code.methodNotFound else { throw error }
            return nil
        }
    }
}
