package import Cryptography
import Synchronization

/// The address and credentials for AniDB.
package struct AniDBSettings: Sendable {
    /// The base URL, such as "http://api.anidb.net:9001".
    package let url: String
    /// The client's name and version, as registered with AniDB.
    package let client: Secret
    package let version: Int

    /// `client` is the name, or the name and version separated by a slash: "reelay/1".
    package init(url: String, client: Secret) {
        self.url = url
        let parts = client.revealed.split(separator: "/", maxSplits: 1)
        self.client = Secret(String(parts.first ?? ""))
        version = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
    }
}

/// A client of AniDB's HTTP API, which answers for one entry at a time and has no search.
package final class AniDBClient: ProviderClient {
    package let provider = ProviderID.anidb
    private let settings: AniDBSettings
    private let http: ProviderHTTP
    private let nowMilliseconds: @Sendable () -> Int64
    /// Milliseconds since 1970. Asking a provider that has banned us prolongs the ban.
    private let bannedUntil = Mutex<Int64>(0)

    /// `nowMilliseconds` is the wall clock, in milliseconds since 1970.
    package init(settings: AniDBSettings, http: ProviderHTTP, nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.settings = settings
        self.http = http
        self.nowMilliseconds = nowMilliseconds
    }

    /// Asks by AniDB's id, which the mappings of other providers lead to; an entry's episodes come with it.
    package func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
        guard subject.kind != .episode, let id = subject.ids.anidb else { return nil }
        var facts = try await shelved(id, as: subject.kind)
        facts.seriesIDs = subject.seriesIDs
        facts.seasonNumber = subject.seasonNumber
        return facts
    }

    /// AniDB has no search.
    package func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }

    /// Returns an entry, asking for it at most once a day, across all replicas and whatever the outcome.
    private func shelved(_ id: Int64, as kind: SubjectKind) async throws(ProviderError) -> ProviderFacts {
        guard let shelf = http.shelf else { return try await entry(id, as: kind) }
        let name = String(id)
        switch await shelf.find(name) {
        case .told(let facts): return facts.regarded(as: kind)
        case .absent: throw .notFound
        case .asked: throw .busy
        case .unasked: break
        }
        do throws(ProviderError) {
            let facts = try await entry(id, as: kind) { () async throws(ProviderError) in
                // Another call may have asked while this one waited for its turn.
                guard await shelf.claim(name) else { throw .busy }
            }
            await shelf.keep(facts, of: name)
            return facts
        } catch .notFound {
            await shelf.keep(nil, of: name)
            throw .notFound
        }
    }

    package func entry(
        _ id: Int64, as kind: SubjectKind,
        onTurn: () async throws(ProviderError) -> Void = { () async throws(ProviderError) in }
    ) async throws(ProviderError) -> ProviderFacts {
        let end = bannedUntil.withLock { $0 }
        if end > nowMilliseconds() { throw .quota(untilMilliseconds: end) }
        let address = ProviderAddress(settings.url).appending("httpapi").with("request", "anime")
            .with("client", settings.client.revealed).with("clientver", String(settings.version))
            .with("protover", "1").with("aid", String(id))
        return try await http.get(
            address, headers: [(name: "accept", value: "text/xml")],
            read: { (answer) throws(ProviderError) in try read(answer, as: kind) }, onTurn: onTurn)
    }

    private func read(_ answer: ProviderHTTPAnswer, as kind: SubjectKind) throws(ProviderError) -> ProviderFacts {
        if let failure = answer.failure(http.limits) { throw failure }
        let body = try AniDBAnswer.unpacked(answer.body, bytesMax: http.limits.bodyBytesMax)
        switch try AniDBAnswer.content(body) {
        case .error(let text): throw refused(text)
        case .anime(let reader):
            let facts: ProviderFacts?
            do throws(XMLError) {
                facts = try AniDBMapping(fetchedAtMilliseconds: nowMilliseconds()).entry(reader, as: kind)
            } catch {
                throw .malformed("the record is broken: \(error.reason)")
            }
            guard let facts else { throw .malformed("the record has no id") }
            return facts
        }
    }

    private func refused(_ text: String) -> ProviderError {
        let failure = AniDBAnswer.failure(text, nowMilliseconds: nowMilliseconds())
        if case .quota(let end?) = failure { bannedUntil.withLock { $0 = max($0, end) } }
        return failure
    }
}
