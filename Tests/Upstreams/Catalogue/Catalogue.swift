/// All invented titles, shared by every emulated provider.
package struct Catalogue: Sendable {
    package let titles: [CatalogueTitle]

    package init(titles: [CatalogueTitle]) { self.titles = titles }

    /// The titles that come with the emulators.
    package static let standard = Catalogue(titles: films + series)

    package func title(imdb: String) -> CatalogueTitle? { titles.first { $0.imdb == imdb } }

    package func title(_ kind: CatalogueKind, tmdb: Int) -> CatalogueTitle? {
        titles.first { $0.kind == kind && $0.tmdb == tmdb }
    }

    package func title(_ kind: CatalogueKind, tvdb: Int) -> CatalogueTitle? {
        titles.first { $0.kind == kind && $0.tvdb == tvdb }
    }

    /// The episode with an IMDb id, beside its series.
    package func episode(imdb: String) -> (series: CatalogueTitle, episode: CatalogueEpisode)? {
        for series in titles {
            for season in series.seasons {
                if let episode = season.episodes.first(where: { $0.imdb == imdb }) { return (series, episode) }
            }
        }
        return nil
    }

    /// Titles whose name or original name holds every word of the query; exact names first, then by votes.
    package func search(_ query: String, kinds: Set<CatalogueKind>) -> [CatalogueTitle] {
        let words = Self.words(query)
        guard !words.isEmpty else { return [] }
        let wanted = words.joined(separator: " ")
        return titles.filter { title in
            guard kinds.contains(title.kind) else { return false }
            let names = [title.name, title.originalName ?? ""].map(Self.words)
            return names.contains { name in
                words.allSatisfy { word in name.contains { $0.hasPrefix(word) } }
            }
        }
        .sorted { first, second in
            let firstExact = Self.words(first.name).joined(separator: " ") == wanted
            let secondExact = Self.words(second.name).joined(separator: " ") == wanted
            if firstExact != secondExact { return firstExact }
            return (first.ratings.tmdb?.votes ?? 0) > (second.ratings.tmdb?.votes ?? 0)
        }
    }

    /// Words in lower case, apart from punctuation.
    static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map { String($0) }
    }
}

extension CatalogueSeason {
    /// A season of weekly episodes; ids and scores follow from the series' number, so that they stay as they are.
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
