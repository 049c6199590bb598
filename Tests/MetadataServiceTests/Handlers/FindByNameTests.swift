import Contracts
import Postgres
import TestSupport
import Testing

@testable import MetadataService

/// Resolving and searching by name, with the matching rules, in a catalogue of a handful of titles.
@Suite struct FindByNameTests {
    private static func run(_ body: (Replica, [String: TitleID]) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let films: [(String, TitleKind, String, Int?)] = [
                ("first", .movie, "The Iron Fox", 2001), ("remake", .movie, "The Iron Fox", 2019),
                ("sequel", .movie, "Iron Fox II", 2004), ("longer", .movie, "Owl Tower: The Long Return", 2010),
                ("accents", .movie, "Drakar över Värnholm", 2011), ("undated", .movie, "Glass Meadow", nil),
                ("series", .series, "Night Harbour", 2015),
            ]
            let made = try await replica.resolve(
                films.map { TitleQuery(kind: $0.1, ids: ExternalIds(), name: $0.2, year: $0.3) }, missing: .create)
            var ids: [String: TitleID] = [:]
            for (film, result) in zip(films, made) { ids[film.0] = result.title?.id }
            #expect(ids.count == films.count && Set(ids.values).count == films.count)
            try await body(replica, ids)
        }
    }

    @Test("a batch takes what is clear and leaves the rest open")
    func batch() async throws {
        try await Self.run { replica, ids in
            let cases: [(String, TitleKind, Int?, ResolveState, String?)] = [
                ("the iron fox!", .movie, 2001, .known, "first"), ("Iron Fox", .movie, 2001, .known, "first"),
                ("The Iron Fox", .movie, 2020, .known, "remake"), ("The Iron Fox", .movie, nil, .ambiguous, nil),
                ("The Iron Fox", .movie, 2010, .unknown, nil), ("Iron Fox: Part Two", .movie, 2004, .known, "sequel"),
                ("The Long Return", .movie, 2010, .known, "longer"), ("Owl Tower", .movie, 2010, .unknown, nil),
                ("Drakar over Varnholm", .movie, 2011, .known, "accents"),
                ("Glass Meadow", .movie, 2003, .ambiguous, nil), ("Glass Meadow", .series, 2003, .unknown, nil),
                ("Night Harbour", .series, nil, .known, "series"), ("Night Harbor", .series, nil, .ambiguous, nil),
            ]
            let results = try await replica.resolve(
                cases.map { TitleQuery(kind: $0.1, ids: ExternalIds(), name: $0.0, year: $0.2) })
            for (wanted, result) in zip(cases, results) {
                #expect(result.state == wanted.3, "\(wanted.0) \(wanted.2 ?? 0)")
                #expect(result.title?.id == wanted.4.flatMap { ids[$0] }, "\(wanted.0)")
            }
        }
    }

    @Test(
        "a batch names what each name may mean where that is asked for, the best first; what is known by name and year is that"
    )
    func candidates() async throws {
        try await Self.run { replica, ids in
            let cases: [(String, TitleKind, Int?, [String])] = [
                ("The Iron Fox", .movie, nil, ["first", "remake"]), ("The Iron Fox", .movie, 2001, []),
                ("The Iron Fox", .movie, 2010, []), ("Night Harbor", .series, nil, ["series"]),
                ("Night Harbour", .movie, nil, []),
            ]
            var queries = cases.map { TitleQuery(kind: $0.1, ids: ExternalIds(), name: $0.0, year: $0.2) }
            // No candidates are offered for an episode, whatever its series is called.
            queries.append(
                TitleQuery(
                    kind: .episode, ids: ExternalIds(), seriesName: "Night Harbor", seasonNumber: 1, episodeNumber: 1))
            let told = try await replica.resolve(queries, candidates: 10)
            for (wanted, result) in zip(cases, told) {
                #expect(result.candidates?.map(\.id) == wanted.3.map { ids[$0] }, "\(wanted.0) \(wanted.2 ?? 0)")
            }
            #expect(told.last?.candidates == [])
            let first = try #require(told.first?.candidates?.first)
            #expect(first.name == "The Iron Fox" && first.year == 2001 && first.kind == .movie && first.via.isEmpty)
            #expect(first.match > 0.7 && first.match < 0.8)
            #expect(told[1].state == .known && told[1].title?.id == ids["first"])
            let one = try await replica.resolve(queries, candidates: 1)
            #expect(one.first?.candidates?.map(\.id) == [ids["first"]])
            let none = try await replica.resolve(queries)
            #expect(none.allSatisfy { $0.candidates == nil })
        }
    }

    @Test("one name and year resolve to the title that is here, and to a new one where none is meant")
    func single() async throws {
        try await Self.run { replica, ids in
            func resolve(_ name: String, _ year: Int?) async throws -> TitleID {
                try await replica.resolve(
                    ResolveTitleParams(kind: .movie, ids: ExternalIds(), name: name, year: year)
                ).id
            }
            #expect(try await resolve("Iron Fox 2", 2004) == ids["sequel"])
            #expect(try await resolve("DRAKAR ÖVER VÄRNHOLM", 2012) == ids["accents"])
            let other = try await resolve("Iron Fox", 2009)
            #expect(!ids.values.contains(other))
            #expect(try await resolve("Iron Fox", 2009) == other)
        }
    }

    @Test("a search lists candidates with their scores, the best first, and accepts one only beyond doubt")
    func search() async throws {
        try await Self.run { replica, ids in
            let dated = try await replica.search("iron fox", kind: .movie, year: 2001)
            #expect(dated.accepted == ids["first"])
            #expect(dated.candidates.first?.id == ids["first"] && (dated.candidates.first?.match ?? 0) > 0.9)
            #expect(
                Set(dated.candidates.compactMap(\.id)).isSuperset(
                    of: [ids["remake"], ids["sequel"]].compactMap(\.self)))
            #expect(dated.candidates.map(\.match) == dated.candidates.map(\.match).sorted(by: >))
            #expect(try await replica.search("iron fox").accepted == nil)
            #expect(try await replica.search("The Iron Fox", year: 2019).candidates.first?.match == 1)
            // A query with an unfinished word.
            let typed = try await replica.search("the long ret")
            #expect(typed.candidates.map(\.id) == [ids["longer"]])
            #expect(try await replica.search("no such thing").candidates.isEmpty)
        }
    }

    @Test("the very name is found however many and better known names begin with it")
    func shortName() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let names = ["It"] + (1...80).map { "Item \($0)" }
            let made = try await replica.resolve(
                names.map { TitleQuery(kind: .movie, ids: ExternalIds(), name: $0, year: 1990) }, missing: .create)
            try await pools[0].execute(
                PGCommand("tests.votes", "UPDATE titles SET vote_count = 1000 WHERE name <> 'It'"))
            let found = try await replica.search("it", kind: .movie, year: 1990, hereOnly: true)
            #expect(found.candidates.first?.id == made[0].title?.id && found.accepted == made[0].title?.id)
        }
    }
}
