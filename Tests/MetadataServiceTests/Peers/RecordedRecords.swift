import JSON
import MetadataService

/// Reads any recorded answer with every mapping of its provider: whatever it contains, nothing may throw or crash.
enum RecordedRecords {
    static let jsonProviders = [
        "tmdb", "tvdb", "tvmaze", "omdb", "trakt", "simkl", "anilist", "mal", "kitsu",
    ]

    /// The members of an answer that the provider's client reads; nil if it reads all.
    static func members(_ provider: String) -> JSONSelection? {
        switch provider {
        case "tmdb": TMDbMapping.members
        case "tvdb": TVDbMapping.members
        case "tvmaze": TVmazeMapping.members
        case "omdb": OMDbMapping.members
        case "trakt": TraktMapping.members
        case "letterboxd": LetterboxdMapping.members
        case "simkl": SimklMapping.members
        case "anilist": AniListMapping.members
        case "mal": MyAnimeListMapping.members
        case "kitsu": KitsuMapping.members
        default: nil
        }
    }

    /// Every reading of the answer itself, its rows and what they wrap.
    static func all(_ provider: String, _ value: JSONView) -> [ProviderFacts] {
        let wrapped: [StaticString] = [
            "data", "results", "movie_results", "tv_results", "tv_episode_results", "Search", "items",
        ]
        let outer = [value] + value.array + wrapped.flatMap { [value[$0]] + value[$0].array }
        let inner: [StaticString] = ["show", "movie", "episode", "series", "node", "film", "Media"]
        let rows = outer + outer.flatMap { row in inner.map { row[$0] }.filter { !$0.isNull } }
        return rows.flatMap { read(provider, $0) }
    }

    private static func read(_ provider: String, _ row: JSONView) -> [ProviderFacts] {
        let kinds = [SubjectKind.movie, .series]
        switch provider {
        case "tmdb":
            let mapping = TMDbMapping(fetchedAtMilliseconds: 7)
            return kinds.compactMap { mapping.title(row, kind: $0) }
                + [mapping.season(row, series: 1), mapping.episode(row, series: 1)].compactMap(\.self)
        case "tvdb":
            let mapping = TVDbMapping(fetchedAtMilliseconds: 7)
            return kinds.compactMap { mapping.title(row, kind: $0) }
                + [mapping.season(row, series: SubjectIDs()), mapping.episode(row)].compactMap(\.self)
        case "tvmaze":
            let mapping = TVmazeMapping(fetchedAtMilliseconds: 7)
            return [
                mapping.show(row), mapping.season(row, series: SubjectIDs()),
                mapping.episode(row, series: SubjectIDs()),
            ].compactMap(\.self)
        case "omdb": return [OMDbMapping(fetchedAtMilliseconds: 7).title(row)].compactMap(\.self)
        case "trakt":
            let mapping = TraktMapping(fetchedAtMilliseconds: 7)
            var ratings = ProviderFacts(provider: .trakt, kind: .movie, fetchedAtMilliseconds: 7)
            for reading in mapping.ratings(row) { ratings.add(reading) }
            return kinds.compactMap { mapping.title(row, kind: $0) }
                + [mapping.season(row, series: SubjectIDs()), mapping.episode(row, series: SubjectIDs())]
                .compactMap(\.self) + [ratings]
        case "simkl":
            let mapping = SimklMapping(fetchedAtMilliseconds: 7)
            var ratings = ProviderFacts(provider: .simkl, kind: .series, fetchedAtMilliseconds: 7)
            for reading in mapping.ratings(row) { ratings.add(reading) }
            return kinds.compactMap { mapping.title(row, kind: $0) }
                + [mapping.episode(row, series: SubjectIDs())].compactMap(\.self) + [ratings]
        case "anilist":
            return kinds.compactMap { AniListMapping(fetchedAtMilliseconds: 7).entry(row, as: $0) }
        case "mal": return kinds.compactMap { MyAnimeListMapping(fetchedAtMilliseconds: 7).entry(row, as: $0) }
        case "kitsu": return kinds.compactMap { KitsuMapping(fetchedAtMilliseconds: 7).entry(row, as: $0) }
        default: return []
        }
    }
}
