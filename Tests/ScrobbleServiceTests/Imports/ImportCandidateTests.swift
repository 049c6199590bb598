import Contracts
import RPC
import Testing

@testable import ScrobbleService

/// The candidates offered for a row that waits for the person's decision.
@Suite struct ImportCandidateTests {
    private typealias Setting = ImportCorrectionTests.Setting
    private typealias Namesakes = ImportNamesakeTests

    private static func rows(
        _ test: Setting, _ found: Import, _ verdict: ImportVerdict? = nil
    ) async throws -> [ImportRow] {
        let handler = ListImportRows(
            store: test.tools.store,
            candidates: RowCandidates(titles: TitleLookup(metadata: MetadataClient(test.others))))
        return try await handler.run(
            ListImportRowsParams(user: test.user, import: found.id, verdict: verdict),
            RPCContext(deadline: ImportWorkerTests.deadline(), trace: .root())
        ).rows
    }

    private static func ids(_ row: ImportRow) -> Set<TitleID>? { row.candidates.map { Set($0.compactMap(\.id)) } }

    private static func lookUps(_ test: Setting) -> Int {
        test.others.calls[MetadataMethods.resolveTitles.name, default: 0]
    }

    private static let rain =
        "2020-01-01,Rain,2019,https://boxd.it/aaaaa,,,,2020-01-01\n"
        + "2020-03-03,Rain,2019,https://boxd.it/aaaab,,,,2020-03-03\n"
        + "2020-03-04,One,1999,https://boxd.it/aaaac,,,,2020-03-04\n"
        + "2020-05-06,One,1999,https://boxd.it/aaaad,,,,05/06/2020\n"

    @Test(
        "An ambiguous row names what it may mean, in one call for a page; the one that is chosen holds for all like it")
    func chosen() async throws {
        try await ImportCorrectionTests.run { test in
            let films = test.others.confuse("Rain", 2019, films: ["r1", "r2"])
            test.others.know("One", 1999)
            let found = try await test.bring(
                Namesakes.export("2020-01-01,Rain,2019,,4\n", Self.rain), apply: false)
            #expect(try await test.verdicts(found) == [.ambiguous, .ambiguous, .ambiguous, .new, .invalid])
            let before = Self.lookUps(test)
            let open = try await Self.rows(test, found, .ambiguous)
            #expect(Self.lookUps(test) == before + 1)
            #expect(open.map(\.place) == [0, 1, 2])
            #expect(open.allSatisfy { Self.ids($0) == Set(films) })
            let offered = open.first?.candidates ?? []
            #expect(offered.allSatisfy { $0.name == "Rain" && $0.year == 2019 && $0.kind == .movie })
            // Nothing else distinguishes two films of the same name and year.
            #expect(Set(offered.compactMap(\.externalIds.letterboxd)) == ["r1", "r2"])
            // The same when all rows are listed; the others have no candidates, since a missing date is no question of
            // titles.
            #expect(try await Self.rows(test, found).map { $0.candidates?.count } == [2, 2, 2, nil, nil])
            let asked = Self.lookUps(test)
            #expect(try await Self.rows(test, found, .new).count == 1)
            #expect(Self.lookUps(test) == asked)
            let choice = try #require(offered.first { $0.externalIds.letterboxd == "r2" }?.id)
            let corrected = try await test.correct(found, 1, title: choice)
            #expect(corrected.verdict == .new && corrected.title == choice && corrected.candidates == nil)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .new, .invalid])
            #expect(try await Self.rows(test, found).prefix(3).allSatisfy { $0.title == choice })
        }
    }

    private static let entry = Namesakes.entry("2020-01-01", at: "https://boxd.it/aaaaa")

    @Test("What may mean either of two films of its file names both once they are here, by their addresses")
    func namesakes() async throws {
        try await ImportCorrectionTests.run { test in
            let preview = try await test.bring(
                Namesakes.export(Namesakes.both, Self.entry), apply: false)
            #expect(try await test.verdicts(preview) == [.unmatched, .unmatched, .ambiguous])
            // Neither film exists here yet, so the list of candidates is empty.
            #expect(try await Self.rows(test, preview).map { $0.candidates?.count } == [nil, nil, 0])
            let found = try await test.apply(preview)
            #expect(try await test.verdicts(found) == [.new, .new, .ambiguous])
            let waiting = try #require(try await Self.rows(test, found, .ambiguous).first)
            #expect(Set((waiting.candidates ?? []).compactMap(\.externalIds.letterboxd)) == ["f1", "f2"])
            let choice = try #require(waiting.candidates?.first { $0.externalIds.letterboxd == "f2" }?.id)
            #expect(try await test.correct(found, waiting.place, title: choice).verdict == .new)
            #expect(try await test.all() == ["Same 2020-01-01||"])
        }
    }

    @Test("What another address names is not offered to a row with one of its own")
    func otherAddress() async throws {
        try await ImportCorrectionTests.run { test in
            let other = test.others.confuse("Same", 1999, films: ["f9"])
            let found = try await test.bring(
                Namesakes.export(Namesakes.both, Self.entry), apply: false)
            #expect(try await test.verdicts(found) == [.ambiguous, .ambiguous, .ambiguous])
            #expect(try await Self.rows(test, found).map(Self.ids) == [[], [], Set(other)])
        }
    }

    @Test("Rows are shown without candidates while metadata is away")
    func away() async throws {
        try await ImportCorrectionTests.run { test in
            _ = test.others.confuse("Rain", 2019, films: ["r1", "r2"])
            test.others.know("One", 1999)
            let found = try await test.bring(ImportCorrectionTests.head + Self.rain, apply: false)
            test.others.failNext(of: MetadataMethods.resolveTitles)
            let rows = try await Self.rows(test, found, .ambiguous)
            #expect(rows.map(\.place) == [0, 1] && rows.allSatisfy { $0.candidates == nil })
            #expect(try await Self.rows(test, found, .ambiguous).allSatisfy { $0.candidates?.count == 2 })
        }
    }

    @Test("Ids that differ at one place are those of two titles; what only one of them has says nothing")
    func contradictions() {
        let ids = ExternalIds(imdb: "tt9100001", tmdb: 1)
        #expect(!ids.contradicts(ids) && !ids.contradicts(ExternalIds()) && !ids.contradicts(ExternalIds(tvdb: 2)))
        let others = [
            ExternalIds(imdb: "tt9100002"), ExternalIds(imdb: "tt9100001", tmdb: 2),
        ]
        #expect(others.allSatisfy { $0.contradicts(ids) && ids.contradicts($0) })
        #expect(ExternalIds(tvdb: 1).contradicts(ExternalIds(tvdb: 2)))
        #expect(ExternalIds(trakt: 1).contradicts(ExternalIds(trakt: 2)))
        #expect(ExternalIds(letterboxd: "f1").contradicts(ExternalIds(letterboxd: "f2")))
    }
}
