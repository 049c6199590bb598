package import Cryptography
import JSON

/// The address and credentials for TVDb.
package struct TVDbSettings: Sendable {
    /// The base URL with the version, such as "https://api4.thetvdb.com/v4".
    package let url: String
    package let key: Secret
    /// A subscriber's PIN, for keys that require one.
    package let pin: Secret?

    package init(url: String, key: Secret, pin: Secret? = nil) {
        self.url = url
        self.key = key
        self.pin = pin
    }

    /// How long a token is used, in milliseconds: it is valid for a month and is renewed a few days before.
    static let tokenMilliseconds: Int64 = 25 * 86_400_000
}

/// A client of TVDb's version 4 API: films, series, seasons, and episodes, without ratings.
package struct TVDbClient: ProviderClient {
    package let provider = ProviderID.tvdb
    private let settings: TVDbSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64
    private let tokens: ProviderTokens

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: TVDbSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
        tokens = ProviderTokens(nowMilliseconds: nowMilliseconds) { () async throws(ProviderError) in
            try await Self.login(settings, http, nowMilliseconds: nowMilliseconds)
        }
    }

    /// Asks by TVDb id; otherwise looks the title up by IMDb or TMDb id, or by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        switch subject.kind {
        case .movie, .series:
            if let found = try await record(subject.kind, subject.ids) { return found }
            guard subject.isNameOnly else { return nil }
            let query = ProviderQuery(kind: subject.kind, name: subject.name ?? "", year: subject.year)
            guard let id = subject.match(in: try await search(query))?.ids.tvdb else { throw .notFound }
            return try await title(id, kind: subject.kind)
        case .season:
            guard let number = subject.seasonNumber, let series = try await record(.series, subject.seriesIDs) else {
                return nil
            }
            guard let season = series.children.first(where: { $0.seasonNumber == number }) else { throw .notFound }
            return season
        case .episode:
            guard let season = subject.seasonNumber, let number = subject.episodeNumber else { return nil }
            return try await episode(of: subject.seriesIDs, season: season, number: number)
        }
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        try await browse(query).whole()
    }

    package func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds {
        try await query.withYearsBeside { (query) async throws(ProviderError) in try await found(query) }
    }

    private func found(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let address = address("search").with("query", query.name)
            .with("type", query.kind == .series ? "series" : "movie")
            .with("year", query.year.map { String($0) }).with("limit", String(http.limits.candidatesMax))
        let rows = try await json(address)["data"].array.prefix(http.limits.candidatesMax)
        return rows.compactMap { mapping().title($0, kind: query.kind == .series ? .series : .movie) }
    }

    package func title(_ id: Int64, kind: SubjectKind) async throws(ProviderError) -> ProviderFacts {
        let address = address(kind == .movie ? "movies" : "series", String(id), "extended")
            .with("meta", "translations").with("short", "true")
        guard let facts = mapping().title(try await json(address)["data"], kind: kind) else {
            throw .malformed("the record has no id")
        }
        return facts
    }

    package func episode(series: Int64, season: Int, number: Int) async throws(ProviderError) -> ProviderFacts {
        guard let facts = try await listed(series: series, season: season, number: number)?.first else {
            throw .notFound
        }
        return facts
    }

    private func episode(
        of series: SubjectIDs, season: Int, number: Int
    ) async throws(ProviderError) -> ProviderFacts? {
        var others = series
        others.tvdb = nil
        if let id = series.tvdb {
            if let found = try await listed(series: id, season: season, number: number) {
                guard let facts = found.first else { throw .notFound }
                return facts
            }
            if others.imdb == nil, others.tmdb == nil { throw .notFound }
        }
        guard let id = try await record(.series, others)?.ids.tvdb else { return nil }
        return try await episode(series: id, season: season, number: number)
    }

    /// Returns the episode of that number, if there is one; nil if TVDb does not have the series.
    private func listed(
        series: Int64, season: Int, number: Int
    ) async throws(ProviderError) -> [ProviderFacts]? {
        let address = address("series", String(series), "episodes", "official").with("page", "0")
            .with("season", String(season)).with("episodeNumber", String(number))
        let rows: [JSONView]
        do throws(ProviderError) {
            rows = try await json(address)["data"]["episodes"].array
        } catch .notFound {
            return nil
        }
        let found = rows.prefix(ProviderLimits.childrenMax).lazy.compactMap { mapping().episode($0) }
            .first { $0.seasonNumber == season && $0.episodeNumber == number }
        guard var facts = found else { return [] }
        facts.seriesIDs.tvdb = series
        return [facts]
    }

    /// Returns the record that the ids mean; nil if there is none to look it up by. Each id is tried in turn: a TVDb id
    /// may have been withdrawn, or may be wrong.
    private func record(_ kind: SubjectKind, _ ids: SubjectIDs) async throws(ProviderError) -> ProviderFacts? {
        if let id = ids.tvdb, let found = try await known(id, kind: kind) { return found }
        if let imdb = ids.imdb, let found = try await remote(imdb, kind: kind, fits: { $0.imdb == imdb }) {
            return found
        }
        if let tmdb = ids.tmdb, let found = try await remote(String(tmdb), kind: kind, fits: { $0.tmdb == tmdb }) {
            return found
        }
        if ids.tvdb != nil || ids.imdb != nil || ids.tmdb != nil { throw .notFound }
        return nil
    }

    /// Returns the title of a TVDb id, or nil if TVDb does not have it.
    private func known(_ id: Int64, kind: SubjectKind) async throws(ProviderError) -> ProviderFacts? {
        do throws(ProviderError) {
            return try await title(id, kind: kind)
        } catch .notFound {
            return nil
        }
    }

    /// Returns the title that an outside id means. The answer may hold several unrelated ones, so a row counts only if
    /// its own record names the id, or if it is the only one and names none.
    private func remote(
        _ id: String, kind: SubjectKind, fits: (SubjectIDs) -> Bool
    ) async throws(ProviderError) -> ProviderFacts? {
        let rows: [JSONView]
        do throws(ProviderError) {
            rows = try await json(address("search", "remoteid", id))["data"].array
        } catch .notFound {
            return nil
        }
        let found = rows.compactMap { $0[kind == .movie ? "movie" : "series"]["id"].outsideID }
        for candidate in found.prefix(Self.remoteCandidatesMax) {
            guard let told = try await known(candidate, kind: kind) else { continue }
            if fits(told.ids) { return told }
            if found.count == 1, told.ids.imdb == nil, told.ids.tmdb == nil { return told }
        }
        return nil
    }

    /// The most rows of a lookup that are considered.
    private static let remoteCandidatesMax = 3

    private func mapping() -> TVDbMapping { TVDbMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(settings.url)) { $0.appending($1) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.json(address, keeping: TVDbMapping.members, by: tokens)
    }

    private static func login(
        _ settings: TVDbSettings, _ http: ProviderHTTP, nowMilliseconds: @Sendable () -> Int64
    ) async throws(ProviderError) -> ProviderToken {
        // An empty PIN is not the same as none.
        var members: [(name: String, value: JSONValue)] = [("apikey", .string(settings.key.revealed))]
        if let pin = settings.pin { members.append(("pin", .string(pin.revealed))) }
        return try await http.post(
            ProviderAddress(settings.url).appending("login"), contentType: "application/json",
            body: encodeJSON(JSONValue.object(JSONObject(members)))
        ) { (answer) throws(ProviderError) in
            if let failure = answer.failure(http.limits) { throw failure }
            let view = try answer.json(keeping: TVDbMapping.members)
            guard let token = view["data"]["token"].string, !token.isEmpty else {
                throw .malformed("the login returned no token")
            }
            return ProviderToken(
                text: Secret(token), renewAtMilliseconds: nowMilliseconds() + TVDbSettings.tokenMilliseconds)
        }
    }
}
