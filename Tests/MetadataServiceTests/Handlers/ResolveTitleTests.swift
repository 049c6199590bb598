import Contracts
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import MetadataService

/// Resolving one film by different ids, through replicas that share a database.
@Suite struct ResolveTitleTests {
    /// A provider that knows one film by two ids, while it is up.
    private final class OneFilm: ProviderClient {
        let provider = ProviderID.tmdb
        private let isUp = Mutex(true)
        private let asked = Mutex(0)

        var askedCount: Int { asked.withLock(\.self) }
        func set(up: Bool) { isUp.withLock { $0 = up } }

        func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
            asked.withLock { $0 += 1 }
            guard isUp.withLock(\.self) else { throw .unavailable("down") }
            guard subject.ids.imdb == "tt9100001" || subject.ids.tmdb == 910_001 else { throw .notFound }
            var facts = ProviderFacts(provider: .tmdb, kind: .movie, fetchedAtMilliseconds: 0)
            facts.ids = SubjectIDs(imdb: "tt9100001", tmdb: 910_001)
            facts.name = "The Lighthouse Keeper's Clock"
            return facts
        }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }
    }

    private static let byIMDb = ResolveTitleParams(kind: .movie, ids: ExternalIds(imdb: "tt9100001"))
    private static let byTMDb = ResolveTitleParams(kind: .movie, ids: ExternalIds(tmdb: 910_001))

    private static func replica(_ pool: PGPool, _ film: OneFilm) -> Replica { Replica(pool, [film]) }

    private static let titleCount = PGStatement("tests.titles", "SELECT count(*)::bigint FROM titles") {
        row throws(PGError) in try row.next(Int.self)
    }

    private static let aDayAgo = PGCommand(
        "tests.aDayAgo", "UPDATE title_redirects SET merged_at = merged_at - interval '1 day'")

    @Test("Many who resolve one film at once, by either id and at either replica, get one title", arguments: 0..<5)
    func race(round: Int) async throws {
        try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
            let film = OneFilm()
            let titles = try await withThrowingTaskGroup(of: Title.self) { group in
                for number in 0..<20 {
                    let replica = Self.replica(pools[number % 2], film)
                    group.addTask {
                        try await replica.resolve(number / 2 % 2 == 0 ? Self.byIMDb : Self.byTMDb)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(titles.map(\.id)).count == 1)
            #expect(titles.allSatisfy { $0.externalIds.imdb == "tt9100001" && $0.externalIds.tmdb == 910_001 })
            #expect(try await pools[0].first(Self.titleCount) == 1)
        }
    }

    @Test("A title that was made while the provider was down learns its other ids later, and stays one")
    func learnsIDs() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let film = OneFilm()
            let replica = Self.replica(pools[0], film)
            film.set(up: false)
            let local = try await replica.resolve(Self.byIMDb)
            #expect(local.isLocal)
            film.set(up: true)
            let linked = try await replica.resolve(Self.byTMDb)
            #expect(linked.id == local.id)
            #expect(linked.externalIds.tmdb == 910_001)
            film.set(up: false)
            let asked = film.askedCount
            #expect(try await replica.resolve(Self.byTMDb).id == local.id)
            #expect(film.askedCount == asked, "what is known is not asked again")
            #expect(try await pools[0].first(Self.titleCount) == 1)
        }
    }

    @Test("Two titles of which a provider says that they are one become one, under both ids and both old titles' ids")
    func merge() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let film = OneFilm()
            let replica = Self.replica(pools[0], film)
            film.set(up: false)
            let one = try await replica.resolve(Self.byIMDb)
            let other = try await replica.resolve(Self.byTMDb)
            #expect(one.id != other.id)
            film.set(up: true)
            let merged = try await replica.refresh(other.id)
            #expect(merged.id == min(one.id, other.id))
            #expect(merged.externalIds.imdb == "tt9100001" && merged.externalIds.tmdb == 910_001)
            #expect(merged.name == "The Lighthouse Keeper's Clock")
            for id in [one.id, other.id] {
                let found = try await replica.get(id)
                #expect(found.id == merged.id && found.mergedIds == [max(one.id, other.id)])
            }
            #expect(merged.mergedIds == [max(one.id, other.id)])
            #expect(one.mergedIds == nil)
            #expect(try await replica.resolve(Self.byIMDb).id == merged.id)
            #expect(try await pools[0].first(Self.titleCount) == 1)
            let feed = try await replica.redirects(after: 0)
            #expect(feed.map(\.old) == [max(one.id, other.id)] && feed.map(\.new) == [merged.id])
            #expect(try await replica.redirects(after: feed[0].number).isEmpty)
            // By the next day, everybody has heard of it.
            _ = try await pools[0].execute(Self.aDayAgo, [], deadline: .now + .seconds(20))
            #expect(try await replica.get(other.id).mergedIds == nil)
        }
    }

    /// A provider that knows one film, by its name only.
    private final class ByName: ProviderClient {
        let provider = ProviderID.tmdb
        private let asked = Mutex(0)

        var askedCount: Int { asked.withLock(\.self) }

        func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
            asked.withLock { $0 += 1 }
            guard subject.name == "The Lighthouse Keeper's Clock" else { throw .notFound }
            var facts = ProviderFacts(provider: .tmdb, kind: .movie, fetchedAtMilliseconds: 0)
            facts.ids = SubjectIDs(tmdb: 910_001)
            facts.name = subject.name
            return facts
        }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }
    }

    @Test("The id by which a title that is here was asked for leads to it from then on")
    func asked() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let film = ByName()
            let replica = Replica(pools[0], [film])
            let name = "The Lighthouse Keeper's Clock"
            func resolve(_ ids: ExternalIds) async throws -> Title {
                try await replica.resolve(ResolveTitleParams(kind: .movie, ids: ids, name: name))
            }
            let first = try await resolve(ExternalIds(imdb: "tt9100001"))
            let other = try await resolve(ExternalIds(letterboxd: "nkrl"))
            #expect(other.id == first.id)
            #expect(other.externalIds == ExternalIds(imdb: "tt9100001", tmdb: 910_001, letterboxd: "nkrl"))
            let count = film.askedCount
            #expect(try await resolve(ExternalIds(letterboxd: "nkrl")).id == first.id)
            #expect(film.askedCount == count, "what is known is not asked again")
        }
    }

    @Test(
        "An episode of which nobody tells more than its id is a local title, unless its caller wants described ones only"
    )
    func loneID() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let film = OneFilm()
            film.set(up: false)
            let replica = Self.replica(pools[0], film)
            var params = ResolveTitleParams(kind: .episode, ids: ExternalIds(imdb: "tt9100150"), describedOnly: true)
            let error = await #expect(throws: RPCError.self) { try await replica.resolve(params) }
            #expect(error?.code == RegistryError.titleNotFound.code)
            #expect(try await pools[0].first(Self.titleCount) == 0, "nothing was kept")
            params.describedOnly = nil
            let local = try await replica.resolve(params)
            #expect(local.isLocal && local.kind == .episode && local.externalIds.imdb == "tt9100150")
            params.describedOnly = true
            #expect(try await replica.resolve(params).id == local.id, "what is here is found by whoever asks")
        }
    }

    @Test("New seasons and episodes join the series that is here, in a batch too, by its ids or by its name")
    func newChildren() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            func season(_ series: ExternalIds?, _ name: String?, _ number: Int) -> TitleQuery {
                TitleQuery(
                    kind: .season, ids: ExternalIds(), seriesIds: series, seriesName: name, seasonNumber: number)
            }
            let cases: [(ids: ExternalIds?, name: String?)] = [
                (ExternalIds(imdb: "tt9100101", trakt: 7), "Saltmarsh"), (nil, "Glass Meadow"),
            ]
            for (ids, name) in cases {
                let first = try await replica.resolve([season(ids, name, 1)], missing: .create)
                let next = try await replica.resolve((1...3).map { season(ids, name, $0) }, missing: .create)
                #expect(next.map(\.state) == [.known, .created, .created])
                #expect(next.first?.title?.id == first.first?.title?.id)
                #expect(Set(next.map(\.title?.series)) == [first.first?.title?.series])
            }
            // Two series with three seasons each.
            #expect(try await pools[0].first(Self.titleCount) == 8)
        }
    }
}
