import JSON

/// A client of AniList's GraphQL API, which needs no key.
package struct AniListClient: ProviderClient {
    package let provider = ProviderID.anilist
    /// The endpoint, such as "https://graphql.anilist.co".
    private let url: String
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    private static let fields = """
        id idMal format siteUrl title { romaji english native } synonyms startDate { year month day } \
        endDate { year month day } duration description(asHtml: false) genres countryOfOrigin averageScore \
        coverImage { extraLarge large } stats { scoreDistribution { score amount } }
        """
    private static let oneByID = "query ($id: Int) { Media(id: $id, type: ANIME) { \(fields) } }"
    private static let oneByMAL = "query ($idMal: Int) { Media(idMal: $idMal, type: ANIME) { \(fields) } }"
    private static let search = """
        query ($search: String, $perPage: Int) { Page(page: 1, perPage: $perPage) { \
        media(search: $search, type: ANIME, isAdult: false) { \(fields) } } }
        """
    /// The most entries of one search that are read.
    private static let pageMax = 20

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(url: String, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.url = url
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by AniList's or MyAnimeList's id; otherwise, if the title is or may be anime, by name and year.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        guard subject.kind != .episode else { return nil }
        if let id = subject.ids.anilist {
            return try await entry(Self.oneByID, ["id": .number(JSONNumber(Int(id)))], subject)
        }
        if let id = subject.ids.myanimelist {
            return try await entry(Self.oneByMAL, ["idMal": .number(JSONNumber(Int(id)))], subject)
        }
        guard subject.kind != .season, subject.isAnimeToFind else { return nil }
        let found = try await search(
            ProviderQuery(kind: subject.kind, name: subject.name ?? "", year: subject.year))
        guard let match = subject.match(in: found) else { throw .notFound }
        return match
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let count = min(http.limits.candidatesMax, Self.pageMax)
        let data: JSONView
        do throws(ProviderError) {
            data = try await ask(
                Self.search, ["search": .string(query.name), "perPage": .number(JSONNumber(count))])
        } catch .notFound {
            return []
        }
        let mapping = mapping()
        return data["Page"]["media"].array.prefix(count).compactMap { value in
            AniListMapping.kind(value).flatMap { $0 == query.kind ? mapping.entry(value, as: $0) : nil }
        }
    }

    private func entry(
        _ query: String, _ variables: JSONValue, _ subject: ProviderSubject
    ) async throws(ProviderError) -> ProviderFacts {
        let value = try await ask(query, variables)["Media"]
        guard var facts = mapping().entry(value, as: subject.kind) else { throw .notFound }
        facts.seriesIDs = subject.seriesIDs
        facts.seasonNumber = subject.seasonNumber
        return facts
    }

    private func mapping() -> AniListMapping { AniListMapping(fetchedAtMilliseconds: nowMilliseconds()) }

    /// Returns the `data` of an answer. Errors may come with status 200, so they are checked before the data.
    private func ask(_ query: String, _ variables: JSONValue) async throws(ProviderError) -> JSONView {
        let body = encodeJSON(["query": .string(query), "variables": variables] as JSONValue)
        return try await http.post(ProviderAddress(url), contentType: "application/json", body: body) {
            (answer) throws(ProviderError) in
            try AniListAnswer.data(answer, limits: http.limits)
        }
    }
}
