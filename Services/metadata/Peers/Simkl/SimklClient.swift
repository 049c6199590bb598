package import Cryptography
import JSON

/// The address and credentials for Simkl.
package struct SimklSettings: Sendable {
    /// The base URL, such as "https://api.simkl.com".
    package let url: String
    package let clientID: Secret
    /// Both are sent with every call: Simkl refuses clients that do not identify themselves.
    package let appName: String
    package let appVersion: String

    package init(url: String, clientID: Secret, appName: String = "reelay", appVersion: String = "1.0") {
        self.url = url
        self.clientID = clientID
        self.appName = appName
        self.appVersion = appVersion
    }
}

/// A client of Simkl's public API.
package struct SimklClient: ProviderClient {
    package let provider = ProviderID.simkl
    private let settings: SimklSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: SimklSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by Simkl or IMDb id; otherwise looks the title up by its ids at other sites, or by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        switch subject.kind {
        case .movie, .series: return try await title(subject)
        case .season: return nil
        case .episode:
            guard let series = subject.seriesIDs.simkl, let season = subject.seasonNumber,
                let number = subject.episodeNumber
            else { return nil }
            let rows = try await json(address("tv", "episodes", String(series))).array
            let episodes = rows.prefix(ProviderLimits.childrenMax).lazy.compactMap {
                mapping().episode($0, series: SubjectIDs(simkl: series))
            }
            let found = episodes.first { $0.seasonNumber == season && $0.episodeNumber == number }
            guard let found else { throw .notFound }
            return found
        }
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let isMovie = query.kind != .series
        let address = address("search", isMovie ? "movie" : "tv").with("q", query.name)
            .with("limit", String(http.limits.candidatesMax)).with("extended", "full")
        let rows = try await json(address).array.prefix(http.limits.candidatesMax)
        // Simkl's search takes no year, so rows more than a year off are left out here.
        return rows.compactMap { mapping().title($0, kind: isMovie ? .movie : .series) }
            .filter { facts in
                guard let year = query.year, let other = facts.released?.year else { return true }
                return abs(other - year) <= 1
            }
    }

    private func title(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        if let key = subject.ids.simkl.map({ String($0) }) ?? subject.ids.imdb {
            return try await record(key, folder: Self.folder(subject), kind: subject.kind)
        }
        let ids = subject.ids
        // TMDb's and TVDb's numbers mean several titles, so Simkl is told the kind.
        let places: [(String, Int64?)] = [
            ("tvdb", ids.tvdb), ("tmdb", ids.tmdb), ("mal", ids.myanimelist), ("anidb", ids.anidb),
            ("anilist", ids.anilist), ("kitsu", ids.kitsu),
        ]
        var wasAsked = false
        for case (let place, let id?) in places {
            wasAsked = true
            let address = address("search", "id").with(place, String(id))
                .with("type", subject.kind == .movie ? "movie" : "show")
            let rows = try await json(address).array.filter { SimklMapping.kind($0) == subject.kind }
            guard rows.count == 1, let simkl = rows[0]["ids"]["simkl"].outsideID else { continue }
            let isAnime = rows[0]["type"].string == "anime"
            return try await record(
                String(simkl), folder: isAnime ? "anime" : Self.folder(subject), kind: subject.kind)
        }
        if wasAsked { throw .notFound }
        guard subject.isNameOnly else { return nil }
        let found = try await search(
            ProviderQuery(kind: subject.kind, name: subject.name ?? "", year: subject.year))
        guard let id = subject.match(in: found)?.ids.simkl else { throw .notFound }
        return try await record(String(id), folder: Self.folder(subject), kind: subject.kind)
    }

    private func record(
        _ key: String, folder: String, kind: SubjectKind
    ) async throws(ProviderError) -> ProviderFacts {
        let value = try await json(address(folder, key).with("extended", "full"))
        // Without an id, or of another kind than was asked for, it is not the title that is meant.
        guard let facts = mapping().title(value, kind: kind) else { throw .notFound }
        return facts
    }

    private static func folder(_ subject: ProviderSubject) -> String {
        if subject.kind == .movie { return "movies" }
        return subject.isAnime == true && subject.ids.simkl != nil ? "anime" : "tv"
    }

    private func mapping() -> SimklMapping { SimklMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(settings.url)) { $0.appending($1) }
            .with("client_id", settings.clientID.revealed).with("app-name", settings.appName)
            .with("app-version", settings.appVersion)
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.get(address) { (answer) throws(ProviderError) in
            // The same answer means a wrong client id or an exhausted allowance: neither is retried for a while.
            if answer.status == 412 {
                let rest = ProviderProfile.simkl.restAfterRefusal.components.seconds * 1_000
                throw .quota(untilMilliseconds: nowMilliseconds() + rest)
            }
            if (300..<400).contains(answer.status) { throw .notFound }
            if let failure = answer.failure(http.limits) { throw failure }
            return try answer.json(keeping: SimklMapping.members)
        }
    }
}
