/// What kind of title is asked for.
package enum SubjectKind: String, Sendable, Hashable, CaseIterable {
    case movie, series, season, episode
}

/// A title's ids at other places. TMDb and TVDb count each kind apart, so these belong to the kind beside them; the anime
/// places have an entry of their own for every season.
package struct SubjectIDs: Sendable, Hashable {
    /// "tt" and 7 to 10 digits.
    package var imdb: String?
    /// Above 0, as all numbers here.
    package var tmdb: Int64?
    package var tvdb: Int64?
    /// "Q" and digits.
    package var wikidata: String?
    package var tvmaze: Int64?
    package var trakt: Int64?
    /// Letters and digits.
    package var letterboxd: String?
    package var simkl: Int64?
    package var anilist: Int64?
    package var anidb: Int64?
    package var myanimelist: Int64?
    package var kitsu: Int64?

    package init(
        imdb: String? = nil, tmdb: Int64? = nil, tvdb: Int64? = nil, wikidata: String? = nil, tvmaze: Int64? = nil,
        trakt: Int64? = nil, letterboxd: String? = nil, simkl: Int64? = nil, anilist: Int64? = nil,
        anidb: Int64? = nil, myanimelist: Int64? = nil, kitsu: Int64? = nil
    ) {
        self.imdb = imdb
        self.tmdb = tmdb
        self.tvdb = tvdb
        self.wikidata = wikidata
        self.tvmaze = tvmaze
        self.trakt = trakt
        self.letterboxd = letterboxd
        self.simkl = simkl
        self.anilist = anilist
        self.anidb = anidb
        self.myanimelist = myanimelist
        self.kitsu = kitsu
    }

    /// The ids with gaps filled from another set.
    package func filled(from other: SubjectIDs) -> SubjectIDs {
        SubjectIDs(
            imdb: imdb ?? other.imdb, tmdb: tmdb ?? other.tmdb, tvdb: tvdb ?? other.tvdb,
            wikidata: wikidata ?? other.wikidata, tvmaze: tvmaze ?? other.tvmaze, trakt: trakt ?? other.trakt,
            letterboxd: letterboxd ?? other.letterboxd, simkl: simkl ?? other.simkl, anilist: anilist ?? other.anilist,
            anidb: anidb ?? other.anidb, myanimelist: myanimelist ?? other.myanimelist, kitsu: kitsu ?? other.kitsu)
    }

    /// The text where it is an IMDb title id.
    package static func checkedIMDb(_ text: String?) -> String? {
        guard let text, text.hasPrefix("tt"), (9...12).contains(text.utf8.count) else { return nil }
        return text.utf8.dropFirst(2).allSatisfy { (0x30...0x39).contains($0) } ? text : nil
    }
}

/// The title that a provider is asked about, as far as it is known.
package struct ProviderSubject: Sendable, Hashable {
    package let kind: SubjectKind
    package let ids: SubjectIDs
    /// The series' ids, for a season or an episode.
    package let seriesIDs: SubjectIDs
    /// For a season or an episode; 0 holds the specials.
    package let seasonNumber: Int?
    package let episodeNumber: Int?
    package let name: String?
    /// Year of the first release.
    package let year: Int?

    package init(
        kind: SubjectKind, ids: SubjectIDs = SubjectIDs(), seriesIDs: SubjectIDs = SubjectIDs(),
        seasonNumber: Int? = nil, episodeNumber: Int? = nil, name: String? = nil, year: Int? = nil
    ) {
        self.kind = kind
        self.ids = ids
        self.seriesIDs = seriesIDs
        self.seasonNumber = seasonNumber
        self.episodeNumber = episodeNumber
        self.name = name
        self.year = year
    }
}

/// A search by name for films or series.
package struct ProviderQuery: Sendable, Hashable {
    /// `movie` or `series`.
    package let kind: SubjectKind
    package let name: String
    package let year: Int?

    package init(kind: SubjectKind, name: String, year: Int? = nil) {
        self.kind = kind
        self.name = name
        self.year = year
    }
}
