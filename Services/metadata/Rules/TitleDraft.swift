import Contracts

/// One id of a title at another site, in the form in which it is stored.
struct OutsideKey: Sendable, Hashable {
    let source: String
    let kind: TitleKind
    let value: String
}

/// A title that a caller asks for.
struct WantedTitle: Sendable, Hashable {
    let kind: TitleKind
    var ids = SubjectIDs()
    var name: String?
    var year: Int?
    /// The series of a season or an episode, if it is stored.
    var series: TitleID?
    var seriesIDs = SubjectIDs()
    var seasonNumber: Int?
    /// Nil for a season.
    var episodeNumber: Int?

    init(
        kind: TitleKind, ids: SubjectIDs = SubjectIDs(), name: String? = nil, year: Int? = nil, series: TitleID? = nil,
        seriesIDs: SubjectIDs = SubjectIDs(), seasonNumber: Int? = nil, episodeNumber: Int? = nil
    ) {
        self.kind = kind
        self.ids = ids
        self.name = name
        self.year = year
        guard kind == .season || kind == .episode else { return }
        self.series = series
        self.seriesIDs = seriesIDs
        self.seasonNumber = seasonNumber
        self.episodeNumber = kind == .episode ? episodeNumber : nil
    }

    /// Whether its numbers are complete.
    var isNumbered: Bool { seasonNumber != nil && (kind == .season || episodeNumber != nil) }

    /// Whether there is anything to identify the title by.
    var isSomething: Bool {
        if ids != SubjectIDs() { return true }
        if kind == .season || kind == .episode { return isNumbered && (series != nil || seriesIDs != SubjectIDs()) }
        return name != nil
    }

    var keys: [OutsideKey] { ids.keys(kind: kind) + [localKey].compactMap(\.self) }

    /// The key by which a film or series without any outside id is found again: its name and year.
    var localKey: OutsideKey? {
        guard ids == SubjectIDs(), let name, kind == .movie || kind == .series else { return nil }
        return OutsideKey(
            source: TitleJoin.local, kind: kind, value: "\(TitleMatch.normalized(name))|\(year.map(String.init) ?? "")")
    }

    var subject: ProviderSubject {
        ProviderSubject(
            kind: SubjectKind(kind), ids: ids, seriesIDs: seriesIDs, seasonNumber: seasonNumber,
            episodeNumber: episodeNumber, name: name, year: year)
    }

    /// The name until a provider gives a better one.
    var provisionalName: String {
        if let name { return name }
        if let episodeNumber { return "Episode \(episodeNumber)" }
        if kind == .season, let seasonNumber { return seasonNumber == 0 ? "Specials" : "Season \(seasonNumber)" }
        let id = ids.keys(kind: kind).first
        return id.map { "\($0.source) \($0.value)" } ?? "Unknown title"
    }
}

/// A title as providers describe it, merged; nil and empty if none of them says.
struct TitleDraft: Sendable, Hashable {
    let kind: TitleKind
    let name: String?
    let originalName: String?
    /// All names that it is found by.
    let names: [String]
    let year: Int?
    let released: PartialDate?
    let ended: PartialDate?
    let overview: String?
    let runtimeMinutes: Int?
    let genres: [String]
    let certification: String?
    let posterURL: String?
    let backdropURL: String?
    let ids: SubjectIDs
    let seriesIDs: SubjectIDs
    let seasonNumber: Int?
    let episodeNumber: Int?
    let children: [ChildDraft]

    /// Takes texts from the first provider, in the fixed order, that has them, whatever the order of `facts`.
    init(kind: TitleKind, facts: [ProviderFacts], ids known: SubjectIDs = SubjectIDs()) {
        let facts = facts.filter { $0.kind == SubjectKind(kind) }.sorted { $0.provider.order < $1.provider.order }
        self.kind = kind
        name = facts.lazy.compactMap(\.name).first
        originalName = facts.lazy.compactMap(\.originalName).first { [name] in $0 != name }
        var names: [String] = []
        for name in facts.flatMap({ [$0.name, $0.originalName].compactMap(\.self) }) + facts.flatMap(\.otherNames)
        where !names.contains(name) && names.count < MatchLimits.namesMax {
            names.append(name)
        }
        self.names = names
        released = facts.lazy.compactMap(\.released).first
        year = released?.year
        ended = Self.ended(kind, facts)
        overview = facts.lazy.compactMap(\.overview).first
        runtimeMinutes = facts.lazy.compactMap(\.runtimeMinutes).first
        genres = facts.lazy.map(\.genres).first { !$0.isEmpty } ?? []
        certification = facts.lazy.compactMap(\.certification).first
        posterURL = facts.lazy.compactMap(\.posterURL).first
        backdropURL = facts.lazy.compactMap(\.backdropURL).first
        ids = facts.reduce(known) { $0.filled(from: $1.ids) }
        seriesIDs = facts.reduce(SubjectIDs()) { $0.filled(from: $1.seriesIDs) }
        seasonNumber = facts.lazy.compactMap(\.seasonNumber).first
        episodeNumber = facts.lazy.compactMap(\.episodeNumber).first
        children = ChildDraft.merged(facts)
    }

    /// Returns the last day. A series that goes on has none, whatever the sites with an entry for each season say:
    /// theirs is the first season's.
    private static func ended(_ kind: TitleKind, _ facts: [ProviderFacts]) -> PartialDate? {
        let whole = facts.filter { [.tmdb, .tvdb, .tvmaze, .omdb].contains($0.provider) }
        return (kind == .series && !whole.isEmpty ? whole : facts).lazy.compactMap(\.ended).first
    }
}

/// A season or an episode as listed in the answers about its series or season, merged.
struct ChildDraft: Sendable, Hashable {
    struct Number: Sendable, Hashable, Comparable {
        let season: Int
        /// Nil for the season itself.
        let episode: Int?

        static func < (left: Number, right: Number) -> Bool {
            (left.season, left.episode ?? -1) < (right.season, right.episode ?? -1)
        }
    }

    let number: Number
    let draft: TitleDraft
    let scores: [OutsideScore]

    var kind: TitleKind { draft.kind }
    /// The name, provisional if no provider gives one.
    var name: String {
        draft.name
            ?? WantedTitle(kind: kind, seasonNumber: number.season, episodeNumber: number.episode).provisionalName
    }

    /// The least season number that means a year.
    static let yearMin = 1_900

    /// Returns the children numbered like those of the first of `parents` that has seasons: TVmaze numbers the seasons
    /// of some series by year, and they would stand beside the same ones as others number them.
    private static func counted(_ parents: [ProviderFacts]) -> [ProviderFacts] {
        func isNumbered(_ child: ProviderFacts) -> Bool { (child.seasonNumber ?? 0) > 0 }
        func isByYear(_ child: ProviderFacts) -> Bool { (child.seasonNumber ?? 0) >= yearMin }
        guard let leader = parents.first(where: { $0.children.contains(where: isNumbered) }) else {
            return parents.flatMap(\.children)
        }
        let countsByYear = leader.children.filter(isNumbered).allSatisfy(isByYear)
        return parents.flatMap { parent in
            parent.provider == leader.provider
                ? parent.children : parent.children.filter { !isNumbered($0) || isByYear($0) == countsByYear }
        }
    }

    /// Returns the children in the order of their numbers, each once.
    static func merged(_ parents: [ProviderFacts]) -> [ChildDraft] {
        let all = counted(parents)
        guard !all.isEmpty else { return [] }
        var told: [Number: [ProviderFacts]] = [:]
        for child in all + all.flatMap(\.children) {
            guard let season = child.seasonNumber else { continue }
            switch child.kind {
            case .season: told[Number(season: season, episode: nil), default: []].append(child)
            case .episode:
                guard let episode = child.episodeNumber else { continue }
                told[Number(season: season, episode: episode), default: []].append(child)
            case .movie, .series: continue
            }
        }
        return told.sorted { $0.key < $1.key }.prefix(ProviderLimits.childrenMax).map { number, facts in
            ChildDraft(
                number: number, draft: TitleDraft(kind: number.episode == nil ? .season : .episode, facts: facts),
                scores: MergedScores(facts.flatMap(\.scores)).scores)
        }
    }
}
