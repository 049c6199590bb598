package import Contracts
package import RPC

/// Operations on what was watched; one line each, the rules are in scrobble.
extension GatewayService {
    private func watched(
        _ title: TitleID, _ kind: TitleKind, _ specials: Bool?, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        EdgeReply(
            try await clients.scrobble.getWatched(
                GetWatchedParams(
                    user: caller.user, title: title, kind: kind, specials: specials, timeZone: caller.timeZone),
                context.rpc.outgoing()))
    }

    private func mark(
        _ params: MarkWatchedParams, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        var params = params
        params.timeZone = params.timeZone ?? caller.timeZone
        return EdgeReply(
            try await clients.scrobble.markWatched(
                params, context.rpc.outgoing(idempotencyKey: context.once?.key)))
    }

    private func unmark(
        _ title: TitleID, _ kind: TitleKind, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        EdgeReply(
            try await clients.scrobble.unmarkWatched(
                UnmarkWatchedParams(user: caller.user, title: title, kind: kind), context.rpc.outgoing()))
    }

    private func progress(
        _ title: TitleID, _ kind: TitleKind, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        EdgeReply(
            try await clients.scrobble.getProgress(
                GetProgressParams(user: caller.user, title: title, kind: kind), context.rpc.outgoing()))
    }

    private func setProgress(
        _ title: TitleID, _ kind: TitleKind, _ percent: Double, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        EdgeReply(
            try await clients.scrobble.setProgress(
                SetProgressParams(user: caller.user, title: title, kind: kind, percent: percent),
                context.rpc.outgoing()))
    }
}

/// Films.
extension GatewayService {
    package func getMovieWatched(
        _ input: GetMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .movie, nil, caller, context)
    }

    package func markMovieWatched(
        _ input: MarkMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        let body = input.body
        return try await mark(
            MarkWatchedParams(
                user: caller.user, title: input.title, kind: .movie, watchedAt: body.watchedAt,
                watchedOn: body.watchedOn, unknownDate: body.unknownDate, timeZone: body.timeZone),
            caller, context)
    }

    package func unmarkMovieWatched(
        _ input: UnmarkMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        try await unmark(input.title, .movie, caller, context)
    }

    package func getMovieProgress(
        _ input: GetMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await progress(input.title, .movie, caller, context)
    }

    package func setMovieProgress(
        _ input: SetMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await setProgress(input.title, .movie, input.body.percent, caller, context)
    }

    package func clearMovieProgress(
        _ input: ClearMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await setProgress(input.title, .movie, 0, caller, context)
    }
}

/// Shows.
extension GatewayService {
    package func getShowWatched(
        _ input: GetShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .series, input.specials, caller, context)
    }

    package func markShowWatched(
        _ input: MarkShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        let body = input.body
        return try await mark(
            MarkWatchedParams(
                user: caller.user, title: input.title, kind: .series, watchedAt: body.watchedAt,
                watchedOn: body.watchedOn, unknownDate: body.unknownDate, timeZone: body.timeZone,
                specials: body.specials),
            caller, context)
    }

    package func unmarkShowWatched(
        _ input: UnmarkShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        try await unmark(input.title, .series, caller, context)
    }

    package func getShowProgress(
        _ input: GetShowProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .series, input.specials, caller, context)
    }
}

/// Seasons.
extension GatewayService {
    package func getSeasonWatched(
        _ input: GetSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .season, input.specials, caller, context)
    }

    package func markSeasonWatched(
        _ input: MarkSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        let body = input.body
        return try await mark(
            MarkWatchedParams(
                user: caller.user, title: input.title, kind: .season, watchedAt: body.watchedAt,
                watchedOn: body.watchedOn, unknownDate: body.unknownDate, timeZone: body.timeZone,
                specials: body.specials),
            caller, context)
    }

    package func unmarkSeasonWatched(
        _ input: UnmarkSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        try await unmark(input.title, .season, caller, context)
    }

    package func getSeasonProgress(
        _ input: GetSeasonProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .season, input.specials, caller, context)
    }
}

/// Episodes.
extension GatewayService {
    package func getEpisodeWatched(
        _ input: GetEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> {
        try await watched(input.title, .episode, nil, caller, context)
    }

    package func markEpisodeWatched(
        _ input: MarkEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        let body = input.body
        return try await mark(
            MarkWatchedParams(
                user: caller.user, title: input.title, kind: .episode, watchedAt: body.watchedAt,
                watchedOn: body.watchedOn, unknownDate: body.unknownDate, timeZone: body.timeZone, upTo: body.upTo,
                specials: body.specials),
            caller, context)
    }

    package func unmarkEpisodeWatched(
        _ input: UnmarkEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> {
        try await unmark(input.title, .episode, caller, context)
    }

    package func getEpisodeProgress(
        _ input: GetEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await progress(input.title, .episode, caller, context)
    }

    package func setEpisodeProgress(
        _ input: SetEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await setProgress(input.title, .episode, input.body.percent, caller, context)
    }

    package func clearEpisodeProgress(
        _ input: ClearEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> {
        try await setProgress(input.title, .episode, 0, caller, context)
    }
}
