import MetadataService
import Testing
import UpstreamEmulators

@Suite("Clients when providers fail")
struct ProviderFaultTests {
    /// The fault and what both clients take it for.
    static let cases: [(Fault.Kind, Int?, String?, String)] = [
        (.status, 503, nil, "unavailable"), (.status, 500, nil, "unavailable"), (.html, 502, nil, "unavailable"),
        (.html, 200, nil, "unavailable"), (.html, 403, nil, "unavailable"), (.drop, nil, nil, "unavailable"),
        (.truncated, nil, nil, "malformed"), (.oversized, nil, nil, "malformed"),
        (.rateLimited, nil, nil, "rateLimited"), (.rateLimited, nil, "7", "rateLimited"),
    ]

    @Test("every fault is one of the closed set, and the next call is well", arguments: cases)
    func faults(kind: Fault.Kind, status: Int?, retryAfter: String?, expected: String) async throws {
        try await EmulatedClients.run { clients in
            for (name, ask) in Self.asking(clients) {
                clients.add(
                    Fault(provider: name, kind: kind, times: 1, status: status, retryAfter: retryAfter))
                let error = await ask()
                #expect(error?.label == expected, "\(name)")
                if let retryAfter, case .rateLimited(let wait)? = error {
                    #expect(wait == Int(retryAfter).map { .seconds($0) }, "\(name)")
                }
                #expect(await ask() == nil, "\(name)")
            }
        }
    }

    @Test("silence and dripping end at the deadline", arguments: [Fault.Kind.hang, .drip])
    func slowness(kind: Fault.Kind) async throws {
        var limits = ProviderLimits.standard
        limits.callTimeout = .milliseconds(300)
        try await EmulatedClients.run(limits: limits) { clients in
            for (name, ask) in Self.asking(clients) {
                clients.add(Fault(provider: name, kind: kind, times: 1, milliseconds: 60_000))
                let start = ContinuousClock.now
                #expect(await ask() == .timeout, "\(name)")
                let provider = try #require(ProviderID(rawValue: name.rawValue))
                #expect(clients.counted(provider)["timeout"] == 1, "\(name)")
                // Well past the deadline, for a busy machine, and well before the end of the fault.
                #expect(ContinuousClock.now - start < .seconds(30), "\(name)")
            }
        }
    }

    @Test("wrong types cost the fields, not the record")
    func wrongTypes() async throws {
        try await EmulatedClients.run { clients in
            for field in ["vote_average", "overview", "genres", "runtime", "external_ids", "release_dates"] {
                clients.add(Fault(provider: .tmdb, kind: .wrongType, times: 1, field: field))
                let facts = try await clients.tmdb.movie(910_001)
                #expect(facts.name == "The Lighthouse Keeper's Clock")
                #expect(facts.quarantined.isEmpty)
                #expect(facts.scores.isEmpty == (field == "vote_average"))
            }
            for field in ["Ratings", "Year", "Runtime", "imdbVotes", "Metascore"] {
                clients.add(Fault(provider: .omdb, kind: .wrongType, times: 1, field: field))
                let facts = try await clients.omdb.title(imdb: "tt9100001")
                #expect(facts.name == "The Lighthouse Keeper's Clock")
                #expect(facts.scores.first?.scoreHundredths == 8_100)
            }
        }
    }

    @Test("Retry-After is held within its bound")
    func retryAfter() async throws {
        try await EmulatedClients.run { clients in
            for (text, expected) in [("99999999", Duration.seconds(3_600)), ("0", .zero)] {
                clients.add(Fault(provider: .tmdb, kind: .rateLimited, times: 1, retryAfter: text))
                await #expect(throws: ProviderError.rateLimited(retryAfter: expected)) {
                    try await clients.tmdb.movie(910_001)
                }
            }
            clients.add(
                Fault(provider: .tmdb, kind: .rateLimited, times: 1, retryAfter: "Sun, 22 Nov 2026 18:00:00 GMT"))
            await #expect(throws: ProviderError.rateLimited(retryAfter: nil)) { try await clients.tmdb.movie(910_001) }
        }
    }

    @Test("errors and descriptions never hold a key")
    func secrecy() async throws {
        try await EmulatedClients.run { clients in
            clients.add(Fault(provider: .omdb, kind: .drop, times: 1))
            let report = await ProviderReport(
                asking: clients.omdb,
                about: ProviderSubject(kind: .movie, ids: SubjectIDs(imdb: "tt9100001")))
            #expect(report.answer.outcome == .error)
            var described = ""
            dump(report, to: &described)
            dump(clients.omdb, to: &described)
            dump(clients.tmdb, to: &described)
            #expect(!described.contains(TMDbEmulator.accessToken))
            #expect(!described.contains(OMDbEmulator.apiKey))
        }
    }

    /// One question to each provider; each returns the error, or nil.
    private static func asking(
        _ clients: EmulatedClients
    ) -> [(UpstreamName, @Sendable () async -> ProviderError?)] {
        [
            (
                .tmdb,
                { await failure { () async throws(ProviderError) in _ = try await clients.tmdb.movie(910_001) } }
            ),
            (
                .omdb,
                {
                    await failure { () async throws(ProviderError) in
                        _ = try await clients.omdb.title(imdb: "tt9100001")
                    }
                }
            ),
        ]
    }

    private static func failure(_ call: () async throws(ProviderError) -> Void) async -> ProviderError? {
        do throws(ProviderError) {
            try await call()
            return nil
        } catch {
            return error
        }
    }
}
