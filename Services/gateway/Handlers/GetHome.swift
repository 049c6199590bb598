import Contracts
import RPC

/// `getHome`: a whole start screen. Five concurrent calls for the rows, and usually two for their titles and ratings,
/// or three while an episode is being watched. Long reviews and recent merges take more: ratings answer in parts, or
/// are told of the merge and asked again (`RatingsClient.ratings`, `completed`).
///
/// A row whose service is unavailable is empty and named, so that one service costs its row and not the screen.
struct GetHome: Sendable {
    /// The number of titles per row if the request does not say.
    static let rowDefault = 20
    /// Half-watched titles and next episodes come as one list, requested this many times as long as a row.
    static let goingOnFactor = 2
    /// The number of calls for the rows.
    static let rowCalls = 5
    /// How long to wait for a row; a screen without it is better than a late one.
    static let patience = Duration.seconds(5)

    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: GetHomeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Home> {
        let limit = input.limit ?? Self.rowDefault
        var rows = try await rows(limit, caller, context)
        let call = context.rpc.outgoing(timeout: Self.patience)
        let ids = rows.titles
        guard !ids.isEmpty else { return EdgeReply(rows.home(HomeTitles())) }
        let (found, rated) = await together(
            { () async throws(RPCError) in try await metadata.getTitles(GetTitlesParams(titles: ids), call) },
            { () async throws(RPCError) in
                try await ratings.ratings(of: ids, by: caller.user, call)
            })
        var titles = HomeTitles()
        let known = try rows.taken(found, .titles)?.found ?? []
        titles.add(known)
        if let mine = try rows.taken(rated, .scores) {
            let all = await outcome { () async throws(RPCError) in
                try await ratings.completed(mine, of: known, by: caller.user, call)
            }
            titles.rate(try rows.taken(all, .scores) ?? mine)
        }
        // A playback session does not say which show it belongs to.
        let shows = rows.playing.compactMap { titles[$0.title]?.series }.filter { titles[$0] == nil }
        if !shows.isEmpty {
            let asked = Array(Set(shows))
            let more = await outcome { () async throws(RPCError) in
                try await metadata.getTitles(
                    GetTitlesParams(titles: asked), context.rpc.outgoing(timeout: Self.patience))
            }
            titles.add(try rows.taken(more, .titles)?.found ?? [])
        }
        return EdgeReply(rows.home(titles))
    }

    private func rows(
        _ limit: Int, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> HomeRows {
        let user = caller.user
        let call = context.rpc.outgoing(timeout: Self.patience)
        async let playing = outcome { () async throws(RPCError) in
            try await scrobble.listPlayback(ListPlaybackParams(user: user), call)
        }
        async let goingOn = outcome { () async throws(RPCError) in
            try await scrobble.listGoingOn(
                ListGoingOnParams(user: user, timeZone: caller.timeZone, limit: limit * Self.goingOnFactor), call)
        }
        async let watched = outcome { () async throws(RPCError) in
            try await scrobble.listHistory(ListHistoryParams(user: user, limit: limit), call)
        }
        async let wanted = outcome { () async throws(RPCError) in
            try await scrobble.listShelf(ListShelfParams(user: user, shelf: .watchlist, limit: limit), call)
        }
        async let rated = outcome { () async throws(RPCError) in
            try await ratings.listRatings(ListRatingsParams(user: user, limit: limit), call)
        }
        let (one, two, three, four, five) = await (playing, goingOn, watched, wanted, rated)
        var rows = HomeRows(limit: limit)
        rows.playing = try rows.taken(one, .nowPlaying)?.sessions ?? []
        let items = try rows.taken(two, .goingOn)?.items ?? []
        rows.halves = Array(items.filter { $0.percent != nil }.prefix(limit))
        rows.nexts = Array(items.filter { $0.percent == nil }.prefix(limit))
        rows.watched = try rows.taken(three, .recentlyWatched)?.plays ?? []
        rows.wanted = try rows.taken(four, .watchlist)?.items ?? []
        rows.rated = try rows.taken(five, .recentlyRated)?.ratings ?? []
        guard rows.unavailable.count < Self.rowCalls else {
            throw .unavailable("no part of the screen is currently available")
        }
        return rows
    }
}
