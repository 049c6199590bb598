package import Cryptography
import JSON

/// The address and credentials for MyAnimeList.
package struct MyAnimeListSettings: Sendable {
    /// The base URL with the version, such as "https://api.myanimelist.net/v2".
    package let url: String
    package let clientID: Secret

    package init(url: String, clientID: Secret) {
        self.url = url
        self.clientID = clientID
    }

    /// The number of characters of a search; shorter and longer ones are refused.
    static let searchCharacters = 3...64
}

/// A client of MyAnimeList's public API.
package struct MyAnimeListClient: ProviderClient {
    package let provider = ProviderID.myanimelist
    private let settings: MyAnimeListSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// Without these, an answer has only an id, a title, and a picture.
    private static let fields =
        "alternative_titles,start_date,end_date,synopsis,mean,num_scoring_users,media_type,genres,"
        + "average_episode_duration,rating"

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(
        settings: MyAnimeListSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64
    ) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by MyAnimeList's id; otherwise, if the title is or may be anime, by name and year. There is no lookup by
    /// other ids.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        guard subject.kind != .episode else { return nil }
        if let id = subject.ids.myanimelist {
            let value = try await json(address("anime", String(id)).with("fields", Self.fields))
            guard var facts = mapping().entry(value, as: subject.kind) else {
                throw .malformed("the record has no id")
            }
            facts.seriesIDs = subject.seriesIDs
            facts.seasonNumber = subject.seasonNumber
            return facts
        }
        guard subject.kind != .season, subject.isAnimeToFind else { return nil }
        let found = try await search(
            ProviderQuery(kind: subject.kind, name: subject.name ?? "", year: subject.year))
        guard let match = subject.match(in: found) else { throw .notFound }
        return match
    }

    /// Takes no year, so filtering by year is left to the caller.
    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let bounds = MyAnimeListSettings.searchCharacters
        let name = String(query.name.prefix(bounds.upperBound))
        guard name.count >= bounds.lowerBound else { return [] }
        let address = address("anime").with("q", name).with("limit", String(min(http.limits.candidatesMax, 100)))
            .with("fields", Self.fields).with("nsfw", "false")
        let rows = try await json(address)["data"].array.prefix(http.limits.candidatesMax)
        let mapping = mapping()
        return rows.compactMap { row in
            let kind = MyAnimeListMapping.kind(row["node"])
            return kind.flatMap { $0 == query.kind ? mapping.entry(row["node"], as: $0) : nil }
        }
    }

    private func mapping() -> MyAnimeListMapping { MyAnimeListMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    private func address(_ segments: String...) -> ProviderAddress {
        segments.reduce(ProviderAddress(settings.url)) { $0.appending($1) }
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.get(address, headers: [(name: "x-mal-client-id", value: settings.clientID.revealed)]) {
            (answer) throws(ProviderError) in
            // 403 is not a wrong key (that is 401, or 400 with a text) but the firewall in front, for callers that ask
            // too much.
            if answer.status == 403 { throw .rateLimited(retryAfter: ProviderProfile.myanimelist.restAfterRefusal) }
            if answer.status == 400, isUnknownClient(answer) { throw .unauthorized }
            if let failure = answer.failure(http.limits) { throw failure }
            return try answer.json(keeping: MyAnimeListMapping.members)
        }
    }

    private func isUnknownClient(_ answer: ProviderHTTPAnswer) -> Bool {
        let value = try? answer.json(keeping: MyAnimeListMapping.members)
        let texts = [value?["error"].string, value?["message"].string].compactMap { $0?.lowercased() }
        return texts.contains { $0.contains("client") || $0.contains("token") }
    }
}
