import Contracts
import RPC

/// `readTitles`: several titles with external scores, the caller's ratings and states, in three calls for any number.
struct ReadTitles: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ReadTitlesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOverviews> {
        let call = context.rpc.outgoing()
        var seen: Set<TitleID> = []
        let asked = input.body.titles.filter { seen.insert($0).inserted }
        let found = try await metadata.getTitles(GetTitlesParams(titles: asked), call).found
        let titles = Dictionary(found.map { ($0.asked, $0.title) }) { first, _ in first }
        let unknown = asked.filter { titles[$0] == nil }
        guard !titles.isEmpty else { return EdgeReply(TitleOverviews(items: [], unknown: unknown)) }
        // A merged title is rated and watched under the id of the title that it was merged into.
        let ids = Array(Set(titles.values.map(\.id)))
        await ratings.followSoon(found.flatMap(\.moves), call)
        let (rated, states) = await together(
            { () async throws(RPCError) in
                try await ratings.ratings(of: ids, by: caller.user, call)
            },
            { () async throws(RPCError) in
                try await scrobble.getTitleStates(GetTitleStatesParams(user: caller.user, titles: ids), call)
            })
        let mine = Dictionary(try rated.get().map { ($0.title, $0) }) { first, _ in first }
        let standing = Dictionary(try states.get().states.map { ($0.title, $0) }) { first, _ in first }
        let items = asked.compactMap { id in
            titles[id].map { TitleOverview($0, asked: id, rating: mine[$0.id], state: standing[$0.id]) }
        }
        return EdgeReply(TitleOverviews(items: items, unknown: unknown))
    }
}

extension TitleOverview {
    init(_ title: Title, asked: TitleID, rating: Rating?, state: TitleState?) {
        var state = state ?? TitleState(title: title.id, onWatchlist: false, inCollection: false, isLiked: false)
        // Plays belong to episodes, and do not say which season they are of.
        if title.kind == .season { (state.plays, state.lastWatchedAt) = (nil, nil) }
        self.init(
            asked: asked, title: TitleCard(title), series: title.series, seasonNumber: title.seasonNumber,
            episodeNumber: title.episodeNumber, externalIds: title.externalIds,
            externalRatings: title.externalRatings, voteAverage: title.voteAverage, voteCount: title.voteCount,
            myRating: rating, state: state)
    }
}
