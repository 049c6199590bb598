/// The kind of title that is asked for.
package enum SubjectKind: String, Sendable, Hashable, CaseIterable {
    case movie, series, season, episode
}

/// A title's ids at other sites. TMDb and TVDb number each kind separately, so these belong to the kind beside them;
/// anime sites have an entry for every season.
package struct SubjectIDs: Sendable, Hashable {
    /// "tt" and 7 to 10 digits.
    package var imdb: String?
    /// Above 0, like all numbers here.
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

    package var isEmpty: Bool { self == SubjectIDs() }

    /// Whether the ids lead to no other site: only Letterboxd can be asked by its own id, and its export gives nothing
    /// else of a film but name and year.
    package var leadNowhere: Bool {
        var others = self
        others.letterboxd = nil
        return others.isEmpty
    }

    /// Whether a site for anime alone knows the title.
    package var isOfAnime: Bool { anilist != nil || anidb != nil || myanimelist != nil || kitsu != nil }

    /// Returns the ids with gaps filled from another set.
    package func filled(from other: SubjectIDs) -> SubjectIDs {
        SubjectIDs(
            imdb: imdb ?? other.imdb, tmdb: tmdb ?? other.tmdb, tvdb: tvdb ?? other.tvdb,
            wikidata: wikidata ?? other.wikidata, tvmaze: tvmaze ?? other.tvmaze, trakt: trakt ?? other.trakt,
            letterboxd: letterboxd ?? other.letterboxd, simkl: simkl ?? other.simkl, anilist: anilist ?? other.anilist,
            anidb: anidb ?? other.anidb, myanimelist: myanimelist ?? other.myanimelist, kitsu: kitsu ?? other.kitsu)
    }

    /// Whether the two sets have different ids at some site.
    package func contradicts(_ other: SubjectIDs) -> Bool { filled(from: other) != other.filled(from: self) }

    /// Returns the number if it can be an id, 1 … 2⁵³ − 1.
    package static func checked(_ number: Int?) -> Int64? {
        number.flatMap { $0 > 0 && Int64($0) <= ScoreReading.votesMax ? Int64($0) : nil }
    }

    /// Returns the text if it can be a Letterboxd id.
    package static func checkedLetterboxd(_ text: String?) -> String? {
        guard let text, (1...20).contains(text.utf8.count) else { return nil }
        let isPlain: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }
        return text.utf8.allSatisfy(isPlain) ? text : nil
    }

    /// Returns the text if it is an IMDb title id.
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
    package let originalName: String?
    /// The year of the first release.
    package let year: Int?
    /// Whether it is an animation from Asia; nil if nobody has said.
    package let isAnime: Bool?

    package init(
        kind: SubjectKind, ids: SubjectIDs = SubjectIDs(), seriesIDs: SubjectIDs = SubjectIDs(),
        seasonNumber: Int? = nil, episodeNumber: Int? = nil, name: String? = nil, originalName: String? = nil,
        year: Int? = nil, isAnime: Bool? = nil
    ) {
        self.kind = kind
        self.ids = ids
        self.seriesIDs = seriesIDs
        self.seasonNumber = seasonNumber
        self.episodeNumber = episodeNumber
        self.name = name
        self.originalName = originalName
        self.year = year
        self.isAnime = isAnime ?? (ids.isOfAnime || seriesIDs.isOfAnime ? true : nil)
    }

    /// Returns the subject with gaps filled from what providers said of it, the earlier ones first.
    package func filled(from facts: some Sequence<ProviderFacts>) -> ProviderSubject {
        let facts = facts.filter { $0.kind == kind }
        let told = facts.map(\.isAnime)
        return ProviderSubject(
            kind: kind, ids: facts.reduce(ids) { $0.filled(from: $1.ids) },
            seriesIDs: facts.reduce(seriesIDs) { $0.filled(from: $1.seriesIDs) },
            seasonNumber: seasonNumber ?? facts.lazy.compactMap(\.seasonNumber).first,
            episodeNumber: episodeNumber ?? facts.lazy.compactMap(\.episodeNumber).first,
            name: name ?? facts.lazy.compactMap(\.name).first,
            originalName: originalName ?? facts.lazy.compactMap(\.originalName).first,
            year: year ?? facts.lazy.compactMap(\.released?.year).first,
            isAnime: isAnime ?? (told.contains(true) ? true : told.contains(false) ? false : nil))
    }

    /// Whether a provider that identifies titles by name may search for this one by its name.
    ///
    /// If outside ids are known but not to that provider, a name could only lead to another title.
    package var isNameOnly: Bool { ids.leadNowhere && name != nil }

    /// Whether an anime site may search for this title by its name: nothing else leads there from the ids of other
    /// sites, so an animation from Asia may be searched for although ids of it are known.
    package var isAnimeToFind: Bool { name != nil && (isAnime == true || (isAnime == nil && ids.leadNowhere)) }
}

extension ProviderSubject {
    /// Returns the one of `found` that is this title, by its names and year; nil if none is, or several could be.
    package func match(in found: [ProviderFacts]) -> ProviderFacts? {
        let candidates = found.filter { $0.kind == kind }
        for name in [name, originalName].compactMap({ $0 }) {
            let best = TitleMatch.best(name: name, year: year, among: candidates.map(\.candidate))
            if let best { return candidates[best] }
        }
        return nil
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

extension ProviderQuery {
    /// Returns the same query for another year, or for any.
    func inYear(_ year: Int?) -> ProviderQuery { ProviderQuery(kind: kind, name: name, year: year) }

    /// Whether one of `found` has that exact name; then no other year has to be searched.
    func isAnswered(by found: [ProviderFacts]) -> Bool {
        let wanted = TitleName(name)
        return found.contains { facts in
            facts.candidate.names.contains { NameAgreement(wanted, TitleName($0)) >= .article }
        }
    }

    /// Searches a provider that takes a single year. Premieres and releases often fall in different years, so the
    /// adjacent years are searched too if the year itself has nothing of that name; matching and ranking put those
    /// lower. Throws if the year itself cannot be asked; after a failure in an adjacent year, the other is not tried.
    func withYearsBeside(
        _ search: (ProviderQuery) async throws(ProviderError) -> [ProviderFacts]
    ) async throws(ProviderError) -> ProviderFinds {
        var finds = ProviderFinds(try await search(self))
        guard let year, !isAnswered(by: finds.facts) else { return finds }
        do throws(ProviderError) {
            for other in [year - 1, year + 1] { finds.facts += try await search(inYear(other)) }
        } catch {
            finds.missed = error
        }
        return finds
    }
}

/// The results of a search at one provider.
package struct ProviderFinds: Sendable, Hashable {
    package var facts: [ProviderFacts]
    /// Why a part of the search could not be asked.
    package var missed: ProviderError?

    package init(_ facts: [ProviderFacts], missed: ProviderError? = nil) {
        self.facts = facts
        self.missed = missed
    }

    /// Returns everything or throws, for callers that take what is missing for absent.
    func whole() throws(ProviderError) -> [ProviderFacts] {
        if let missed { throw missed }
        return facts
    }
}
