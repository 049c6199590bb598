/// What one provider says of one title, normalized; nil and empty mean that it does not say.
package struct ProviderFacts: Sendable, Hashable {
    package let provider: ProviderID
    package private(set) var kind: SubjectKind
    /// Milliseconds since 1970.
    package private(set) var fetchedAtMilliseconds: Int64
    /// The entity tag of the one answer that all of this was read from; nil if it had none.
    package var validator: String?
    package var ids = SubjectIDs()
    /// The series' ids, for a season or an episode.
    package var seriesIDs = SubjectIDs()
    package var seasonNumber: Int?
    package var episodeNumber: Int?
    /// At most 500 characters, like all names.
    package var name: String?
    package var originalName: String?
    /// Translations and synonyms, at most 50.
    package var otherNames: [String] = []
    /// ISO 639-1.
    package var originalLanguage: String?
    package var released: PartialDate?
    /// The last day of a series.
    package var ended: PartialDate?
    /// At most 20 000 characters.
    package var overview: String?
    /// Above 0.
    package var runtimeMinutes: Int?
    /// At most 50, in the provider's order, without duplicates.
    package var genres: [String] = []
    /// The age rating; never mixed with scores.
    package var certification: String?
    package var posterURL: String?
    package var backdropURL: String?
    /// In the provider's order, at most one from each source.
    package var scores: [OutsideScore] = []
    package var quarantined: [QuarantinedScore] = []
    /// The seasons of a series or the episodes of a season, as far as the answer lists them.
    package var children: [ProviderFacts] = []

    package init(provider: ProviderID, kind: SubjectKind, fetchedAtMilliseconds: Int64) {
        self.provider = provider
        self.kind = kind
        self.fetchedAtMilliseconds = fetchedAtMilliseconds
    }

    /// Returns the same facts, confirmed just now.
    package func confirmed(atMilliseconds now: Int64) -> ProviderFacts {
        var facts = self
        facts.fetchedAtMilliseconds = now
        facts.scores = scores.map { $0.confirmed(atMilliseconds: now) }
        return facts
    }

    /// Returns the same facts about a title of another kind: on anime sites a season and its series are one entry.
    package func regarded(as kind: SubjectKind) -> ProviderFacts {
        guard kind != self.kind else { return self }
        var facts = self
        facts.kind = kind
        // TMDb numbers each kind separately, and IMDb has no seasons.
        facts.ids.tmdb = nil
        if kind == .season { facts.ids.imdb = nil }
        return facts
    }

    /// The outcome of an answer, with or without a score.
    package var outcome: ProviderOutcome { scores.isEmpty ? .noRating : .ok }

    /// Whether the title is an animation from Asia, as far as this provider tells.
    package var isAnime: Bool? {
        switch provider {
        case .anilist, .anidb, .myanimelist, .kitsu: return true
        default: break
        }
        let genres = genres.map { $0.lowercased() }
        if genres.contains("anime") { return true }
        guard !genres.isEmpty else { return nil }
        guard genres.contains(where: { $0.hasPrefix("animat") }) else { return false }
        return originalLanguage.map { ["ja", "ko", "zh", "cn"].contains($0) }
    }

    /// The title as a candidate for matching by name.
    package var candidate: TitleMatch.Candidate {
        TitleMatch.Candidate(
            names: [name, originalName].compactMap { $0 } + otherNames, year: released?.year,
            votes: scores.compactMap(\.votes).max() ?? 0)
    }

    package mutating func add(_ reading: ScoreReading) {
        switch reading {
        case .score(let score):
            if !scores.contains(where: { $0.source == score.source }) { scores.append(score) }
        case .quarantined(let score): quarantined.append(score)
        case .noRating: break
        }
    }
}
