package import JSON

/// The kind of a catalogue title.
package enum CatalogueKind: String, Sendable {
    case movie, series, game
}

/// The ratings of a title at each source; nil means no rating.
package struct CatalogueRatings: Sendable {
    /// TMDb's mean, from 0 to 10 with up to three decimals, and its votes.
    package var tmdb: (average: String, votes: Int)?
    /// IMDb's mean with one decimal, and its votes.
    package var imdb: (average: String, votes: Int)?
    /// The Tomatometer, in percent.
    package var tomatoes: Int?
    /// The Metascore, from 0 to 100.
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

/// Peculiarities of real records that a title reproduces.
package enum CatalogueQuirk: Sendable {
    /// OMDb does not have the title.
    case absentAtOMDb
    /// TMDb does not know its IMDb id.
    case withoutIMDbAtTMDb
    /// OMDb's record dates from before the `Ratings` array.
    case withoutRatingsArray
    /// TMDb's `episode_run_time` is empty.
    case withoutRunTimeAtTMDb
}

/// One invented title, from which every emulated provider builds its own payload.
package struct CatalogueTitle: Sendable {
    package var kind = CatalogueKind.movie
    package let name: String
    package var originalName: String?
    /// The original name in Latin script.
    package var romaji: String?
    /// An ISO 639-1 code.
    package var language = "en"
    /// An ISO 3166-1 code.
    package var country = "US"
    package var imdb: String?
    /// TMDb's id; nil where TMDb does not have the title. Films and series are numbered separately.
    package var tmdb: Int?
    package var tvdb: Int?
    /// A date such as "1999-03-31"; "" if unknown.
    package var released = ""
    /// The last day of a series that has ended.
    package var ended: String?
    package var overview = ""
    /// The running time in minutes; 0 if unknown.
    package var runtimeMinutes = 0
    package var genres: [CatalogueGenre] = []
    /// The certification in the United States.
    package var certification: String?
    package var director: String?
    package var ratings = CatalogueRatings()
    package var seasons: [CatalogueSeason] = []
    package var quirks: Set<CatalogueQuirk> = []

    package init(_ name: String, change: (inout CatalogueTitle) -> Void) {
        self.name = name
        change(&self)
    }

    /// The year of release, such as 1999; nil if unknown.
    package var year: Int? { Int(released.prefix(4)) }

    /// Whether the anime providers have the title.
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
    /// The number of the season; 0 is the specials.
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

/// A genre, as the providers have it.
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
