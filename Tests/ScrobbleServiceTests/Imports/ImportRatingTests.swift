import Contracts
import JSON
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Ratings of an import: which of them are written, and what the rows of the others report.
@Suite struct ImportRatingTests {
    private static let ids = SystemIDSource()
    private static let head = "Date,Name,Year,Letterboxd URI,Rating\n"

    private static let answers: [(name: String, result: WriteResult, version: Int?, verdict: ImportVerdict)] = [
        ("Taken Back", .older, nil, .removedByYou), ("Newer Here", .older, 3, .conflict),
        ("Ahead", .inFuture, nil, .invalid), ("Gone", .unknownTitle, nil, .unmatched),
        ("Rated Twice", .repeated, nil, .same), ("Odd", .invalid, nil, .invalid),
    ]

    @Test(
        "A rating that is not taken when it is written is not told as written, also by a worker that goes on after another"
    )
    func refused() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            others.know("Written", 1990)
            for answer in Self.answers {
                others.refuse(others.know(answer.name, 1990), as: answer.result, version: answer.version)
            }
            others.refuse(others.know("Seen", 1990), as: .older)
            let names = ["Written"] + Self.answers.map(\.name)
            let ratings = Self.head + names.map { "2020-01-01,\($0),1990,,4\n" }.joined()
            let diary = """
                Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
                2020-01-02,Seen,1990,https://boxd.it/s1,4,,,2020-01-02\n
                """
            let tools = ImportWorkerTests.tools(pools[0], others, lease: .milliseconds(150))
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send(
                [("ratings.csv", ratings), ("diary.csv", diary)], of: user, tools)
            // The verdicts are stored, but nothing is written.
            let (died, tell) = AsyncStream.makeStream(of: Void.self)
            let first = ImportWorker(tools) { point in
                guard case .judged = point else { return }
                tell.yield()
                try? await Task.sleep(for: .seconds(60))
            }
            // Hangs until everything has been checked: a cancelled worker might report it and postpone the import.
            let lost = Task { await first.run() }
            for await _ in died { break }
            let resumed = Mutex(0)
            let done = try await ImportWorkerTests.work(id, of: user, tools) { point in
                if case .claimed(let claim) = point, claim.isResumed { resumed.withLock { $0 += 1 } }
            }
            #expect(resumed.withLock { $0 } > 0, "nobody says that the first one died")
            let rows = try await tools.store.rows(
                of: id, user, nil, after: -1, limit: 100, until: ImportWorkerTests.deadline())
            func row(_ name: String) -> ImportRow? { rows.first { $0.row.title?.name == name } }
            #expect(row("Written")?.verdict == .new && row("Written")?.reason == nil)
            for answer in Self.answers {
                #expect(row(answer.name)?.verdict == answer.verdict, "\(answer)")
                #expect(row(answer.name)?.reason?.hasPrefix("the rating was not written: ") == true, "\(answer)")
            }
            // The play is written.
            #expect(row("Seen")?.verdict == .new)
            #expect(row("Seen")?.reason == "the rating was not written: you removed it")
            #expect(done.counts?.new == 2 && done.counts?.removedByYou == 1 && done.counts?.invalid == 2)
            #expect(others.ratingsByName == ["Written": 80])
            lost.cancel()
            await lost.value
        }
    }

    @Test("Of a title that a file calls by two names the later rating counts, and the other is told", arguments: 0..<2)
    func twoNames(later: Int) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            let title = others.know("First Name", 1990)
            others.know("Second Name", 1990, as: title)
            let text =
                Self.head + "2020-01-0\(2 - later),First Name,1990,,\(4 - later)\n"
                + "2020-01-0\(1 + later),Second Name,1990,,\(3 + later)\n"
            let tools = ImportWorkerTests.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send([("ratings.csv", text)], of: user, tools)
            let done = try await ImportWorkerTests.work(id, of: user, tools)
            #expect(done.counts?.new == 1 && done.counts?.conflict == 1, "\(done)")
            #expect(others.ratings[title]?.rating.tenths == 80)
        }
    }

    @Test(
        "A rating of a day is of its start where its person lives; again it is no news, wherever they live by then",
        arguments: [
            ("Pacific/Pago_Pago", "2020-01-02T11:00:00Z"), ("America/Los_Angeles", "2020-01-02T08:00:00Z"),
            ("UTC", "2020-01-02T00:00:00Z"), ("Pacific/Kiritimati", "2020-01-01T10:00:00Z"),
        ])
    func ofADay(zone: String, begins: String) async throws {
        let start = try #require(Timestamp(begins))
        let inUTC = try #require(Timestamp("2020-01-02T00:00:00Z"))
        let diary = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        let files = [
            (name: "ratings.csv", text: Self.head + "2020-01-02,First,1990,,4\n"),
            (name: "diary.csv", text: diary + "2020-01-02,First,1990,https://boxd.it/s1,4,,,2020-01-01\n"),
            (name: "films.csv", text: "Title,Year,WatchedDate,Rating10\nFirst,1990,2020-01-02,8\n"),
        ]
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            for file in files {
                let others = StandIns()
                let title = others.know("First", 1990)
                let tools = ImportWorkerTests.tools(pools[0], others)
                let user = UserID(Self.ids.next())
                func bring(from zone: String) async throws -> ImportCounts {
                    let id = try await ImportWorkerTests.send([file], of: user, tools, timeZone: zone)
                    let done = try await ImportWorkerTests.work(id, of: user, tools)
                    guard let counts = done.counts else { throw ImportTrouble.unavailable("no counts: \(done)") }
                    return counts
                }
                #expect(try await bring(from: zone).new == 1, "\(file.name)")
                var rated = try #require(others.ratings[title])
                #expect(rated.ratedAt == start, "\(file.name)")
                // Previously, every day began in UTC.
                for kept in [start, inUTC] {
                    rated.ratedAt = kept
                    others.keep(rated)
                    for elsewhere in ["Pacific/Pago_Pago", "Pacific/Kiritimati"] {
                        #expect(try await bring(from: elsewhere).same == 1, "\(file.name), \(kept), \(elsewhere)")
                    }
                    #expect(others.ratings[title] == rated)
                }
                // A click on that day is kept; one from the evening before is not.
                for (seconds, expected) in [(3_600, 50), (-60, 80)] {
                    let at = start.advanced(by: .seconds(seconds))
                    others.keep(
                        Rating(
                            title: title, kind: .movie, rating: DecimalTenths(tenths: 50), spoiler: false, ratedAt: at,
                            updatedAt: at, source: .person))
                    _ = try await bring(from: zone)
                    #expect(others.ratings[title]?.rating.tenths == expected, "\(file.name), \(seconds)")
                }
            }
        }
    }

    // Letterboxd keeps the date of the first rating: a change made there was rejected as older than the rating here.
    @Test("A rating that was changed there under the same day replaces what was brought from there, and nothing else")
    func changedThere() async throws {
        try await ImportCorrectionTests.run { test in
            let title = test.others.know("First", 1990)
            func bring(_ stars: String, packedIn year: Int? = nil) async throws -> [ImportVerdict?] {
                let text = Self.head + "2023-01-01,First,1990,,\(stars)\n"
                guard let year else {
                    return try await test.verdicts(try await test.bring(text, as: "ratings.csv", apply: true))
                }
                return try await test.verdicts(try await test.bring([("ratings.csv", text)], packedIn: year))
            }
            #expect(try await bring("4") == [.new])
            let first = try #require(test.others.ratings[title])
            #expect(try await bring("3") == [.update])
            let second = try #require(test.others.ratings[title])
            #expect(second.rating.tenths == 60 && second.ratedAt == first.ratedAt && second.source == .letterboxd)
            #expect(try await bring("3") == [.same])
            // The diary gives the rating as it was then.
            let diary = ImportCorrectionTests.head + "2023-01-01,First,1990,https://boxd.it/s1,4,,,2023-01-01\n"
            let then = try await test.bring(diary, apply: true)
            #expect(try await test.verdicts(then) == [.conflict])
            #expect(test.others.ratings[title]?.rating.tenths == 60)
            // An archive older than one already imported changes nothing; a newer one does.
            #expect(try await bring("3.5", packedIn: 2024) == [.update])
            #expect(try await bring("2", packedIn: 2022) == [.conflict])
            #expect(test.others.ratings[title]?.rating.tenths == 70)
            #expect(try await bring("2", packedIn: 2025) == [.update])
            // A rating made here or by another road since then is an edit.
            for source in [ChangeSource.person, .trakt] {
                var click = try #require(test.others.ratings[title])
                click.source = source
                test.others.keep(click)
                #expect(try await bring("5") == [.conflict], "\(source)")
                #expect(test.others.ratings[title]?.rating.tenths == 40, "\(source)")
            }
            // What an undo restored counts as imported, by its date; a click in the middle of that day does not.
            var putBack = try #require(test.others.ratings[title])
            putBack.source = .undo
            putBack.ratedAt = first.ratedAt.advanced(by: .seconds(1))
            test.others.keep(putBack)
            let clicked = try await bring("5")
            #expect(clicked == [.conflict])
            putBack.ratedAt = first.ratedAt
            test.others.keep(putBack)
            let again = try await bring("5")
            #expect(again == [.update])
            #expect(test.others.ratings[title]?.rating.tenths == 100)
        }
    }

    // Previously, what the person or Trakt had dated to the start of a day counted as imported once an undo had
    // restored it.
    @Test(
        "What an undo put back is whose it was before, whatever its date", arguments: [ChangeSource.person, .trakt])
    func putBack(source: ChangeSource) async throws {
        try await ImportCorrectionTests.run { test in
            let title = test.others.know("First", 1990)
            let day = try #require(CalendarDate("2023-01-01"))
            let given = DecimalTenths(tenths: 50)
            func bring(_ stars: String) async throws -> [ImportVerdict?] {
                let text = Self.head + "2023-01-01,First,1990,,\(stars)\n"
                return try await test.verdicts(try await test.bring(text, as: "ratings.csv", apply: true))
            }
            let first = try await bring("4")
            #expect(first == [.new])
            let brought = try #require(test.others.ratings[title])
            test.others.remember(
                RatingChange(
                    version: 1_000, title: title, kind: .movie, rating: given, ratedAt: Timestamp(day),
                    at: Timestamp(day), source: source))
            var putBack = brought
            putBack.rating = given
            putBack.ratedAt = Timestamp(day)
            putBack.source = .undo
            test.others.keep(putBack)
            let theirs = try await bring("3")
            #expect(theirs == [.conflict])
            #expect(test.others.ratings[title] == putBack)
            // What the file itself had imported belongs to it again.
            putBack.rating = brought.rating
            test.others.keep(putBack)
            let ours = try await bring("3")
            #expect(ours == [.update])
            #expect(test.others.ratings[title]?.rating.tenths == 60)
        }
    }

    @Test("A diary alone changes the rating with its entry, where that is what was brought")
    func changedInTheDiary() async throws {
        try await ImportCorrectionTests.run { test in
            let title = test.others.know("First", 1990)
            func bring(_ stars: String) async throws -> [ImportVerdict?] {
                let text =
                    ImportCorrectionTests.head + "2023-01-01,First,1990,https://boxd.it/s1,\(stars),,,2023-01-01\n"
                return try await test.verdicts(try await test.bring(text, apply: true))
            }
            let (first, changed) = (try await bring("4"), try await bring("3"))
            #expect(first == [.new] && changed == [.update])
            #expect(test.others.ratings[title]?.rating.tenths == 60)
            let again = try await bring("3")
            #expect(again == [.same])
            // Ratings fail for a moment: the worker that resumes still sees that the entry has changed.
            test.others.failNext(of: RatingsMethods.writeRatings)
            let later = try await bring("2")
            #expect(later == [.update])
            #expect(test.others.ratings[title]?.rating.tenths == 40)
        }
    }
}
