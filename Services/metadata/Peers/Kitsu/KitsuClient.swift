import JSON

/// A client of Kitsu, which needs no key and whose mappings lead from one anime site to the others.
package struct KitsuClient: ProviderClient {
    package let provider = ProviderID.kitsu
    /// The base URL, such as "https://kitsu.app/api/edge".
    private let url: String
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// The most entries of a page; more are refused.
    private static let pageMax = 20
    private static let mediaType = "application/vnd.api+json"

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(url: String, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.url = url
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by Kitsu's id; otherwise looks the entry up by its ids at other sites; otherwise, if the title is or may be
    /// anime, asks by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        guard subject.kind != .episode else { return nil }
        let sought = try await id(subject)
        if let id = sought.id {
            var facts = try await entry(id, as: subject.kind)
            facts.seriesIDs = subject.seriesIDs
            facts.seasonNumber = subject.seasonNumber
            return facts
        }
        guard subject.kind != .season, subject.isAnimeToFind else {
            if sought.wasAsked { throw .notFound }
            return nil
        }
        let found = try await search(
            ProviderQuery(kind: subject.kind, name: subject.name ?? "", year: subject.year))
        guard let id = subject.match(in: found)?.ids.kitsu else { throw .notFound }
        return try await entry(id, as: subject.kind)
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let address = address("anime").with("filter[text]", query.name)
            .with("page[limit]", String(min(http.limits.candidatesMax, Self.pageMax)))
        let rows = try await json(address)["data"].array.prefix(http.limits.candidatesMax)
        let mapping = mapping()
        return rows.compactMap { row in
            KitsuMapping.kind(row).flatMap { $0 == query.kind ? mapping.entry(row, as: $0) : nil }
        }
    }

    /// Returns an entry with its ids at other sites.
    package func entry(_ id: Int64, as kind: SubjectKind) async throws(ProviderError) -> ProviderFacts {
        let value = try await json(address("anime", String(id)).with("include", "mappings,genres,categories"))
        guard let facts = mapping().entry(value["data"], included: value["included"].array, as: kind) else {
            throw .malformed("the record has no id")
        }
        return facts
    }

    /// Returns Kitsu's own id, and whether Kitsu was asked for it. A series' entry is that of its first season; a
    /// season has its own.
    private func id(_ subject: ProviderSubject) async throws(ProviderError) -> (id: Int64?, wasAsked: Bool) {
        if let id = subject.ids.kitsu { return (id, false) }
        let places = Self.places(subject)
        for (site, value) in places {
            if let id = try await mapped(site, value) { return (id, true) }
        }
        return (nil, !places.isEmpty)
    }

    /// Returns the ids at other sites by which Kitsu can look an entry up, the most reliable first.
    private static func places(_ subject: ProviderSubject) -> [(site: String, value: String)] {
        let ids = subject.ids
        var places: [(site: String, value: String)] = []
        for case (let site, let value?) in [
            ("myanimelist/anime", ids.myanimelist), ("anilist/anime", ids.anilist), ("anidb", ids.anidb),
        ] {
            places.append((site, String(value)))
        }
        guard subject.isAnime == true else { return places }
        switch subject.kind {
        case .series:
            if let tvdb = ids.tvdb { places.append(("thetvdb", "\(tvdb)/1")) }
        case .season:
            if let tvdb = subject.seriesIDs.tvdb, let season = subject.seasonNumber {
                places.append(("thetvdb", "\(tvdb)/\(season)"))
            }
        case .movie, .episode: break
        }
        return places
    }

    /// Returns the one entry that an id at another site means; nil if there is none, or several.
    private func mapped(_ site: String, _ id: String) async throws(ProviderError) -> Int64? {
        let address = address("mappings").with("filter[externalSite]", site).with("filter[externalId]", id)
            .with("include", "item")
        let items = try await json(address)["included"].array.filter { $0["type"].string == "anime" }
        return items.count == 1 ? items[0]["id"].outsideID : nil
    }

    private func mapping() -> KitsuMapping { KitsuMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(url)) { $0.appending($1) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.get(address, headers: [(name: "accept", value: Self.mediaType)]) {
            (answer) throws(ProviderError) in
            if let failure = answer.failure(http.limits) { throw failure }
            return try answer.json(keeping: KitsuMapping.members)
        }
    }
}
