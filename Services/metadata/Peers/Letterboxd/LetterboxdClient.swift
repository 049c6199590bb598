package import Cryptography
import JSON

/// The address and credentials for Letterboxd.
package struct LetterboxdSettings: Sendable {
    /// The base URL with the version, such as "https://api.letterboxd.com/api/v0".
    package let url: String
    package let clientID: Secret
    package let clientSecret: Secret

    package init(url: String, clientID: Secret, clientSecret: Secret) {
        self.url = url
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    /// The lifetime of a token whose answer does not state it, in seconds.
    static let tokenSecondsDefault: Int64 = 3_600
}

/// A client of Letterboxd with client credentials, for films and the few series that it has.
package struct LetterboxdClient: ProviderClient {
    package let provider = ProviderID.letterboxd
    private let settings: LetterboxdSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64
    private let tokens: ProviderTokens

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: LetterboxdSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
        tokens = ProviderTokens(nowMilliseconds: nowMilliseconds) { () async throws(ProviderError) in
            try await Self.token(settings, http, nowMilliseconds: nowMilliseconds)
        }
    }

    /// Asks by Letterboxd's id; otherwise looks the film up by IMDb or TMDb id, or by name and year. A TMDb id is only
    /// used for films: Letterboxd's lookup does not say which of TMDb's two numberings it means.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        guard subject.kind == .movie || subject.kind == .series else { return nil }
        // If nothing else is known of the title, its record is read for its other ids.
        if let id = subject.ids.letterboxd, subject.name != nil, !subject.isNameOnly {
            var facts = ProviderFacts(
                provider: .letterboxd, kind: subject.kind, fetchedAtMilliseconds: nowMilliseconds())
            facts.ids.letterboxd = id
            // The statistics name no page; the film's short address leads to it.
            facts.add(mapping().score(try await statistics(id), url: "https://boxd.it/\(id)"))
            return facts
        }
        guard let row = try await row(subject) else { return nil }
        guard var facts = mapping().film(row, kind: subject.kind), let id = facts.ids.letterboxd else {
            throw .malformed("the record has no id")
        }
        facts.add(mapping().score(try await statistics(id), url: mapping().link(row)))
        return facts
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        try await rows(query).compactMap { mapping().film($0, kind: query.kind) }
    }

    private func statistics(_ id: String) async throws(ProviderError) -> JSONView {
        try await json(address("film", id, "statistics"))
    }

    /// Returns the film's record, or nil if nothing known leads to it.
    private func row(_ subject: ProviderSubject) async throws(ProviderError) -> JSONView? {
        if let id = subject.ids.letterboxd { return try await json(address("film", id)) }
        let tmdb = subject.kind == .movie ? subject.ids.tmdb : nil
        if subject.ids.imdb != nil || tmdb != nil {
            // The ids name the same film; both are given because Letterboxd may know only one of them.
            let address = address("films").with("filmId", subject.ids.imdb.map { "imdb:\($0)" })
                .with("filmId", tmdb.map { "tmdb:\($0)" }).with("perPage", "5")
            let found = try await json(address)["items"].array
            guard let first = found.first else { throw .notFound }
            // Two films for two ids of one title: which one is meant cannot be told.
            guard found.allSatisfy({ $0["id"].string == first["id"].string }) else { throw .notFound }
            return first
        }
        guard subject.isNameOnly, subject.kind == .movie else { return nil }
        let rows = try await rows(ProviderQuery(kind: .movie, name: subject.name ?? "", year: subject.year))
        guard let match = subject.match(in: rows.compactMap { mapping().film($0, kind: .movie) }) else {
            throw .notFound
        }
        return rows.first { $0["id"].string == match.ids.letterboxd }
    }

    /// Letterboxd's search takes no year, so rows more than a year off are left out here.
    private func rows(_ query: ProviderQuery) async throws(ProviderError) -> [JSONView] {
        let address = address("search").with("input", query.name).with("searchMethod", "FullText")
            .with("include", "FilmSearchItem").with("perPage", "20")
        let films = try await json(address)["items"].array.prefix(http.limits.candidatesMax).map { $0["film"] }
        guard let year = query.year else { return films }
        return films.filter { film in film["releaseYear"].int.map { abs($0 - year) <= 1 } ?? true }
    }

    private func mapping() -> LetterboxdMapping { LetterboxdMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(settings.url)) { $0.appending($1) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.json(address, keeping: LetterboxdMapping.members, by: tokens)
    }

    private static func token(
        _ settings: LetterboxdSettings, _ http: ProviderHTTP, nowMilliseconds: @Sendable () -> Int64
    ) async throws(ProviderError) -> ProviderToken {
        let members = ProviderAddress("").with("grant_type", "client_credentials")
            .with("client_id", settings.clientID.revealed).with("client_secret", settings.clientSecret.revealed)
        return try await http.post(
            ProviderAddress(settings.url).appending("auth").appending("token"),
            contentType: "application/x-www-form-urlencoded", body: Array(members.form.utf8)
        ) { (answer) throws(ProviderError) in
            if answer.status == 400, !answer.isHTML { throw .unauthorized }
            if let failure = answer.failure(http.limits) { throw failure }
            let value = try answer.json(keeping: LetterboxdMapping.members)
            guard let token = value["access_token"].string, !token.isEmpty else {
                throw .malformed("the token endpoint returned no token")
            }
            let told = value["expires_in"].tally ?? LetterboxdSettings.tokenSecondsDefault
            let seconds = min(max(told, 0), 30 * 86_400)
            // A tenth of its lifetime is left for calls under way.
            return ProviderToken(text: Secret(token), renewAtMilliseconds: nowMilliseconds() + seconds * 900)
        }
    }
}
