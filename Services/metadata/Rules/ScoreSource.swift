/// Whose opinion an outside score is; a closed enumeration whose raw values are those on the wire.
package enum ScoreSource: String, Sendable, Hashable, CaseIterable {
    case imdb
    case rottenTomatoesCritics = "rotten_tomatoes_critics"
    case rottenTomatoesAudience = "rotten_tomatoes_audience"
    case metacritic, tmdb, tvdb, tvmaze, trakt, letterboxd, simkl, anilist
    case anidbPermanent = "anidb_permanent"
    case anidbTemporary = "anidb_temporary"
    case myanimelist, kitsu

    /// The source's display name.
    package var name: String {
        switch self {
        case .imdb: "IMDb"
        case .rottenTomatoesCritics: "Rotten Tomatoes (Tomatometer)"
        case .rottenTomatoesAudience: "Rotten Tomatoes (Audience)"
        case .metacritic: "Metacritic"
        case .tmdb: "TMDb"
        case .tvdb: "TVDb"
        case .tvmaze: "TVmaze"
        case .trakt: "Trakt"
        case .letterboxd: "Letterboxd"
        case .simkl: "Simkl"
        case .anilist: "AniList"
        case .anidbPermanent: "AniDB (Permanent)"
        case .anidbTemporary: "AniDB (Temporary)"
        case .myanimelist: "MyAnimeList"
        case .kitsu: "Kitsu"
        }
    }

    /// The place in the order in which scores are listed, from 0.
    package var order: Int {
        switch self {
        case .imdb: 0
        case .rottenTomatoesCritics: 1
        case .rottenTomatoesAudience: 2
        case .metacritic: 3
        case .tmdb: 4
        case .tvdb: 5
        case .tvmaze: 6
        case .trakt: 7
        case .letterboxd: 8
        case .simkl: 9
        case .anilist: 10
        case .anidbPermanent: 11
        case .anidbTemporary: 12
        case .myanimelist: 13
        case .kitsu: 14
        }
    }

    /// The provider that publishes this source itself; nil if the source has no API that Reelay asks.
    package var owner: ProviderID? {
        switch self {
        case .imdb, .rottenTomatoesCritics, .rottenTomatoesAudience, .metacritic: nil
        case .tmdb: .tmdb
        case .tvdb: .tvdb
        case .tvmaze: .tvmaze
        case .trakt: .trakt
        case .letterboxd: .letterboxd
        case .simkl: .simkl
        case .anilist: .anilist
        case .anidbPermanent, .anidbTemporary: .anidb
        case .myanimelist: .myanimelist
        case .kitsu: .kitsu
        }
    }

    /// The scale on which the source publishes.
    package var scale: ScoreScale {
        switch self {
        case .imdb, .tmdb, .tvmaze, .trakt, .simkl: ScoreScale(top: 10, shownDecimals: 1, unit: .outOfTop)
        case .anidbPermanent, .anidbTemporary, .myanimelist: ScoreScale(top: 10, shownDecimals: 2, unit: .outOfTop)
        case .letterboxd: ScoreScale(top: 5, shownDecimals: 1, unit: .outOfTop)
        case .metacritic: ScoreScale(top: 100, shownDecimals: 0, unit: .outOfTop)
        case .rottenTomatoesCritics, .rottenTomatoesAudience, .anilist:
            ScoreScale(top: 100, shownDecimals: 0, unit: .percent)
        case .kitsu: ScoreScale(top: 100, shownDecimals: 1, unit: .percent)
        case .tvdb: ScoreScale(top: 0, shownDecimals: 0, unit: .figure)
        }
    }

    /// Whether a native 0 is an opinion; everywhere else the scale starts above 0, and 0 means "no rating".
    package var countsZero: Bool {
        switch self {
        case .rottenTomatoesCritics, .rottenTomatoesAudience, .metacritic: true
        default: false
        }
    }

    /// Returns how far a provider is from this source: 0 the owner, 1 OMDb, 2 Trakt, 3 Simkl, 4 any other.
    package func distance(of provider: ProviderID) -> Int {
        if owner == provider { return 0 }
        switch provider {
        case .omdb: return 1
        case .trakt: return 2
        case .simkl: return 3
        default: return 4
        }
    }
}
