import Contracts

/// Many queries being resolved to titles: the lookups still to be made, and the result of each.
struct BatchResolution: Sendable {
    /// A key of one of the queries.
    struct Key: Sendable, Hashable {
        let query: Int
        let key: OutsideKey
    }

    /// A name to look for; `isSeries` if it names the series of the query's season or episode.
    struct Name: Sendable, Hashable {
        let query: Int
        let kind: TitleKind
        let name: String
        let year: Int?
        let isSeries: Bool
    }

    /// The number of a season or an episode in a series.
    struct Number: Sendable, Hashable {
        let query: Int
        let kind: TitleKind
        let season: Int
        let episode: Int?
        /// The series, if it is known by its own id.
        let series: TitleID?
        let seriesKeys: [OutsideKey]
    }

    /// A stored title, and how well it fits a name, 0 … 1.
    struct Offer: Sendable, Hashable {
        let title: TitleID
        let match: Double
    }

    let queries: [WantedTitle]
    /// The series by name, for seasons and episodes.
    let series: [WantedTitle]
    private(set) var states: [ResolveState?]
    private(set) var titles: [TitleReference?]
    /// What the name of a film or a series may mean, best first; filled even if it is clear which is meant, or if none
    /// is accepted.
    private(set) var offers: [[Offer]]
    private var seriesFound: [Int: TitleID] = [:]

    init(_ queries: [TitleQuery]) {
        self.queries = queries.map { query in
            WantedTitle(
                kind: query.kind, ids: SubjectIDs(query.ids), name: query.name, year: query.year, series: query.series,
                seriesIDs: SubjectIDs(query.seriesIds ?? ExternalIds()), seasonNumber: query.seasonNumber,
                episodeNumber: query.episodeNumber)
        }
        series = queries.map { query in
            WantedTitle(
                kind: .series, ids: SubjectIDs(query.seriesIds ?? ExternalIds()), name: query.seriesName,
                year: query.seriesYear)
        }
        states = zip(self.queries, series).map { query, series in
            let isNamedSeries =
                (query.kind == .season || query.kind == .episode) && query.isNumbered && series.isSomething
            return query.isSomething || isNamedSeries ? nil : .empty
        }
        titles = queries.map { _ in nil }
        offers = queries.map { _ in [] }
    }

    /// The keys of all queries that are not resolved yet.
    var keys: [Key] {
        queries.indices.filter { states[$0] == nil }.flatMap { query in
            queries[query].keys.map { Key(query: query, key: $0) }
        }
    }

    /// The names of films and series without ids, and of the series of seasons and episodes.
    var namesToFind: [Name] {
        queries.indices.filter { states[$0] == nil }.compactMap { index in
            let query = queries[index]
            switch query.kind {
            case .movie, .series:
                guard query.ids == SubjectIDs(), let name = query.name else { return nil }
                return Name(query: index, kind: query.kind, name: name, year: query.year, isSeries: false)
            case .season, .episode:
                guard query.isNumbered, query.series == nil, query.seriesIDs == SubjectIDs(),
                    let name = series[index].name
                else { return nil }
                return Name(query: index, kind: .series, name: name, year: series[index].year, isSeries: true)
            }
        }
    }

    /// The keys of the series of unresolved seasons and episodes whose series is not known yet.
    var seriesKeys: [Key] {
        queries.indices.filter { states[$0] == nil && queries[$0].isNumbered && series(of: $0) == nil }
            .flatMap { query in series[query].keys.map { Key(query: query, key: $0) } }
    }

    var numbersToFind: [Number] {
        queries.indices.filter { states[$0] == nil }.compactMap { index in
            let query = queries[index]
            guard query.isNumbered, let season = query.seasonNumber else { return nil }
            let own = query.series ?? seriesFound[index]
            let keys = query.seriesIDs.keys(kind: .series)
            guard own != nil || !keys.isEmpty else { return nil }
            return Number(
                query: index, kind: query.kind, season: season, episode: query.episodeNumber, series: own,
                seriesKeys: keys)
        }
    }

    mutating func take(_ found: [FoundReference]) {
        for found in found where queries.indices.contains(found.query) && states[found.query] == nil {
            states[found.query] = .known
            titles[found.query] = found.title
        }
    }

    /// Takes the series that were found by `seriesKeys`.
    mutating func take(series found: [FoundReference]) {
        for found in found where queries.indices.contains(found.query) { seriesFound[found.query] = found.title.id }
    }

    mutating func take(named found: [NamedReference]) {
        let names = Dictionary(namesToFind.map { ($0.query, $0) }) { first, _ in first }
        for (query, rows) in Dictionary(grouping: found, by: \.query) {
            guard let name = names[query] else { continue }
            let found = OwnMatch.decide(
                kind: SubjectKind(name.kind), name: name.name, year: name.year, among: rows.map(\.candidate))
            if !name.isSeries {
                offers[query] = found.offers.map { Offer(title: rows[$0.index].title.id, match: $0.match) }
            }
            switch found.verdict {
            case .one(let index) where name.isSeries: seriesFound[query] = rows[index].title.id
            case .one(let index):
                states[query] = .known
                titles[query] = rows[index].title
            case .several: states[query] = .ambiguous
            case .none: break
            }
        }
    }

    var hasUnknown: Bool { states.contains(nil) }

    /// Returns the series that a query names, or that was found for it.
    func series(of query: Int) -> TitleID? { queries[query].series ?? seriesFound[query] }

    var results: [ResolvedTitle] {
        zip(states, titles).map { ResolvedTitle(state: $0 ?? .unknown, title: $1) }
    }
}

/// The local titles to create for unknown queries, each once.
struct LocalTitles: Sendable {
    struct Local: Sendable {
        let id: TitleID
        let wanted: WantedTitle
    }

    private(set) var locals: [Local] = []
    private(set) var results: [ResolvedTitle]
    private var byKey: [OutsideKey: Int] = [:]
    private var byNumber: [String: Int] = [:]

    init(_ resolution: BatchResolution, newID: () -> TitleID) {
        results = resolution.results
        for index in resolution.queries.indices where results[index].state == .unknown {
            var wanted = resolution.queries[index]
            if wanted.kind == .season || wanted.kind == .episode, wanted.isNumbered {
                if let series = resolution.series(of: index) {
                    wanted.series = series
                } else if resolution.series[index].isSomething {
                    wanted.series = local(resolution.series[index], newID).id
                }
            }
            guard wanted.isSomething else { continue }
            let made = local(wanted, newID)
            results[index] = ResolvedTitle(
                state: .created,
                title: TitleReference(
                    id: made.id, kind: made.wanted.kind, name: made.wanted.provisionalName, year: made.wanted.year,
                    series: made.wanted.series, seasonNumber: made.wanted.seasonNumber,
                    episodeNumber: made.wanted.episodeNumber, isLocal: true))
        }
    }

    /// Returns the local title of that meaning, creating it the first time.
    private mutating func local(_ wanted: WantedTitle, _ newID: () -> TitleID) -> Local {
        var number: String?
        if let series = wanted.series, let season = wanted.seasonNumber {
            number = "\(series) \(wanted.kind.rawValue) \(season) \(wanted.episodeNumber ?? -1)"
        }
        let keys = wanted.keys
        if let known = keys.lazy.compactMap({ [byKey] in byKey[$0] }).first ?? number.flatMap({ byNumber[$0] }) {
            for key in keys where byKey[key] == nil { byKey[key] = known }
            return locals[known]
        }
        locals.append(Local(id: newID(), wanted: wanted))
        for key in keys { byKey[key] = locals.count - 1 }
        if let number { byNumber[number] = locals.count - 1 }
        return locals[locals.count - 1]
    }

    /// The title that each key is to lead to.
    var keys: [(title: TitleID, key: OutsideKey)] { byKey.map { (locals[$0.value].id, $0.key) } }
}
