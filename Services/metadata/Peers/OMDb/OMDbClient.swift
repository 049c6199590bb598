package import Cryptography
import JSON

/// The address and credentials for OMDb.
package struct OMDbSettings: Sendable {
    /// The base URL, such as "https://www.omdbapi.com/".
    package let url: String
    package let key: Secret

    package init(url: String, key: Secret) {
        self.url = url
        self.key = key
    }
}

/// A client of OMDb, which has the figures of IMDb, Rotten Tomatoes, and Metacritic by IMDb id.
package struct OMDbClient: ProviderClient {
    package let provider = ProviderID.omdb
    private let settings: OMDbSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: OMDbSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by IMDb id; otherwise, for an episode, by its series and numbers; otherwise by name and year. OMDb has no
    /// records of seasons.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        if subject.kind == .season { return nil }
        if let imdb = subject.ids.imdb { return try await title(imdb: imdb) }
        if subject.kind == .episode {
            guard let series = subject.seriesIDs.imdb, let season = subject.seasonNumber,
                let number = subject.episodeNumber
            else { return nil }
            return try await episode(seriesIMDb: series, season: season, number: number)
        }
        guard let name = subject.name, let year = subject.year else { return nil }
        return try await title(name: name, year: year, kind: subject.kind)
    }

    package func title(imdb: String) async throws(ProviderError) -> ProviderFacts {
        try await record(address.with("i", imdb).with("plot", "full"))
    }

    /// Returns the title of that name and year, or of an adjacent year. Also throws `notFound` if OMDb answers with
    /// another title.
    package func title(name: String, year: Int, kind: SubjectKind) async throws(ProviderError) -> ProviderFacts {
        let named = address.with("t", name).with("type", kind.rawValue).with("plot", "full")
        // Without a year OMDb returns the best-known title: most names have only one, and calls are scarce.
        for address in [named.with("y", String(year)), named] {
            do throws(ProviderError) {
                let facts = try await record(address)
                if TitleMatch.best(name: name, year: year, among: [facts.candidate]) != nil { return facts }
            } catch .notFound {
                continue
            }
        }
        throw .notFound
    }

    package func episode(
        seriesIMDb: String, season: Int, number: Int
    ) async throws(ProviderError) -> ProviderFacts {
        try await record(
            address.with("i", seriesIMDb).with("Season", String(season)).with("Episode", String(number))
                .with("plot", "full"))
    }

    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        try await browse(query).whole()
    }

    package func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds {
        let exact = try await found(query)
        guard let year = query.year, !query.isAnswered(by: exact) else { return ProviderFinds(exact) }
        do throws(ProviderError) {
            let others = try await found(query.inYear(nil))
            return ProviderFinds(
                exact + others.filter { facts in facts.released.map { abs($0.year - year) == 1 } ?? false })
        } catch {
            return ProviderFinds(exact, missed: error)
        }
    }

    private func found(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] {
        let address = address.with("s", query.name).with("y", query.year.map { String($0) })
            .with("type", query.kind.rawValue)
        do throws(ProviderError) {
            let mapping = OMDbMapping(fetchedAtMilliseconds: nowMilliseconds())
            let rows = try await json(address)["Search"].array.prefix(http.limits.candidatesMax)
            return rows.compactMap { mapping.title($0) }
        } catch .notFound {
            return []
        }
    }

    private var address: ProviderAddress { ProviderAddress(settings.url).with("apikey", settings.key.revealed) }

    private func record(_ address: ProviderAddress) async throws(ProviderError) -> ProviderFacts {
        let value = try await json(address)
        guard let facts = OMDbMapping(fetchedAtMilliseconds: nowMilliseconds()).title(value) else {
            // A game, or a record without an id.
            throw .notFound
        }
        return facts
    }

    private func json(_ address: ProviderAddress) async throws(ProviderError) -> JSONView {
        try await http.get(address) { (answer) throws(ProviderError) in
            // A wrong key and an exhausted allowance are both 401; the body tells them apart.
            if answer.status != 401, let failure = answer.failure(http.limits) { throw failure }
            return try OMDbAnswer.checked(answer, nowMilliseconds: nowMilliseconds())
        }
    }
}
