import Contracts

/// One id of a title at another place, in the form in which it is stored.
struct OutsideKey: Sendable, Hashable {
    let source: String
    let kind: TitleKind
    let value: String
}

/// A title that somebody asks for.
struct WantedTitle: Sendable, Hashable {
    let kind: TitleKind
    let ids: SubjectIDs
    let name: String?
    let year: Int?

    /// Whether there is anything to go by.
    var isSomething: Bool { ids != SubjectIDs() || name != nil }

    var keys: [OutsideKey] { ids.keys(kind: kind) + [localKey].compactMap(\.self) }

    /// A title without any outside id is found again by its name and year.
    var localKey: OutsideKey? {
        guard ids == SubjectIDs(), let name else { return nil }
        return OutsideKey(source: "local", kind: kind, value: "\(name.lowercased())|\(year.map(String.init) ?? "")")
    }

    var subject: ProviderSubject { ProviderSubject(kind: SubjectKind(kind), ids: ids, name: name, year: year) }
}

/// A title as it is to be stored: what the providers said, merged.
struct TitleDraft: Sendable {
    let kind: TitleKind
    let name: String
    let originalName: String?
    let year: Int?
    let releaseDate: PartialDate?
    let overview: String?
    let runtimeMinutes: Int?
    let genres: [String]
    let certification: String?
    let posterURL: String?
    let ids: SubjectIDs
    let keys: [OutsideKey]
    let scores: [OutsideScore]
    let votes: VoteAggregate?
    /// True where no provider has confirmed the title.
    let isLocal: Bool
    let outcomes: [ProviderReport]

    /// Nil where every provider that was asked says that there is no such title.
    ///
    /// A title that nobody could be asked about (no key, offline) becomes a local one, so that it can be rated and played.
    init?(_ wanted: WantedTitle, reports: [ProviderReport]) {
        // Texts are taken from the first provider, in the fixed order, that has them; the reports come in that order.
        let facts = reports.compactMap(\.facts)
        let wasDenied = reports.contains { $0.error == .notFound }
        let failed = reports.contains { $0.error != nil && $0.error != .notFound }
        if facts.isEmpty, wasDenied, !failed { return nil }
        let ids = facts.reduce(wanted.ids) { $0.filled(from: $1.ids) }
        let shownID = ids.imdb ?? ids.tmdb.map { "tmdb \($0)" } ?? ids.tvdb.map { "tvdb \($0)" }
        guard let name = facts.lazy.compactMap(\.name).first ?? wanted.name ?? shownID else { return nil }
        let released = facts.lazy.compactMap(\.released).first
        self.kind = wanted.kind
        self.name = name
        self.originalName = facts.lazy.compactMap(\.originalName).first { $0 != name }
        self.year = released?.year ?? wanted.year
        self.releaseDate = released
        self.overview = facts.lazy.compactMap(\.overview).first
        self.runtimeMinutes = facts.lazy.compactMap(\.runtimeMinutes).first
        self.genres = facts.lazy.map(\.genres).first { !$0.isEmpty } ?? []
        self.certification = facts.lazy.compactMap(\.certification).first
        self.posterURL = facts.lazy.compactMap(\.posterURL).first
        self.ids = ids
        let told = ids.keys(kind: wanted.kind)
        self.keys = told.isEmpty ? wanted.keys : told
        self.scores = MergedScores(facts.flatMap(\.scores)).scores
        self.votes = VoteAggregate(scores)
        self.isLocal = facts.isEmpty
        self.outcomes = reports
    }
}
