/// All invented titles, shared by every emulated provider.
package struct Catalogue: Sendable {
    package let titles: [CatalogueTitle]
    /// The entries at the anime providers, one for each season of a series.
    package let entries: [CatalogueEntry]
    private let byIMDb: [String: Int]
    private let byTMDb: [CatalogueKind: [Int: Int]]
    private let byTVDb: [CatalogueKind: [Int: Int]]
    private let byNumber: [Int: Int]
    private let entriesByNumber: [Int: Int]
    private let episodesByIMDb: [String: (title: Int, season: Int, place: Int)]
    private let titleNames: NameIndex
    private let entryNames: NameIndex

    package init(titles: [CatalogueTitle]) {
        self.titles = titles
        entries = titles.flatMap { CatalogueEntry.entries(of: $0) }
        let indices = titles.indices
        byIMDb = Self.index(indices) { titles[$0].imdb }
        byNumber = Self.index(indices) { titles[$0].number }
        byTMDb = Dictionary(grouping: indices) { titles[$0].kind }.mapValues { Self.index($0) { titles[$0].tmdb } }
        byTVDb = Dictionary(grouping: indices) { titles[$0].kind }.mapValues { Self.index($0) { titles[$0].tvdb } }
        let entries = entries
        entriesByNumber = Self.index(entries.indices) { entries[$0].number }
        var episodes: [String: (title: Int, season: Int, place: Int)] = [:]
        for title in indices {
            for (season, list) in titles[title].seasons.enumerated() {
                for (place, episode) in list.episodes.enumerated() { episodes[episode.imdb] = (title, season, place) }
            }
        }
        episodesByIMDb = episodes
        titleNames = NameIndex(titles.map { [$0.name, $0.originalName ?? "", $0.romaji ?? ""].map(Self.words) })
        entryNames = NameIndex(entries.map { $0.names.map(Self.words) })
    }

    private static func index<Key: Hashable>(_ indices: some Sequence<Int>, _ key: (Int) -> Key?) -> [Key: Int] {
        Dictionary(indices.compactMap { index in key(index).map { ($0, index) } }) { first, _ in first }
    }

    /// The titles that come with the emulators.
    package static let standard = Catalogue(titles: films + series + anime)

    /// The standard titles, `count` generated ones that all eleven providers have, and `more`.
    package static func standard(adding count: Int, and more: [CatalogueTitle] = []) -> Catalogue {
        Catalogue(titles: films + series + anime + (0..<max(count, 0)).map { generated($0) } + more)
    }

    package func title(imdb: String) -> CatalogueTitle? { byIMDb[imdb].map { titles[$0] } }

    package func title(_ kind: CatalogueKind, tmdb: Int) -> CatalogueTitle? { byTMDb[kind]?[tmdb].map { titles[$0] } }

    package func title(_ kind: CatalogueKind, tvdb: Int) -> CatalogueTitle? { byTVDb[kind]?[tvdb].map { titles[$0] } }

    /// The title with this number, from which the ids of several providers are derived.
    package func title(number: Int) -> CatalogueTitle? { byNumber[number].map { titles[$0] } }

    package func entry(number: Int) -> CatalogueEntry? { entriesByNumber[number].map { entries[$0] } }

    /// The episode with this IMDb id, and its series.
    package func episode(imdb: String) -> (series: CatalogueTitle, episode: CatalogueEpisode)? {
        episodesByIMDb[imdb].map { place in
            (titles[place.title], titles[place.title].seasons[place.season].episodes[place.place])
        }
    }

    /// The entries with a name in which each word of the query begins a word.
    package func searchEntries(_ query: String) -> [CatalogueEntry] {
        entryNames.places(holding: Self.words(query)).map { entries[$0] }
    }

    /// The titles with a name in which each word of the query begins a word; exact names first, then by votes.
    package func search(_ query: String, kinds: Set<CatalogueKind>) -> [CatalogueTitle] {
        let words = Self.words(query)
        guard !words.isEmpty else { return [] }
        let wanted = words.joined(separator: " ")
        return titleNames.places(holding: words).map { titles[$0] }.filter { kinds.contains($0.kind) }.sorted {
            first, second in
            let firstExact = Self.words(first.name).joined(separator: " ") == wanted
            let secondExact = Self.words(second.name).joined(separator: " ") == wanted
            if firstExact != secondExact { return firstExact }
            return (first.ratings.tmdb?.votes ?? 0) > (second.ratings.tmdb?.votes ?? 0)
        }
    }

    /// The words in lower case, without punctuation.
    static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map { String($0) }
    }
}

extension CatalogueSeason {
    /// A season of weekly episodes; ids and scores are derived from the series' number, so that they are stable.
    static func weekly(
        series: Int, number: Int, from released: String, minutes: Int, rated: Bool = true, _ names: [String]
    ) -> CatalogueSeason {
        let episodes = names.enumerated().map { index, name in
            let place = index + 1
            let id = 9_200_000 + series * 1_000 + number * 100 + place
            let tenths = 68 + (series * 7 + number * 5 + place * 3) % 25
            let votes = 40 + (series * 31 + number * 17 + place * 13) % 400
            let ratings = CatalogueRatings(
                tmdb: ("\(tenths / 10).\(tenths % 10)", votes),
                imdb: ("\(tenths / 10).\((tenths + 3) % 10)", votes * 19))
            return CatalogueEpisode(
                season: number, number: place, name: name, overview: "Episode \(place): \(name).",
                released: CatalogueDay(released)?.adding(days: index * 7).text ?? "", runtimeMinutes: minutes,
                imdb: "tt\(id)", tmdb: id, tvdb: id, ratings: rated ? ratings : CatalogueRatings())
        }
        return CatalogueSeason(
            number: number, name: number == 0 ? "Specials" : "Season \(number)", released: released, episodes: episodes)
    }
}
