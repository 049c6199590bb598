import Contracts
import JSON
import TestSupport
import Testing

@testable import ScrobbleService

@Suite("What the rows of one title make together")
struct ImportPlanTests {
    private static func row(
        _ kind: ImportRowKind, on day: String? = nil, rating: Int? = nil, text: String? = nil, dated: String? = nil,
        key: String? = nil, tags: [String]? = nil
    ) -> ImportedRow {
        ImportedRow(
            kind: kind, file: "f", line: 1, watchedOn: day.flatMap { CalendarDate($0) },
            rating: rating.map { DecimalTenths(tenths: $0) }, text: text, tags: tags,
            datedAt: dated.flatMap { CalendarDate($0) }.map(Timestamp.init), key: key)
    }

    private static func plan(_ rows: [ImportedRow]) -> ImportPlan {
        ImportPlan(rows.enumerated().map { (place: $0.offset, row: $0.element) })
    }

    @Test("What is said of a film without a day is kept beside the plays that other rows tell of")
    func undatedText() throws {
        func row(_ kind: ImportRowKind, _ day: String?, _ text: String?) -> ImportedRow {
            ImportedRow(
                kind: kind, file: "films.csv", line: 2, watchedOn: day.flatMap { CalendarDate($0) }, precision: .day,
                text: text, key: day)
        }
        let play = row(.play, "2020-01-01", nil)
        for kind in [ImportRowKind.watched, .review] {
            let plan = ImportPlan([(0, play), (1, row(kind, nil, "Fine."))])
            #expect(plan.plays.map(\.note.review) == ["Fine."] && plan.parts == [1: 0], "\(kind)")
            let taken = ImportPlan([(0, row(.play, "2020-01-01", "First.")), (1, row(kind, nil, "Fine."))])
            #expect(taken.plays.map(\.note.review) == ["First."] && taken.refused[1] != nil, "\(kind)")
        }
        let bare = ImportPlan([(0, play), (1, row(.watched, nil, nil))])
        #expect(bare.parts == [1: 0] && bare.refused.isEmpty)
    }

    @Test("a diary row, its review and the film's row in watched are one play")
    func onePlay() {
        let plan = Self.plan([
            Self.row(.watched, dated: "2020-01-01"), Self.row(.play, on: "2020-01-02", key: "a", tags: ["x"]),
            Self.row(.review, on: "2020-01-02", rating: 80, text: "Fine.", key: "a", tags: ["x", "y"]),
        ])
        #expect(plan.plays.count == 1)
        #expect(plan.plays.first?.note.review == "Fine.")
        #expect(plan.plays.first?.note.tags == ["x", "y"])
        #expect(plan.parts == [0: 1, 2: 1])
        #expect(plan.rating?.rating == DecimalTenths(tenths: 80))
        #expect(plan.rating?.review == "Fine.")
        #expect(plan.rating?.row == 1)
    }

    @Test("a list is as old as its file says, else as what is on it, and never younger than its import")
    func listAge() throws {
        let (past, earlier, now, future) = (
            try #require(Timestamp("2019-01-02T03:04:05Z")), try #require(Timestamp("2020-01-02T03:04:05Z")),
            try #require(Timestamp("2026-01-02T03:04:05Z")), try #require(Timestamp("2031-01-02T03:04:05Z"))
        )
        let cases: [(made: Timestamp?, dated: Timestamp?, age: Timestamp)] = [
            (past, earlier, past), (nil, earlier, earlier), (nil, nil, now), (now, nil, now),
            (future, nil, now), (future, earlier, now), (nil, future, now),
        ]
        for (made, dated, age) in cases {
            let row = ImportedRow(
                kind: .listItem, file: "lists-list-9-mine.json", line: 1, datedAt: dated, list: "9", listMadeAt: made)
            #expect(NewList(row, at: now).createdAt == age, "\(String(describing: made)), \(String(describing: dated))")
        }
    }

    @Test("a note knows what the file speaks of, also where there is nothing of it")
    func told() {
        var row = Self.row(.play, on: "2020-01-02", key: "a")
        #expect(Self.plan([row]).plays.map(\.note.told) == [[]])
        (row.rewatch, row.tags, row.ofPlay) = (false, [], true)
        #expect(Self.plan([row]).plays.map(\.note.told) == [[.rewatch, .tags, .rating]])
        let review = Self.row(.review, on: "2020-01-02", text: "Fine.", key: "a")
        let plays = Self.plan([row, review]).plays
        #expect(plays.map(\.note.told) == [[.rewatch, .tags, .rating, .review]])
        row.file = LosslessReader.name
        #expect(Self.plan([row]).plays.map(\.note.told) == [.all])
        #expect(plays.first?.note.isEmpty == false && Self.plan([row]).plays.first?.note.isEmpty == true)
    }

    @Test("two entries on one day are two plays, each with its own review")
    func twiceADay() {
        let plan = Self.plan([
            Self.row(.play, on: "2020-01-02", key: "a"), Self.row(.play, on: "2020-01-02", key: "b"),
            Self.row(.review, on: "2020-01-02", text: "Second.", key: "b"),
            Self.row(.review, on: "2020-01-02", text: "First.", key: "other"),
        ])
        #expect(plan.plays.map(\.note.review) == ["First.", "Second."])
    }

    @Test("a film that is only in watched was watched at some time")
    func watchedOnly() {
        let plan = Self.plan([Self.row(.watched), Self.row(.watched)])
        #expect(plan.plays.map(\.moment) == [.unknown])
        #expect(plan.parts == [1: 0])
    }

    @Test("the file of ratings decides over the diary; without it the latest entry does")
    func rating() {
        let entries = [
            Self.row(.play, on: "2020-05-01", rating: 60, key: "a"),
            Self.row(.play, on: "2021-05-01", rating: 70, key: "b"),
        ]
        #expect(Self.plan(entries).rating?.rating == DecimalTenths(tenths: 70))
        let decided = Self.plan(entries + [Self.row(.rating, rating: 90, dated: "2019-01-01")])
        #expect(decided.rating?.rating == DecimalTenths(tenths: 90))
        #expect(decided.rating?.at == CalendarDate("2019-01-01").map(Timestamp.init))
        let newest = Self.plan([
            Self.row(.rating, rating: 90, dated: "2019-01-01"), Self.row(.rating, rating: 50, dated: "2020-01-01"),
        ])
        #expect(newest.rating?.rating == DecimalTenths(tenths: 50))
        #expect(newest.parts == [0: 1])
    }

    @Test("a review without a day goes with the rating, with a bare play, or makes one")
    func undatedReview() {
        let rated = Self.plan([Self.row(.rating, rating: 90), Self.row(.review, text: "Fine.")])
        #expect(rated.rating?.review == "Fine.")
        let watched = Self.plan([Self.row(.watched), Self.row(.review, text: "Fine.")])
        #expect(watched.plays.map(\.note.review) == ["Fine."])
        let alone = Self.plan([Self.row(.review, text: "Fine.", key: "k")])
        #expect(alone.plays.map(\.moment) == [.unknown])
        let full = Self.plan([
            Self.row(.play, on: "2020-01-02", text: "One.", key: "a"), Self.row(.review, text: "Two."),
        ])
        #expect(full.refused == [1: "another review already takes its place"])
    }

    @Test("shelves hold a title once, lists once each")
    func shelves() {
        var first = Self.row(.listItem)
        first.list = "a"
        var second = first
        second.list = "b"
        let plan = Self.plan([
            Self.row(.watchlist), Self.row(.watchlist), Self.row(.like), first, second, first,
        ])
        #expect(plan.watchlist?.row == 0)
        #expect(plan.like?.row == 2)
        #expect(plan.listed.map(\.list) == ["a", "b"])
        #expect(plan.parts == [1: 0, 5: 3])
    }

    @Test("every row is an effect, a part of one, refused, or shown; the order of files does not matter for the sum")
    func accounted() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<3_000 {
            let rows = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                // The row of a list itself belongs to no title.
                let kind = ImportRowKind.allCases.filter { $0 != .list }.randomElement(using: &random) ?? .play
                let day = Bool.random(using: &random) ? "2020-01-0\(Int.random(in: 1...3, using: &random))" : nil
                return Self.row(
                    kind, on: day, rating: Bool.random(using: &random) ? 70 : nil,
                    text: Bool.random(using: &random) ? "t\(Int.random(in: 0...2, using: &random))" : nil,
                    key: "k\(Int.random(in: 0...5, using: &random))")
            }
            let plan = Self.plan(rows)
            var effects = Set(plan.plays.map(\.row) + plan.listed.map(\.row))
            effects.formUnion(
                [
                    plan.rating?.row, plan.watchlist?.row, plan.like?.row, plan.collection?.row, plan.progress?.row,
                ].compactMap(\.self))
            for (place, row) in rows.enumerated() where row.kind != .shown {
                let isThere = effects.contains(place) || plan.parts[place] != nil || plan.refused[place] != nil
                #expect(isThere, "seed \(random.seed), row \(place) of \(rows)")
            }
            #expect(Set(plan.plays.map(\.key)).count == plan.plays.count, "seed \(random.seed)")
            for whole in plan.parts.values { #expect(effects.contains(whole), "seed \(random.seed)") }
        }
    }
}
