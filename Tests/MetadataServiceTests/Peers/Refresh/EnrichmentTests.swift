import AsyncHTTPClient
import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import MetadataService

/// Enrichment against emulated providers and a real database.
@Suite("Enrichment", .serialized)
struct EnrichmentTests {
    /// Runs `body` with two replicas, against emulated TMDb and OMDb, each with gates of the given pace.
    private static func run(
        calls: Int = 1_000, callTimeout: Duration = .seconds(2),
        _ body: @escaping @Sendable ([Replica], RunningUpstreams, [PGPool]) async throws -> Void
    ) async throws {
        try await RunningUpstreams.run { upstreams in
            try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
                let client = HTTPClient(configuration: ProviderHTTP.configuration())
                let outcome: Result<Void, any Error>
                do {
                    outcome = .success(
                        try await body(
                            pools.map { replica($0, upstreams, client, calls: calls, callTimeout: callTimeout) },
                            upstreams, pools))
                } catch { outcome = .failure(error) }
                try await client.shutdown()
                try outcome.get()
            }
        }
    }

    private static func replica(
        _ pool: PGPool, _ upstreams: RunningUpstreams, _ client: HTTPClient, calls: Int, callTimeout: Duration
    ) -> Replica {
        let store = MetadataStore(database: Database(pool: pool))
        let clock = SystemWallClock()
        let gates = Dictionary(
            uniqueKeysWithValues: [ProviderProfile.tmdb, .omdb].map { profile in
                (
                    profile.provider,
                    SharedGate(profile.paced(callsPerSecond: calls), store: store, clock: clock)
                )
            })
        var limits = ProviderLimits.standard
        limits.callTimeout = callTimeout
        let now: @Sendable () -> Int64 = { clock.now.microsecondsSinceEpoch / 1_000 }
        let http = { (provider: ProviderID) in
            ProviderHTTP(client: client, limits: limits, userAgent: "Reelay/test", gate: gates[provider])
        }
        let clients: [any ProviderClient] = [
            TMDbClient(
                settings: TMDbSettings(url: upstreams.url(.tmdb), key: Secret(TMDbEmulator.accessToken)),
                http: http(.tmdb), nowMilliseconds: now),
            OMDbClient(
                settings: OMDbSettings(url: upstreams.url(.omdb), key: Secret(OMDbEmulator.apiKey)),
                http: http(.omdb), nowMilliseconds: now),
        ]
        return Replica(pool, clients, skipped: [.trakt], gates: gates, clock: clock)
    }

    private static let film = ResolveTitleParams(kind: .movie, ids: ExternalIds(imdb: "tt9100001"))

    @Test(
        "a provider that misbehaves costs its own score only, and the outcome says why",
        arguments: [
            (Fault.Kind.html, 200, "web page"), (.oversized, nil, "too large"), (.drip, nil, "in time"),
            (.hang, nil, "in time"), (.truncated, nil, "understood"), (.rateLimited, nil, "too often"),
            (.status, 503, "503"), (.drop, nil, "unavailable"),
        ] as [(Fault.Kind, Int?, String)])
    func badLuck(kind: Fault.Kind, status: Int?, reason: String) async throws {
        try await Self.run(callTimeout: .milliseconds(700)) { replicas, upstreams, _ in
            _ = upstreams.server.desk.add(
                Fault(provider: .tmdb, kind: kind, times: 10, milliseconds: 60_000, status: status))
            let begun = ContinuousClock.now
            let title = try await replicas[0].resolve(Self.film)
            #expect(ContinuousClock.now - begun < .seconds(10))
            #expect(Set(title.externalRatings.map(\.source)) == [.imdb, .rottenTomatoesCritics, .metacritic])
            let outcomes = try await replicas[1].outcomes(title.id)
            let tmdb = outcomes.outcomes.first { $0.provider == .tmdb }
            #expect(tmdb?.outcome == (kind == .rateLimited ? .quota : .error))
            #expect(tmdb?.detail?.contains(reason) == true, "\(tmdb?.detail ?? "nothing")")
            #expect(outcomes.outcomes.first { $0.provider == .omdb }?.outcome == .ok)
            #expect(outcomes.missing.first { $0.source == .tmdb }?.reason.contains("TMDb") == true)
        }
    }

    @Test("the IMDb id of a series is that of no film, although OMDb answers by it")
    func otherKind() async throws {
        try await Self.run { replicas, _, _ in
            let film = ResolveTitleParams(kind: .movie, ids: ExternalIds(imdb: "tt9100101"))
            let error = await #expect(throws: RPCError.self) { try await replicas[0].resolve(film) }
            #expect(error?.code == RegistryError.titleNotFound.code)
            let series = ResolveTitleParams(kind: .series, ids: ExternalIds(imdb: "tt9100101"))
            let found = try await replicas[0].resolve(series)
            #expect(found.name == "Saltmarsh")
        }
    }

    @Test("two replicas together never ask a provider faster than it allows")
    func limits() async throws {
        try await Self.run(calls: 20) { replicas, upstreams, _ in
            for name in [UpstreamName.tmdb, .omdb] {
                // Calls arrive late on a busy machine, so a pace is always kept below what a provider allows. Two
                // replicas that did not share it would call twice as fast.
                upstreams.server.desk.pace.limit(name, calls: 40, per: .milliseconds(1_500))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let params = ResolveTitleParams(
                            kind: .movie, ids: ExternalIds(imdb: "tt91\(10_000 + number)"))
                        // None of them is known; each costs both providers a call.
                        _ = try? await replicas[number % 2].resolve(params)
                    }
                }
                try await group.waitForAll()
            }
            for reading in upstreams.server.desk.pace.readings {
                #expect(reading.calls >= 100)
                #expect(reading.refused == 0 && reading.limitPeak <= 40, "\(reading)")
            }
        }
    }

    @Test("a turn that dies loses nothing: another replica works the title, and the dead one's late write is void")
    func deadTurn() async throws {
        try await Self.run { replicas, _, pools in
            let created = try await replicas[0].resolve(
                [TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt9100001"))], missing: .create)
            let id = try #require(created[0].title?.id)
            let dead = try #require(try await replicas[0].store.leaseDue(1, until: .now + .seconds(5)).first)
            #expect(dead.title.id == id)
            #expect(try await replicas[1].store.leaseDue(1, until: .now + .seconds(5)).isEmpty)
            try await pools[0].execute(
                PGCommand("tests.expire", "UPDATE title_refresh SET lease_until = now() - interval '1 second'"))
            let next = try #require(try await replicas[1].store.leaseDue(1, until: .now + .seconds(5)).first)
            // A turn that has been taken over is not released.
            let lost = TitleTurn(title: dead.title.id, fence: dead.fence)
            try await replicas[0].store.release([lost], until: .now + .seconds(5))
            #expect(try await replicas[0].store.leaseDue(1, until: .now + .seconds(5)).isEmpty)
            let turn = replicas[1].enricher.background()
            _ = try await replicas[1].enricher.work(next, isForced: false, turn: turn, until: turn.deadline)
            let late = replicas[0].enricher.findings([], kept: [], of: dead)
            let isSaved = try await replicas[0].store.save(
                late, of: dead, keys: [], newID: { id }, until: .now + .seconds(5))
            #expect(!isSaved)
            let title = try await replicas[0].get(id)
            #expect(title.name == "The Lighthouse Keeper's Clock" && !title.isLocal && title.externalRatings.count == 4)
            #expect(try await replicas[0].store.leaseDue(1, until: .now + .seconds(5)).isEmpty)
        }
    }

    @Test("a refresh keeps a score that cannot be asked for, and its history knows every change")
    func refresh() async throws {
        try await Self.run { replicas, upstreams, pools in
            let title = try await replicas[0].resolve(Self.film)
            #expect(title.externalRatings.allSatisfy { $0.status == .fresh })
            #expect(try await replicas[0].history(title.id).count == title.externalRatings.count)
            try await pools[0].execute(
                PGCommand(
                    "tests.age",
                    """
                    UPDATE titles SET enriched_at = enriched_at - interval '40 days'
                    """))
            _ = upstreams.server.desk.add(Fault(provider: .omdb, kind: .status, times: 5, status: 500))
            let again = try await replicas[1].refresh(title.id)
            #expect(again.externalRatings.map(\.source) == title.externalRatings.map(\.source))
            #expect(again.externalRatings.filter { $0.status == .stale }.allSatisfy { $0.via == .omdb })
            #expect(again.externalRatings.contains { $0.status == .stale })
            #expect(try await replicas[0].history(title.id).count == title.externalRatings.count)
        }
    }

    @Test("what TMDb says is unchanged is not sent again, and counts as told just now")
    func unchanged() async throws {
        try await Self.run { replicas, upstreams, pools in
            let title = try await replicas[0].resolve(Self.film)
            try await pools[0].execute(
                PGCommand("tests.age", "UPDATE titles SET enriched_at = enriched_at - interval '40 days'"))
            let before = upstreams.server.desk.book(provider: .tmdb).entries.count
            let again = try await replicas[1].refresh(title.id)
            let asked = upstreams.server.desk.book(provider: .tmdb).entries.dropFirst(before)
            #expect(asked.map(\.status) == [304])
            #expect(asked.first?.request.header("if-none-match")?.hasPrefix("W/") == true)
            for (old, new) in zip(title.externalRatings, again.externalRatings) {
                #expect(old.source == new.source && old.value == new.value && new.status == old.status)
                #expect(new.fetchedAt > old.fetchedAt, "\(new.source)")
            }
            #expect(again.certification == title.certification && again.certification != nil)
            #expect(try await replicas[0].history(title.id).count == title.externalRatings.count)
        }
    }

    @Test("a series brings its seasons, a season its episodes; an episode is found by its number")
    func children() async throws {
        try await Self.run { replicas, _, _ in
            let series = try await replicas[0].resolve(
                ResolveTitleParams(kind: .series, ids: ExternalIds(imdb: "tt9100101")))
            let seasons = try await replicas[1].children(series.id)
            #expect(seasons.map(\.seasonNumber) == [0, 1, 2] && seasons.allSatisfy { $0.series == series.id })
            let episodes = try await replicas[0].children(seasons[1].id)
            #expect(episodes.map(\.episodeNumber) == [1, 2, 3, 4, 5, 6])
            let params = ResolveTitleParams(
                kind: .episode, ids: ExternalIds(), seriesIds: ExternalIds(imdb: "tt9100101"), seasonNumber: 1,
                episodeNumber: 3)
            #expect(try await replicas[1].resolve(params).id == episodes[2].id)
            let batch = try await replicas[1].resolve([
                TitleQuery(
                    kind: .episode, ids: ExternalIds(), seriesName: "Saltmarsh", seasonNumber: 1, episodeNumber: 3)
            ])
            #expect(batch[0].title?.id == episodes[2].id)
        }
    }

    @Test("500 ids, names and numbers are resolved in at most 3 statements, 100 and 500 titles got in one")
    func statementCount() async throws {
        try await Self.run { replicas, _, pools in
            let series = ExternalIds(imdb: "tt9100101")
            let queries = (0..<500).map { place in
                switch place % 5 {
                case 0: TitleQuery(kind: .movie, ids: ExternalIds(), name: "Film of Number \(place)", year: 1999)
                case 1:
                    TitleQuery(
                        kind: .episode, ids: ExternalIds(), seriesIds: series, seasonNumber: 1, episodeNumber: place)
                default: TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 1_000_000 + place))
                }
            }
            let made = try await replicas[0].resolve(queries, missing: .create)
            #expect(made.allSatisfy { $0.state == .created })
            var before = pools[0].snapshot.statementsTotal
            let known = try await replicas[0].resolve(queries, missing: .create)
            #expect(known.map(\.title?.id) == made.map(\.title?.id) && known.allSatisfy { $0.state == .known })
            #expect(pools[0].snapshot.statementsTotal - before <= 3)
            before = pools[0].snapshot.statementsTotal
            let ids = made.prefix(100).compactMap(\.title?.id)
            let got = try await GetTitles(store: replicas[0].store, demand: replicas[0].demand)
                .run(GetTitlesParams(titles: ids), Replica.context())
            #expect(got.found.count == 100)
            #expect(pools[0].snapshot.statementsTotal - before == 1)
            before = pools[0].snapshot.statementsTotal
            let all = try await GetTitles(store: replicas[0].store, demand: replicas[0].demand)
                .run(GetTitlesParams(titles: made.compactMap(\.title?.id)), Replica.context())
            #expect(all.found.count == 500)
            #expect(pools[0].snapshot.statementsTotal - before == 1)
        }
    }
}
