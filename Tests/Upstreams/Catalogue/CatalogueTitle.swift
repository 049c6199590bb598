package import JSON

/// What kind of thing a catalogue title is.
package enum CatalogueKind: String, Sendable {
    case movie, series, game
}

/// How the outside world rates a title; nil is "no rating".
package struct CatalogueRatings: Sendable {
    /// TMDb's mean, 0 to 10 with up to three decimals, and its votes.
    package var tmdb: (average: String, votes: Int)?
    /// IMDb's mean with one decimal, and its votes.
    package var imdb: (average: String, votes: Int)?
    /// Tomatometer in percent.
    package var tomatoes: Int?
    /// Metascore, 0 to 100.
    package var metacritic: Int?

    package init(
        tmdb: (average: String, votes: Int)? = nil, imdb: (average: String, votes: Int)? = nil, tomatoes: Int? = nil,
        metacritic: Int? = nil
    ) {
        self.tmdb = tmdb
        self.imdb = imdb
        self.tomatoes = tomatoes
        self.metacritic = metacritic
    }
}

/// Peculiarities of real records that a title shows.
package enum CatalogueQuirk: Sendable {
    /// OMDb does not have it.
    case absentAtOMDb
    /// TMDb does not know its IMDb id.
    case withoutIMDbAtTMDb
    /// OMDb's record dates from before the `Ratings` array.
    case withoutRatingsArray
    /// TMDb's `episode_run_time` is empty.
    case withoutRunTimeAtTMDb
}

/// One invented title, from which every emulated provider writes its own payload.
package struct CatalogueTitle: Sendable {
    package var kind = CatalogueKind.movie
    package let name: String
    package var originalName: String?
    /// The original name in Latin letters.
    package var romaji: String?
    /// ISO 639-1.
    package var language = "en"
    /// ISO 3166-1.
    package var country = "US"
    package var imdb: String?
    /// Nil where TMDb does not have it. Films and series count apart.
    package var tmdb: Int?
    package var tvdb: Int?
    /// "1999-03-31", or "" where it is not known.
    package var released = ""
    /// Last day of a series that ended.
    package var ended: String?
    package var overview = ""
    /// 0 where it is not known.
    package var runtimeMinutes = 0
    package var genres: [CatalogueGenre] = []
    /// Certification in the United States.
    package var certification: String?
    package var director: String?
    package var ratings = CatalogueRatings()
    package var seasons: [CatalogueSeason] = []
    package var quirks: Set<CatalogueQuirk> = []

    package init(_ name: String, change: (inout CatalogueTitle) -> Void) {
        self.name = name
        change(&self)
    }

    /// "1999", or nil.
    package var year: Int? { Int(released.prefix(4)) }

    /// Whether the places for anime have it.
    package var isAnime: Bool { genres.contains(.animation) && language == "ja" }

    package var regularSeasons: [CatalogueSeason] { seasons.filter { $0.number > 0 } }

    package var json: JSONValue {
        .members([
            "kind": .string(kind.rawValue), "name": .string(name), "year": .whole(year), "imdb": .text(imdb),
            "tmdb": .whole(tmdb), "tvdb": .whole(tvdb), "tvmaze": .whole(tvmaze), "trakt": .whole(trakt),
            "letterboxd": .text(letterboxd), "simkl": .whole(simkl),
            "entries": .array(
                CatalogueEntry.entries(of: self).map {
                    .members([
                        "season": .whole($0.season), "anilist": .whole($0.anilist), "anidb": .whole($0.anidb),
                        "myanimelist": .whole($0.myanimelist), "kitsu": .whole($0.kitsu),
                    ])
                }),
            "seasons": .array(
                seasons.map { .members(["number": .whole($0.number), "episodes": .whole($0.episodes.count)]) }),
        ])
    }
}

/// A season of an invented series.
package struct CatalogueSeason: Sendable {
    /// 0 holds the specials.
    package let number: Int
    package let name: String
    package let released: String
    package let episodes: [CatalogueEpisode]
}

/// An episode of an invented series.
package struct CatalogueEpisode: Sendable {
    package let season: Int
    package let number: Int
    package let name: String
    package let overview: String
    package let released: String
    package let runtimeMinutes: Int
    package let imdb: String
    package let tmdb: Int
    package let tvdb: Int
    package let ratings: CatalogueRatings
}

/// A genre as the providers call it.
package enum CatalogueGenre: Int, Sendable {
    case action = 28
    case adventure = 12
    case animation = 16
    case comedy = 35
    case crime = 80
    case documentary = 99
    case drama = 18
    case family = 10751
    case fantasy = 14
    case horror = 27
    case mystery = 9648
    case romance = 10749
    case scienceFiction = 878
    case thriller = 53
    case war = 10752

    /// TMDb's name.
    package var name: String {
        switch self {
        case .action: "Action"
        case .adventure: "Adventure"
        case .animation: "Animation"
        case .comedy: "Comedy"
        case .crime: "Crime"
        case .documentary: "Documentary"
        case .drama: "Drama"
        case .family: "Family"
        case .fantasy: "Fantasy"
        case .horror: "Horror"
        case .mystery: "Mystery"
        case .romance: "Romance"
        case .scienceFiction: "Science Fiction"
        case .thriller: "Thriller"
        case .war: "War"
        }
    }
}
