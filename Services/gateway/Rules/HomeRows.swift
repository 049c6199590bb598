import Contracts
import RPC

/// The rows of a start screen, as the services return them.
struct HomeRows: Sendable {
    /// The maximum number of titles per look-up; the rows of one screen together have fewer.
    static let titlesMax = 500

    let limit: Int
    var playing: [PlaybackSession] = []
    var halves: [GoingOnItem] = []
    var nexts: [GoingOnItem] = []
    var watched: [Play] = []
    var wanted: [KeptTitle] = []
    var rated: [Rating] = []
    private(set) var unavailable: [HomePart] = []

    init(limit: Int) { self.limit = limit }

    /// Every title that the rows show, each once.
    var titles: [TitleID] {
        let goingOn = (halves + nexts).flatMap { [$0.title] + [$0.series].compactMap(\.self) }
        let all = playing.map(\.title) + goingOn + watched.map(\.title) + wanted.map(\.title) + rated.map(\.title)
        return Array(Set(all).prefix(Self.titlesMax))
    }

    /// Returns the answer of a call; nil, and noted, if it failed transiently. Throws every other failure.
    mutating func taken<Answer>(
        _ outcome: Result<Answer, RPCError>, _ part: HomePart
    ) throws(RPCError) -> Answer? {
        switch outcome {
        case .success(let answer): return answer
        case .failure(let error):
            guard error.isRetryable, RegistryError(code: error.code) != .cancelled else { throw error }
            if !unavailable.contains(part) { unavailable.append(part) }
            return nil
        }
    }

    func home(_ titles: HomeTitles) -> Home {
        Home(
            nowPlaying: playing.map { session in
                let title = titles[session.title]
                return PlayingItem(
                    session: session, title: titles.card(session.title, .movie),
                    series: title?.series.map { titles.card($0, .series) }, seasonNumber: title?.seasonNumber,
                    episodeNumber: title?.episodeNumber, externalRatings: titles.world(session.title),
                    myRating: titles.myRating(session.title))
            },
            continueWatching: halves.map { ContinueWatchingItem($0, titles) },
            nextEpisodes: nexts.map { ContinueWatchingItem($0, titles) },
            recentlyWatched: watched.map { play in
                WatchedMovieItem(
                    play: play, title: titles.card(play.title, play.kind), externalRatings: titles.world(play.title),
                    myRating: titles.myRating(play.title))
            },
            watchlist: wanted.map { item in
                ShelvedTitle(
                    title: titles.card(item.title, item.kind), externalRatings: titles.world(item.title),
                    myRating: titles.myRating(item.title), addedAt: item.addedAt, note: item.note, media: item.media,
                    source: item.source)
            },
            recentlyRated: rated.map { rating in
                RatedItem(
                    title: titles.card(rating.title, rating.kind),
                    externalIds: titles[rating.title]?.externalIds ?? ExternalIds(),
                    externalRatings: titles.world(rating.title), rating: rating)
            }, unavailable: unavailable)
    }
}

/// What is known of the titles on a screen.
struct HomeTitles: Sendable {
    private var titles: [TitleID: Title] = [:]
    private var mine: [TitleID: Rating] = [:]

    mutating func add(_ found: [FoundTitle]) {
        for entry in found { titles[entry.asked] = entry.title }
    }

    mutating func rate(_ ratings: [Rating]) {
        for rating in ratings { mine[rating.title] = rating }
    }

    subscript(id: TitleID) -> Title? { titles[id] }

    func card(_ id: TitleID, _ kind: TitleKind) -> TitleCard {
        titles[id].map(TitleCard.init) ?? TitleCard(nothingKnownOf: id, kind)
    }

    func world(_ id: TitleID) -> [ExternalRating] { titles[id]?.externalRatings ?? [] }

    /// A merged title is rated under the id of the title that it was merged into.
    func myRating(_ id: TitleID) -> Rating? { titles[id].flatMap { mine[$0.id] } ?? mine[id] }
}

extension ContinueWatchingItem {
    init(_ item: GoingOnItem, _ titles: HomeTitles) {
        self.init(
            title: titles.card(item.title, item.kind), externalRatings: titles.world(item.title),
            myRating: titles.myRating(item.title), series: item.series.map { titles.card($0, .series) },
            seasonNumber: titles[item.title]?.seasonNumber, episodeNumber: titles[item.title]?.episodeNumber,
            percent: item.percent, at: item.at)
    }
}
