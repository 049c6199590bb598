/// Ids derived from a title's own number, in a separate range for each provider so that none can pass for another's.
extension CatalogueTitle {
    /// The number in the IMDb id, less nine million; nil without an IMDb id above that.
    package var number: Int? {
        imdb.flatMap { Int($0.dropFirst(2)) }.flatMap { $0 > 9_000_000 ? $0 - 9_000_000 : nil }
    }

    package var trakt: Int? { kind == .game ? nil : number.map { 500_000_000 + $0 } }
    package var simkl: Int? { kind == .game ? nil : number.map { 600_000_000 + $0 } }
    /// For series only.
    package var tvmaze: Int? { kind == .series ? number.map { 700_000_000 + $0 } : nil }
    /// For films, and series of one season.
    package var letterboxd: String? {
        guard kind == .movie || (kind == .series && regularSeasons.count == 1) else { return nil }
        return number.map { String(1_000_000 + $0, radix: 36) }
    }
    /// TVDb's id of a film; TVDb numbers films and series separately.
    package var tvdbMovie: Int? { kind == .movie ? number.map { 800_000 + $0 } : nil }
    package var slug: String { Catalogue.words(name).joined(separator: "-") }
}

/// One entry at the anime providers: a film, or a season of a series.
package struct CatalogueEntry: Sendable {
    package let title: CatalogueTitle
    /// Counted from 1; 1 for a film.
    package let season: Int

    /// The title's entries; empty unless it is an anime.
    package static func entries(of title: CatalogueTitle) -> [CatalogueEntry] {
        guard title.isAnime, title.number != nil else { return [] }
        if title.kind == .movie { return [CatalogueEntry(title: title, season: 1)] }
        return title.regularSeasons.map { CatalogueEntry(title: title, season: $0.number) }
    }

    /// The number from which all of the entry's ids are derived.
    package var number: Int { (title.number ?? 0) * 10 + season }
    package var anilist: Int { 100_000_000 + number }
    package var myanimelist: Int { 200_000_000 + number }
    package var anidb: Int { 300_000_000 + number }
    package var kitsu: Int { 400_000_000 + number }

    private var listed: CatalogueSeason? { title.seasons.first { $0.number == season } }

    package var name: String { season == 1 ? title.name : "\(title.name) Season \(season)" }
    package var romaji: String {
        let romaji = title.romaji ?? title.name
        return season == 1 ? romaji : "\(romaji) \(season)"
    }
    package var native: String? { title.originalName.map { season == 1 ? $0 : "\($0) 第\(season)期" } }
    package var names: [String] { [name, romaji, native].compactMap { $0 } }
    package var released: String { title.kind == .movie ? title.released : listed?.released ?? "" }
    package var ended: String? { title.kind == .movie ? title.released : listed?.episodes.last?.released }
    package var episodes: [CatalogueEpisode] { listed?.episodes ?? [] }
    package var episodeCount: Int { title.kind == .movie ? 1 : episodes.count }

    /// The opinions of the title, a little lower for each later season.
    package var opinions: CatalogueOpinions? { title.opinions.map { $0.lowered(by: (season - 1) * 20) } }
}
