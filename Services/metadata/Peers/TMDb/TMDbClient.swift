package import Cryptography
import JSON

/// The address and credentials for TMDb, and what is asked of it.
package struct TMDbSettings: Sendable {
    /// The base URL with the version, such as "https://api.themoviedb.org/3".
    package let url: String
    /// A version 3 key (32 hexadecimal digits, sent in the query) or a read access token (sent as a bearer token).
    package let key: Secret
    /// The language of names and overviews: ISO 639-1, optionally with a country.
    package let language: String
    /// The country whose certification is used, ISO 3166-1; that of the United States if it has none.
    package let region: String
    /// The base URL of images, without a trailing slash.
    package let imageURL: String

    package init(
        url: String, key: Secret, language: String = "en-US", region: String = "US",
        imageURL: String = "https://image.tmdb.org/t/p"
    ) {
        self.url = url
        self.key = key
        self.language = language
        self.region = region
        self.imageURL = imageURL
    }
}

/// A client of TMDb's version 3 API.
package struct TMDbClient: ProviderClient {
    package let provider = ProviderID.tmdb
    private let settings: TMDbSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: TMDbSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by TMDb id; otherwise finds the title by IMDb id, by TVDb id, or by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        try await facts(subject, kept: nil)
    }

    package func facts(
        _ subject: ProviderSubject, kept: ProviderFacts?
    ) async throws(ProviderError) -> ProviderFacts? {
        switch subject.kind {
        case .movie, .series:
            guard let id = try await id(subject) else { return nil }
            let kept = kept.flatMap { $0.kind == subject.kind && $0.ids.tmdb == id ? $0 : nil }
            return subject.kind == .movie ? try await movie(id, kept: kept) : try await series(id, kept: kept)
        case .season:
            guard let number = subject.seasonNumber, let series = try await seriesID(subject) else { return nil }
            return try await season(series: series, number: number)
        case .episode:
            if let season = subject.seasonNumber, let number = subject.episodeNumber,
                let series = try await seriesID(subject)
            {
                return try await episode(series: series, season: season, number: number)
            }
            guard let imdb = subject.ids.imdb else { return nil }
            guard let found = try await find(imdb: imdb, kind: .episode),
                let series = found.seriesIDs.tmdb, let season = found.seasonNumber, let number = found.episodeNumber
            else { throw .notFound }
            return try await episode(series: series, season: season, number: number)
        }
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        try await browse(query).whole()
    }

    package func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds {
        try await query.withYearsBeside { (query) async throws(ProviderError) in try await found(query) }
    }

    private func found(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let isMovie = query.kind != .series
        let address = address("search", isMovie ? "movie" : "tv").with("query", query.name)
            .with(isMovie ? "primary_release_year" : "first_air_date_year", query.year.map { String($0) })
        let rows = try await json(address)["results"].array.prefix(http.limits.candidatesMax)
        let mapping = mapping()
        return rows.compactMap { mapping.title($0, kind: isMovie ? .movie : .series) }
    }

    /// Returns what TMDb has for an IMDb id, in the short form of a search; nil if it has nothing of that kind.
    package func find(imdb: String, kind: SubjectKind) async throws(ProviderError) -> ProviderFacts? {
        try await find(imdb, source: "imdb_id", kind: kind).map {
            var facts = $0
            facts.ids.imdb = imdb
            return facts
        }
    }

    package func movie(_ id: Int64, kept: ProviderFacts? = nil) async throws(ProviderError) -> ProviderFacts {
        let address = address("movie", String(id)).with("append_to_response", "external_ids,release_dates")
        return try await record(address, kept: kept) { mapping().title($0, kind: .movie) }
    }

    package func series(_ id: Int64, kept: ProviderFacts? = nil) async throws(ProviderError) -> ProviderFacts {
        let address = address("tv", String(id)).with("append_to_response", "external_ids,content_ratings")
        return try await record(address, kept: kept) { mapping().title($0, kind: .series) }
    }

    /// Returns the full record, or what was kept of it if it is unchanged.
    private func record(
        _ address: ProviderAddress, kept: ProviderFacts?, _ read: (JSONView) -> ProviderFacts?
    ) async throws(ProviderError) -> ProviderFacts {
        let (told, validator) = try await asked(address, validator: kept?.validator)
        guard let told else { return try whole(kept?.confirmed(atMilliseconds: nowMilliseconds())) }
        var facts = try whole(read(told))
        // What was quarantined is read again next time.
        if facts.quarantined.isEmpty { facts.validator = validator }
        return facts
    }

    /// Returns a season with its episodes.
    package func season(series: Int64, number: Int) async throws(ProviderError) -> ProviderFacts {
        let address = address("tv", String(series), "season", String(number)).with("append_to_response", "external_ids")
        let value = try await asked(address, validator: nil, bytesMax: http.limits.seasonBytesMax).value
        return try whole(mapping().season(value ?? .null, series: series))
    }

    package func episode(series: Int64, season: Int, number: Int) async throws(ProviderError) -> ProviderFacts {
        let address = address("tv", String(series), "season", String(season), "episode", String(number))
            .with("append_to_response", "external_ids")
        return try whole(mapping().episode(try await json(address), series: series))
    }

    private func id(_ subject: ProviderSubject) async throws(ProviderError) -> Int64? {
        if let id = subject.ids.tmdb { return id }
        let imdb = subject.ids.imdb
        // TMDb knows TVDb's ids of series only.
        let tvdb = subject.kind == .series ? subject.ids.tvdb : nil
        if let imdb, let found = try await find(imdb: imdb, kind: subject.kind) { return found.ids.tmdb }
        if let tvdb, let found = try await find(String(tvdb), source: "tvdb_id", kind: .series) {
            return found.ids.tmdb
        }
        if imdb != nil || tvdb != nil { throw .notFound }
        // If ids are known that TMDb cannot be asked by, a name could only lead to another title.
        guard subject.isNameOnly, let name = subject.name else { return nil }
        let found = try await search(ProviderQuery(kind: subject.kind, name: name, year: subject.year))
        let best = TitleMatch.best(name: name, year: subject.year, among: found.map(\.candidate))
        guard let best else { throw .notFound }
        return found[best].ids.tmdb
    }

    private func seriesID(_ subject: ProviderSubject) async throws(ProviderError) -> Int64? {
        guard subject.seriesIDs != SubjectIDs() else { return nil }
        return try await id(ProviderSubject(kind: .series, ids: subject.seriesIDs))
    }

    private func find(
        _ id: String, source: String, kind: SubjectKind
    ) async throws(ProviderError) -> ProviderFacts? {
        let found = try await json(address("find", id).with("external_source", source))
        let mapping = mapping()
        switch kind {
        case .movie: return mapping.title(found["movie_results"][0], kind: .movie)
        case .series: return mapping.title(found["tv_results"][0], kind: .series)
        case .season: return nil
        case .episode:
            let row = found["tv_episode_results"][0]
            return row["show_id"].int.flatMap { mapping.episode(row, series: Int64($0)) }
        }
    }

    private func mapping() -> TMDbMapping {
        TMDbMapping(
            fetchedAtMilliseconds: nowMilliseconds(), region: settings.region, imageURL: settings.imageURL)
    }

    private func whole(_ facts: ProviderFacts?) throws(ProviderError) -> ProviderFacts {
        guard let facts else { throw .malformed("the record has no id") }
        return facts
    }

    private func address(_ segments: String...) -> ProviderAddress {
        var address = ProviderAddress(settings.url)
        for segment in segments { address = address.appending(segment) }
        address = address.with("language", settings.language)
        return isQueryKey ? address.with("api_key", settings.key.revealed) : address
    }

    /// Whether the key is a version 3 key, which is refused as a bearer token.
    private var isQueryKey: Bool {
        let key = settings.key.revealed.utf8
        return key.count == 32 && key.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await asked(address, validator: nil).value ?? .null
    }

    /// Returns the JSON of an address and its validator; no value if nothing has changed.
    private func asked(
        _ address: ProviderAddress, validator: String?, bytesMax: Int? = nil
    ) async throws(ProviderError) -> (value: JSONView?, validator: String?) {
        let bearer = isQueryKey ? [] : [(name: "authorization", value: "Bearer \(settings.key.revealed)")]
        return try await http.get(address, headers: bearer, validator: validator, bytesMax: bytesMax) {
            (answer) throws(ProviderError) -> (value: JSONView?, validator: String?) in
            if answer.isUnchanged, validator != nil { return (nil, validator) }
            if let failure = answer.failure(http.limits) { throw failure }
            return (try answer.json(keeping: TMDbMapping.members), answer.validator)
        }
    }
}
