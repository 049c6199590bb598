import Contracts
import RPC

/// `getMovie`: a film with its external scores, the caller's rating and the caller's state, requested concurrently and
/// batched with the films that others request at the same moment.
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
        // Requested in this task, so that the largest of the answers is not passed between tasks.
        let asked = await outcome { () async throws(RPCError) in
            try await films.metadata.getTitle(GetTitleParams(title: input.title), call)
        }
        var (rated, known) = await (scoring, standing)
        let title = try asked.get()
        // A merged title is rated and watched under the id of the title that it was merged into.
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

    /// A film is worth showing without it; during an upgrade, an older scrobble may not have the method.
    private func state(_ known: Result<TitleStates, RPCError>) throws(RPCError) -> TitleState? {
        switch known {
        case .success(let found): return found.states.first
        case .failure(let error):
            guard error.isMissing || error.code == RPCError.Code.methodNotFound else { throw error }
            return nil
        }
    }
}
