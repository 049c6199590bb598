import MetadataService
import Testing
import UpstreamEmulators

@Suite("All eleven clients when providers fail")
struct AllProvidersFaultTests {
    /// A title that all providers have, with the ids of all of them, so that each is asked with one call.
    private static let subject = ProviderSubject(
        kind: .series,
        ids: SubjectIDs(
            imdb: "tt9100201", tmdb: 910_201, tvdb: 910_201, tvmaze: 700_100_201, trakt: 500_100_201,
            letterboxd: String(1_100_201, radix: 36), simkl: 600_100_201, anilist: 101_002_011, anidb: 301_002_011,
            myanimelist: 201_002_011, kitsu: 401_002_011), name: "The Foxfire Post", year: 2020, isAnime: true)

    /// The fault and what the clients take it for, with the exceptions.
    static let cases: [(Fault.Kind, Int?, String, [ProviderID: String])] = [
        (.status, 503, "unavailable", [:]), (.status, 500, "unavailable", [:]), (.html, 502, "unavailable", [:]),
        (.html, 200, "unavailable", [:]), (.html, 403, "unavailable", [.myanimelist: "rateLimited"]),
        (.html, 404, "unavailable", [:]), (.drop, nil, "unavailable", [:]),
        (.truncated, nil, "malformed", [:]), (.oversized, nil, "malformed", [:]),
        (.rateLimited, nil, "rateLimited", [.anidb: "quota"]),
    ]

    @Test("every fault is one of the closed set, and the others are not touched", arguments: cases)
    func faults(kind: Fault.Kind, status: Int?, expected: String, exceptions: [ProviderID: String]) async throws {
        try await EmulatedClients.run { clients in
            for client in clients.all {
                let name = try #require(UpstreamName(rawValue: client.provider.rawValue))
                // If a login is needed, it takes place before the fault.
                #expect(await ProviderReport(asking: client, about: Self.subject).error == nil, "\(name)")
                clients.add(Fault(provider: name, kind: kind, times: 1, status: status))
                let before = clients.counted(client.provider)
                let report = await ProviderReport(asking: client, about: Self.subject)
                let meaning = exceptions[client.provider] ?? expected
                #expect(report.error?.label == meaning, "\(name)")
                let outcome = ["unavailable", "malformed"].contains(meaning) ? "failed" : "limited"
                let after = clients.counted(client.provider)
                #expect(after[outcome] ?? 0 > before[outcome] ?? 0, "\(name): \(before) \(after)")
                #expect(report.answer.scores.isEmpty)
                clients.upstreams.server.desk.clearFaults()
                clients.clock.advance(by: 86_400_001)
                #expect(await ProviderReport(asking: client, about: Self.subject).error == nil, "\(name)")
            }
        }
    }

    @Test("strings for numbers and numbers for strings cost fields, never a crash or a false score")
    func wrongTypes() async throws {
        try await EmulatedClients.run { clients in
            for client in clients.all {
                let name = try #require(UpstreamName(rawValue: client.provider.rawValue))
                let well = await ProviderReport(asking: client, about: Self.subject)
                clients.add(Fault(provider: name, kind: .wrongType, times: 1))
                let report = await ProviderReport(asking: client, about: Self.subject)
                let values = Set(well.answer.scores.map(\.value))
                #expect(Set(report.answer.scores.map(\.value)).isSubset(of: values), "\(name)")
                clients.upstreams.server.desk.clearFaults()
            }
        }
    }

    @Test("Retry-After is obeyed by all that know it")
    func retryAfter() async throws {
        try await EmulatedClients.run { clients in
            for client in clients.all where client.provider != .anidb {
                let name = try #require(UpstreamName(rawValue: client.provider.rawValue))
                _ = await ProviderReport(asking: client, about: Self.subject)
                clients.add(Fault(provider: name, kind: .rateLimited, times: 1, retryAfter: "17"))
                let report = await ProviderReport(asking: client, about: Self.subject)
                #expect(report.error == .rateLimited(retryAfter: .seconds(17)), "\(name)")
                #expect(report.answer.outcome == .quota)
            }
        }
    }

    @Test("errors with status 200 are errors")
    func errorsInSuccess() throws {
        let answer = ProviderHTTPAnswer(status: 200, body: AniListEmulator.errorsInSuccess.body)
        #expect(throws: ProviderError.unavailable("AniList reports status 500")) {
            try AniListAnswer.data(answer, limits: .standard)
        }
    }

    @Test("errors and descriptions never hold a key")
    func secrecy() async throws {
        try await EmulatedClients.run { clients in
            var described = ""
            for client in clients.all {
                let name = try #require(UpstreamName(rawValue: client.provider.rawValue))
                _ = await ProviderReport(asking: client, about: Self.subject)
                clients.add(Fault(provider: name, kind: .drop, times: 1))
                dump(await ProviderReport(asking: client, about: Self.subject), to: &described)
                dump(client, to: &described)
            }
            for secret in [
                TMDbEmulator.accessToken, OMDbEmulator.apiKey, TVDbEmulator.apiKey, TraktEmulator.clientID,
                LetterboxdEmulator.clientSecret, SimklEmulator.clientID, MyAnimeListEmulator.clientID,
                "demo-tvdb-token",
                "demo-letterboxd-token",
            ] {
                #expect(!described.contains(secret), "\(secret)")
            }
        }
    }
}

@Suite("Bench mode, pace and latency of the emulators")
struct EmulatorControlTests {
    @Test("every provider has every generated title")
    func generated() async throws {
        let catalogue = Catalogue.standard(adding: 20)
        try await RunningUpstreams.run(catalogue: catalogue) { upstreams in
            try await EmulatedClients.with(upstreams) { clients in
                let title = Catalogue.generated(7)
                let entry = try #require(CatalogueEntry.entries(of: title).first)
                let subject = ProviderSubject(
                    kind: .series,
                    ids: SubjectIDs(
                        imdb: title.imdb, tmdb: title.tmdb.map { Int64($0) }, tvdb: title.tvdb.map { Int64($0) },
                        tvmaze: title.tvmaze.map { Int64($0) }, trakt: title.trakt.map { Int64($0) },
                        letterboxd: title.letterboxd, simkl: title.simkl.map { Int64($0) },
                        anilist: Int64(entry.anilist), anidb: Int64(entry.anidb),
                        myanimelist: Int64(entry.myanimelist), kitsu: Int64(entry.kitsu)), name: title.name,
                    isAnime: true)
                for client in clients.all {
                    let report = await ProviderReport(asking: client, about: subject)
                    #expect(report.error == nil, "\(client.provider)")
                    #expect(report.answer.outcome == .ok, "\(client.provider)")
                }
            }
        }
    }

    @Test("the client has no bound of its own: behind one address as many calls are under way as the gates let through")
    func connections() async throws {
        try await EmulatedClients.run { clients in
            let desk = clients.upstreams.server.desk
            desk.setLatency(.seconds(1), of: .tvmaze)
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(tvmaze: 700_100_201))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<24 {
                    group.addTask {
                        #expect(await ProviderReport(asking: clients.tvmaze, about: subject).error == nil)
                    }
                }
            }
            let reading = try #require(desk.pace.readings.first { $0.provider == .tvmaze })
            // The HTTP client's own limit is 8.
            #expect(reading.inFlightPeak > 16)
        }
    }

    @Test("calls are counted, and refused beyond a limit in the provider's own way")
    func pace() async throws {
        try await EmulatedClients.run { clients in
            let desk = clients.upstreams.server.desk
            desk.pace.limit(.tvmaze, calls: 2, per: .seconds(600))
            desk.setLatency(.milliseconds(1), of: .tvmaze)
            let subject = ProviderSubject(kind: .series, ids: SubjectIDs(tvmaze: 700_100_201))
            for expected in [nil, nil, "rateLimited", "rateLimited"] as [String?] {
                let report = await ProviderReport(asking: clients.tvmaze, about: subject)
                #expect(report.error?.label == expected)
            }
            let reading = try #require(desk.pace.readings.first { $0.provider == .tvmaze })
            #expect((reading.calls, reading.refused, reading.limitPeak, reading.inFlightPeak) == (4, 2, 4, 1))
            desk.reset()
            #expect(await ProviderReport(asking: clients.tvmaze, about: subject).error == nil)
        }
    }
}
