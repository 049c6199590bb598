import JSON

/// A client of TVmaze, which needs no key and has no films.
package struct TVmazeClient: ProviderClient {
    package let provider = ProviderID.tvmaze
    /// The base URL, such as "https://api.tvmaze.com".
    private let url: String
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(url: String, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.url = url
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by TVmaze's id; otherwise looks the series up by IMDb or TVDb id, or by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        switch subject.kind {
        case .movie: return nil
        case .series:
            if let id = try await id(subject.ids) { return try await show(id) }
            guard subject.isNameOnly else { return nil }
            let found = try await search(ProviderQuery(kind: .series, name: subject.name ?? "", year: subject.year))
            guard let match = subject.match(in: found) else { throw .notFound }
            return match
        case .season:
            guard let number = subject.seasonNumber, let series = try await id(subject.seriesIDs) else { return nil }
            return try await season(series: series, number: number)
        case .episode:
            guard let season = subject.seasonNumber, let number = subject.episodeNumber,
                let series = try await id(subject.seriesIDs)
            else { return nil }
            return try await episode(series: series, season: season, number: number)
        }
    }

    /// Takes no year, so filtering by year is left to the caller.
    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        guard query.kind == .series else { return [] }
        let rows = try await json(address("search", "shows").with("q", query.name)).array
        return rows.prefix(http.limits.candidatesMax).compactMap { mapping().show($0["show"]) }
    }

    /// Returns a series with its seasons.
    package func show(_ id: Int64) async throws(ProviderError) -> ProviderFacts {
        guard let facts = mapping().show(try await json(address("shows", String(id)).with("embed", "seasons"))) else {
            throw .malformed("the record has no id")
        }
        return facts
    }

    package func season(series: Int64, number: Int) async throws(ProviderError) -> ProviderFacts {
        let rows = try await json(address("shows", String(series), "seasons")).array
        let seasons = rows.prefix(ProviderLimits.childrenMax).lazy.compactMap {
            mapping().season($0, series: SubjectIDs(tvmaze: series))
        }
        guard let season = seasons.first(where: { $0.seasonNumber == number }) else { throw .notFound }
        return season
    }

    package func episode(series: Int64, season: Int, number: Int) async throws(ProviderError) -> ProviderFacts {
        let address = address("shows", String(series), "episodebynumber").with("season", String(season))
            .with("number", String(number))
        guard let facts = mapping().episode(try await json(address), series: SubjectIDs(tvmaze: series)) else {
            throw .malformed("the record has no numbers")
        }
        return facts
    }

    /// Returns TVmaze's own id of a series, or nil if there is nothing to look it up by.
    private func id(_ ids: SubjectIDs) async throws(ProviderError) -> Int64? {
        if let id = ids.tvmaze { return id }
        let lookups = [("imdb", ids.imdb), ("thetvdb", ids.tvdb.map { String($0) })]
        var wasAsked = false
        for case (let name, let value?) in lookups {
            wasAsked = true
            if let id = try await lookup(name, value) { return id }
        }
        if wasAsked { throw .notFound }
        return nil
    }

    /// Looks up a series. TVmaze answers with a redirect to it, whose address is enough.
    private func lookup(_ name: String, _ value: String) async throws(ProviderError) -> Int64? {
        do throws(ProviderError) {
            return try await http.get(address("lookup", "shows").with(name, value)) {
                (answer) throws(ProviderError) -> Int64? in
                if (300..<400).contains(answer.status) {
                    guard let path = answer.location?.split(separator: "?").first,
                        let id = SubjectIDs.checked(path.split(separator: "/").last.flatMap { Int($0) })
                    else { throw .malformed("a redirect does not lead to a series") }
                    return id
                }
                if let failure = answer.failure(http.limits) { throw failure }
                return try answer.json(keeping: TVmazeMapping.members)["id"].outsideID
            }
        } catch .notFound {
            return nil
        }
    }

    private func mapping() -> TVmazeMapping { TVmazeMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(url)) { $0.appending($1) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.get(address) { (answer) throws(ProviderError) in
            if let failure = answer.failure(http.limits) { throw failure }
            return try answer.json(keeping: TVmazeMapping.members)
        }
    }
}
