import AsyncHTTPClient
import Contracts
import Cryptography
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import MetadataService

/// AniDB bans clients that ask twice a day: its answers, and a ban, survive a replica.
@Suite("What AniDB must not be asked twice", .serialized)
struct ShelfTests {
    private static let subject = ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_011))

    /// Two replicas of AniDB's client with the emulator; a third can be made from `pools[0]`, as after a restart.
    private static func run(
        _ body:
            @escaping @Sendable (@escaping @Sendable (PGPool) -> Replica, RunningUpstreams, [PGPool]) async throws ->
            Void
    ) async throws {
        try await RunningUpstreams.run { upstreams in
            try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
                let client = HTTPClient(configuration: ProviderHTTP.configuration())
                let make: @Sendable (PGPool) -> Replica = { pool in
                    let store = MetadataStore(database: Database(pool: pool))
                    let clock = SystemWallClock()
                    let gate = SharedGate(
                        ProviderProfile.anidb.paced(callsPerSecond: 100), store: store, clock: clock)
                    let http = ProviderHTTP(
                        client: client, userAgent: "Reelay/test", gate: gate,
                        shelf: StoredShelf(provider: .anidb, store: store))
                    let settings = AniDBSettings(
                        url: upstreams.url(.anidb),
                        client: Secret("\(AniDBEmulator.client)/\(AniDBEmulator.clientVersion)"))
                    let anidb = AniDBClient(settings: settings, http: http) {
                        clock.now.microsecondsSinceEpoch / 1_000
                    }
                    return Replica(pool, [anidb], gates: [.anidb: gate])
                }
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(make, upstreams, pools)) } catch { outcome = .failure(error) }
                try await client.shutdown()
                try outcome.get()
            }
        }
    }

    private static func ask(_ replica: Replica, _ subject: ProviderSubject = subject) async -> ProviderReport? {
        await replica.enricher.providers.ask(
            subject, asked: [.anidb], known: [], turn: ProviderTurn(deadline: .now + .seconds(10), isBackground: false)
        ).first
    }

    private static func calls(_ upstreams: RunningUpstreams) -> Int {
        upstreams.server.desk.book(provider: .anidb).entries.count
    }

    @Test("an entry is asked for once a day, by all replicas together, whoever asks when; then again")
    func once() async throws {
        try await Self.run { make, upstreams, pools in
            let replicas = pools.map(make)
            let reports = await withTaskGroup(of: ProviderReport?.self) { group in
                for number in 0..<8 { group.addTask { await Self.ask(replicas[number % 2]) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Self.calls(upstreams) == 1)
            #expect(reports.contains { $0?.facts?.scores.count == 2 })
            #expect(reports.allSatisfy { $0?.facts != nil || $0?.error == .busy })
            let later = await Self.ask(make(pools[0]))
            #expect(
                later?.facts?.scoreLines == [
                    "anidb_permanent 8.11/10 81.10 1740", "anidb_temporary 8.36/10 83.60 1823",
                ])
            // The series' first season is the same entry.
            let season = ProviderSubject(kind: .season, ids: SubjectIDs(anidb: 301_002_011), seasonNumber: 1)
            #expect(await Self.ask(replicas[1], season)?.facts?.kind == .season)
            let absent = ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 3))
            for _ in 0..<2 { #expect(await Self.ask(replicas[0], absent)?.error == .notFound) }
            #expect(Self.calls(upstreams) == 2)
            try await pools[0].execute(
                PGCommand("tests.age", "UPDATE provider_entries SET asked_at = asked_at - interval '25 hours'"))
            #expect(await Self.ask(replicas[1])?.facts != nil)
            #expect(Self.calls(upstreams) == 3)
        }
    }

    @Test("a failed question is not asked again that day either")
    func failed() async throws {
        try await Self.run { make, upstreams, pools in
            _ = upstreams.server.desk.add(Fault(provider: .anidb, kind: .status, times: 1, status: 500))
            let replicas = pools.map(make)
            #expect(await Self.ask(replicas[0])?.error == .unavailable("status 500"))
            #expect(await Self.ask(replicas[1])?.error == .busy)
            #expect(Self.calls(upstreams) == 1)
        }
    }

    @Test("a ban is known to every replica and over a restart: nothing more is asked")
    func ban() async throws {
        try await Self.run { make, upstreams, pools in
            _ = upstreams.server.desk.add(Fault(provider: .anidb, kind: .quota, times: 1))
            let banned = await Self.ask(make(pools[0]))
            #expect(banned?.answer.outcome == .quota)
            #expect(Self.calls(upstreams) == 1)
            for (place, pool) in [pools[0], pools[1], pools[0]].enumerated() {
                let other = ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_021 + Int64(place)))
                let report = await Self.ask(make(pool), other)
                #expect(report?.error == .resting(.quota), "\(String(describing: report?.error))")
            }
            #expect(Self.calls(upstreams) == 1)
            // Keys changed at a restart do not end a ban.
            try await make(pools[1]).store.forgetKeys(until: .now + .seconds(5))
            let other = ProviderSubject(kind: .series, ids: SubjectIDs(anidb: 301_002_031))
            #expect(await Self.ask(make(pools[1]), other)?.error == .resting(.quota))
            #expect(Self.calls(upstreams) == 1)
        }
    }
}
