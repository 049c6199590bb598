package import Cryptography
import JSON

/// The address and credentials for Trakt.
package struct TraktSettings: Sendable {
    /// The base URL, such as "https://api.trakt.tv".
    package let url: String
    package let clientID: Secret

    package init(url: String, clientID: Secret) {
        self.url = url
        self.clientID = clientID
    }
}

/// A client of Trakt's public API: its own scores, and those of others that it relays.
package struct TraktClient: ProviderClient {
    package let provider = ProviderID.trakt
    private let settings: TraktSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: TraktSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by Trakt or IMDb id; otherwise looks the title up by TMDb or TVDb id, or by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        try await facts(subject, kept: nil)
    }

    package func facts(
        _ subject: ProviderSubject, kept: ProviderFacts?
    ) async throws(ProviderError) -> ProviderFacts? {
        switch subject.kind {
        case .movie, .series: return try await title(subject, kept: kept)
        case .season:
            guard let number = subject.seasonNumber, let series = try await key(.series, subject.seriesIDs) else {
                return nil
            }
            return try await season(series: series, ids: subject.seriesIDs, number: number)
        case .episode:
            guard let season = subject.seasonNumber, let number = subject.episodeNumber,
                let series = try await key(.series, subject.seriesIDs)
            else { return nil }
            let address = address("shows", series, "seasons", String(season), "episodes", String(number))
            let value = try await json(address.with("extended", "full"))
            return try whole(mapping().episode(value, series: subject.seriesIDs))
        }
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let what = query.kind == .series ? "show" : "movie"
        let address = address("search", what).with("query", Self.escaped(query.name)).with("fields", "title")
            // Premieres and releases often fall in different years.
            .with("years", query.year.map { "\($0 - 1)-\($0 + 1)" }).with("extended", "full")
            .with("page", "1").with("limit", String(http.limits.candidatesMax))
        let rows = try await json(address).array.prefix(http.limits.candidatesMax)
        return rows.compactMap { Self.row($0, query.kind == .series ? .series : .movie, mapping()) }
    }

    /// Returns the record and the ratings, fetched concurrently. If Trakt has described the title before, only the
    /// ratings are fetched.
    private func title(
        _ subject: ProviderSubject, kept: ProviderFacts?
    ) async throws(ProviderError) -> ProviderFacts? {
        let kind = subject.kind
        if let id = subject.ids.trakt, let kept, kept.kind == kind, kept.ids.trakt == id, kept.name != nil {
            return try await rated(id, kept)
        }
        if let key = subject.ids.trakt.map({ String($0) }) ?? subject.ids.imdb {
            let address = address(kind == .movie ? "movies" : "shows", key).with("extended", "full")
            async let readings = outcome { () async throws(ProviderError) in try await ratings(key, kind: kind) }
            let record = try whole(mapping().title(try await json(address), kind: kind))
            return Self.joined(record, try await readings.get())
        }
        var found = try await lookup(kind, subject.ids)
        if found == nil {
            guard subject.isNameOnly else { return nil }
            let query = ProviderQuery(kind: kind, name: subject.name ?? "", year: subject.year)
            found = subject.match(in: try await search(query))
        }
        guard let found, let id = found.ids.trakt else { throw .notFound }
        return Self.joined(found, try await ratings(String(id), kind: kind))
    }

    package func ratings(_ key: String, kind: SubjectKind) async throws(ProviderError) -> [ScoreReading] {
        mapping().ratings(try await json(ratingsAddress(key, kind)))
    }

    private func ratingsAddress(_ key: String, _ kind: SubjectKind) -> ProviderAddress {
        address(kind == .movie ? "movies" : "shows", key, "ratings").with("extended", "all")
    }

    /// Returns what was kept, with the current ratings.
    private func rated(_ id: Int64, _ kept: ProviderFacts) async throws(ProviderError) -> ProviderFacts {
        let (told, validator) = try await asked(ratingsAddress(String(id), kept.kind), validator: kept.validator)
        var facts = kept.confirmed(atMilliseconds: nowMilliseconds())
        guard let told else { return facts }
        facts.scores = []
        facts.validator = nil
        for reading in mapping().ratings(told) { facts.add(reading) }
        if facts.quarantined.isEmpty { facts.validator = validator }
        return facts
    }

    private func season(
        series: String, ids: SubjectIDs, number: Int
    ) async throws(ProviderError) -> ProviderFacts {
        let rows = try await json(address("shows", series, "seasons").with("extended", "full")).array
        let seasons = rows.prefix(ProviderLimits.childrenMax).lazy.compactMap { mapping().season($0, series: ids) }
        guard let season = seasons.first(where: { $0.seasonNumber == number }) else { throw .notFound }
        return season
    }

    /// Returns what identifies the title in a path, or nil if nothing known leads to it.
    private func key(_ kind: SubjectKind, _ ids: SubjectIDs) async throws(ProviderError) -> String? {
        if let key = ids.trakt.map({ String($0) }) ?? ids.imdb { return key }
        guard ids.tmdb != nil || ids.tvdb != nil else { return nil }
        guard let id = try await lookup(kind, ids)?.ids.trakt else { throw .notFound }
        return String(id)
    }

    /// Looks a title up by TMDb or TVDb id, always with the kind: one number may mean a film, a series, and a person.
    /// Throws `notFound` if such ids are known, but not to Trakt.
    private func lookup(_ kind: SubjectKind, _ ids: SubjectIDs) async throws(ProviderError) -> ProviderFacts? {
        let what = kind == .movie ? "movie" : "show"
        var wasAsked = false
        for case (let place, let id?) in [("tmdb", ids.tmdb), ("tvdb", ids.tvdb)] {
            wasAsked = true
            let address = address("search", place, String(id)).with("type", what).with("extended", "full")
            let rows = try await json(address).array.filter { $0["type"].string == what }
            if let row = rows.first, rows.count == 1 { return Self.row(row, kind, mapping()) }
        }
        if wasAsked { throw .notFound }
        return nil
    }

    private static func row(_ row: JSONView, _ kind: SubjectKind, _ mapping: TraktMapping) -> ProviderFacts? {
        mapping.title(row[kind == .movie ? "movie" : "show"], kind: kind)
    }

    private static func joined(_ facts: ProviderFacts, _ readings: [ScoreReading]) -> ProviderFacts {
        var facts = facts
        // The link of the record's own score is the better one; Trakt's rating among the others is the same figure.
        for reading in readings { facts.add(reading) }
        return facts
    }

    /// Escapes the query syntax, so that the text is taken literally.
    private static func escaped(_ text: String) -> String {
        let special = "+-&|!(){}[]^\"~*?:/\\"
        return text.reduce(into: "") { result, character in
            if special.contains(character) { result.append("\\") }
            result.append(character)
        }
    }

    private func mapping() -> TraktMapping { TraktMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func whole(_ facts: ProviderFacts?) throws(ProviderError) -> ProviderFacts {
        guard let facts else { throw .malformed("the record has no id") }
        return facts
    }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(settings.url)) { $0.appending($1) }
    }

    private func outcome<Value: Sendable>(
        _ call: () async throws(ProviderError) -> Value
    ) async -> Result<Value, ProviderError> {
        do throws(ProviderError) {
            let value = try await call()
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await asked(address, validator: nil).value ?? .null
    }

    /// Returns the JSON of an address and its validator; no value if nothing has changed.
    private func asked(
        _ address: ProviderAddress, validator: String?
    ) async throws(ProviderError) -> (value: JSONView?, validator: String?) {
        try await http.get(
            address,
            headers: [
                (name: "content-type", value: "application/json"), (name: "trakt-api-version", value: "2"),
                (name: "trakt-api-key", value: settings.clientID.revealed),
            ], validator: validator
        ) { (answer) throws(ProviderError) -> (value: JSONView?, validator: String?) in
            if answer.isUnchanged, validator != nil { return (nil, validator) }
            if answer.status == 412 { throw .unauthorized }
            if let failure = answer.failure(http.limits) { throw failure }
            return (try answer.json(keeping: TraktMapping.members), answer.validator)
        }
    }
}
