import Contracts
import JSON
import Postgres
import Store
import Testing

@testable import ScrobbleService

/// Films of the same name and year in one export: distinguished by address, or by the person where a row has none.
@Suite struct ImportNamesakeTests {
    private typealias Setting = ImportCorrectionTests.Setting

    private static let ratingsHead = "Date,Name,Year,Letterboxd URI,Rating\n"
    private static let diaryHead = ImportCorrectionTests.head
    /// Ratings of two films with the same name.
    static let both =
        "2020-01-01,Same,1999,https://boxd.it/f1,4\n2020-01-01,Same,1999,https://boxd.it/f2,2\n"
    private static let rated = both + "2020-01-01,One,1999,https://boxd.it/f3,5\n"
    private static let entries =
        entry("2020-01-01", at: "https://boxd.it/aaaaa")
        + entry("2020-03-03", at: "https://boxd.it/aaaac")

    /// Returns a line of a diary.
    static func entry(_ day: String, _ film: String = "Same", at address: String = "") -> String {
        "\(day),\(film),1999,\(address),,,,\(day)\n"
    }

    /// Returns an export of ratings and diary entries.
    static func export(_ ratings: String, _ entries: String) -> [(name: String, text: String)] {
        [("ratings.csv", ratingsHead + ratings), ("diary.csv", diaryHead + entries)]
    }

    /// Imports two films with the same name and a third film, rated and watched.
    private static func bringNamesakes(_ test: Setting) async throws -> Import {
        let entries =
            entry("2020-01-01", at: "https://boxd.it/aaaaa") + entry("2020-01-02", "One", at: "https://boxd.it/aaaab")
        return try await test.bring(export(rated, entries), apply: true)
    }

    @Test("Films of one name and year that have two addresses are two; what names neither waits for its person")
    func namesakes() async throws {
        try await ImportCorrectionTests.run { test in
            let right = test.others.know("Right", 1999)
            let found = try await Self.bringNamesakes(test)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .ambiguous, .new])
            #expect(found.titleCount == 4)
            #expect(test.others.ratings.values.map(\.rating.tenths).sorted() == [40, 80, 100])
            #expect(try await test.all() == ["One 2020-01-02||"])
            // From now on they are known by their addresses.
            let again = try await test.bring(Self.ratingsHead + Self.rated, as: "ratings.csv", apply: true)
            #expect(try await test.verdicts(again) == [.same, .same, .same])
            #expect(try await test.correct(found, 3, title: right).verdict == .new)
            #expect(try await test.all() == ["One 2020-01-02||", "Right 2020-01-01||"])
        }
    }

    @Test("Where one of two films of a name and year is here, nobody guesses which; what is said holds for that one")
    func knownNamesake() async throws {
        try await ImportCorrectionTests.run { test in
            let same = test.others.know("Same", 1999)
            let found = try await Self.bringNamesakes(test)
            #expect(try await test.verdicts(found) == [.ambiguous, .ambiguous, .new, .ambiguous, .new])
            #expect(try await test.correct(found, 0, title: same).verdict == .new)
            #expect(try await test.verdicts(found) == [.new, .ambiguous, .new, .ambiguous, .new])
            #expect(test.others.ratings[same]?.rating.tenths == 80)
            let again = try await test.bring(Self.ratingsHead + Self.rated, as: "ratings.csv", apply: true)
            #expect(try await test.verdicts(again) == [.same, .ambiguous, .same])
        }
    }

    /// Previously, one correction applied to the diary entries of both films, and to those of every later file.
    @Test("What may mean either of two films is said entry by entry, and remembered by the entry's address")
    func entryByEntry() async throws {
        try await ImportCorrectionTests.run { test in
            let (right, left) = (test.others.know("Right", 1999), test.others.know("Left", 1999))
            let review =
                "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
                + "2020-03-03,Same,1999,https://boxd.it/aaaac,,,Fine,,2020-03-03\n"
            let found = try await test.bring(
                Self.export(Self.both, Self.entries) + [(name: "reviews.csv", text: review)], apply: true)
            #expect(try await test.verdicts(found) == [.new, .new, .ambiguous, .ambiguous, .ambiguous])
            #expect(try await test.correct(found, 2, title: right).verdict == .new)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .ambiguous, .ambiguous])
            #expect(try await test.all() == ["Right 2020-01-01||"])
            // A file that does not itself show that there are two films.
            let later = try await test.bring(
                Self.diaryHead + Self.entries + Self.entry("2020-04-04", at: "https://boxd.it/aaaad"), apply: true)
            #expect(try await test.verdicts(later) == [.same, .ambiguous, .ambiguous])
            // The entry's review goes with it.
            #expect(try await test.correct(found, 3, title: left).verdict == .new)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .new, .same])
            #expect(try await test.all() == ["Left 2020-03-03|Fine|", "Right 2020-01-01||"])
        }
    }

    @Test("Of entries without an address a row is said at a time, and not remembered: the next file may mean the other")
    func rowByRow() async throws {
        try await ImportCorrectionTests.run { test in
            let right = test.others.know("Right", 1999)
            let files = Self.export(Self.both, Self.entry("2020-01-01") + Self.entry("2020-01-01"))
            let found = try await test.bring(files, apply: true)
            #expect(try await test.verdicts(found) == [.new, .new, .ambiguous, .ambiguous])
            #expect(try await test.correct(found, 2, title: right).verdict == .new)
            #expect(try await test.correct(found, 3, skip: true).verdict == .skipped)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .skipped])
            let again = try await test.bring(files, apply: true)
            #expect(try await test.verdicts(again) == [.same, .same, .ambiguous, .ambiguous])
            #expect(try await test.all() == ["Right 2020-01-01||"])
        }
    }

    @Test("What was said of a name while a file had one film of it is not said of two")
    func saidOfOne() async throws {
        try await ImportCorrectionTests.run { test in
            test.others.confuse("Same")
            let right = test.others.know("Right", 1999)
            let one = try await test.bring(
                Self.diaryHead + Self.entry("2020-01-01", at: "https://boxd.it/aaaaa"), apply: true)
            #expect(try await test.correct(one, 0, title: right).verdict == .new)
            let found = try await test.bring(
                Self.export(Self.both, Self.entry("2020-03-03", at: "https://boxd.it/aaaac")), apply: true)
            #expect(try await test.verdicts(found) == [.ambiguous, .ambiguous, .ambiguous])
            #expect(try await test.all() == ["Right 2020-01-01||"])
        }
    }

    /// Puts the entries of both films under one key, as a replica of the previous version leaves them.
    private static let leftTogether = [
        PGCommand(
            "tests.oldItems",
            """
            INSERT INTO import_items (user_id, import_id, item_key, query, match)
            SELECT DISTINCT ON (split_part(item_key, E'\\x1e', 1)) user_id, import_id, split_part(item_key, E'\\x1e', 1),
                query, match
            FROM import_items WHERE user_id = $1 AND import_id = $2 AND item_key LIKE E'%\\x1eentry %'
            """),
        PGCommand(
            "tests.noNewItems",
            "DELETE FROM import_items WHERE user_id = $1 AND import_id = $2 AND item_key LIKE E'%\\x1eentry %'"),
        PGCommand(
            "tests.oldRows",
            """
            UPDATE import_rows SET item_key = split_part(item_key, E'\\x1e', 1)
            WHERE user_id = $1 AND import_id = $2 AND item_key LIKE E'%\\x1eentry %'
            """),
    ]

    @Test("Entries that were read before each was asked for are told apart when their person says what one means")
    func readBefore() async throws {
        try await ImportCorrectionTests.run { test in
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(Self.export(Self.both, Self.entries), apply: true)
            let changed = try await test.pool.execute(
                together: Self.leftTogether.map { $0.bound([.id(test.user), .id(found.id)]) })
            #expect(changed == [1, 2, 2])
            #expect(try await test.correct(found, 2, title: right).verdict == .new)
            #expect(try await test.verdicts(found) == [.new, .new, .new, .ambiguous])
            #expect(try await test.all() == ["Right 2020-01-01||"])
        }
    }

    private static let oneInvalid =
        "2020-01-01,Same,1999,https://boxd.it/f1,4\n03/04/2020,Same,1999,https://boxd.it/f2,2\n"

    /// Previously, the row had no film of its own while it was unreadable, and was then given the other film.
    @Test("A row that gets its day stays with its own film, by the film's address")
    func invalidFilm() async throws {
        try await ImportCorrectionTests.run { test in
            let preview = try await test.bring(Self.ratingsHead + Self.oneInvalid, as: "ratings.csv", apply: false)
            #expect(try await test.verdicts(preview) == [.unmatched, .invalid])
            #expect(try await test.correct(preview, 1, on: "2020-04-03").verdict == .unmatched)
            _ = try await test.apply(preview)
            #expect(try await test.verdicts(preview) == [.new, .new])
            #expect(test.others.ratings.values.map(\.rating.tenths).sorted() == [40, 80])
        }
    }

    @Test("A row that gets its day waits where its film may be either, and says nothing of the one that is here")
    func invalidRow() async throws {
        try await ImportCorrectionTests.run { test in
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(
                Self.export(Self.oneInvalid, Self.entry("04/05/2021", at: "https://boxd.it/aaaaa")), apply: true)
            #expect(try await test.verdicts(found) == [.new, .invalid, .invalid])
            // The title created for the other film has that name.
            #expect(try await test.correct(found, 1, on: "2020-04-03").verdict == .ambiguous)
            #expect(try await test.correct(found, 2, on: "2021-05-04").verdict == .ambiguous)
            #expect(test.others.ratingsByName == ["Same": 80])
            #expect(try await test.all().isEmpty)
            #expect(try await test.correct(found, 1, title: right).verdict == .new)
            #expect(try await test.verdicts(found) == [.new, .new, .ambiguous])
            #expect(test.others.ratingsByName == ["Same": 80, "Right": 40])
        }
    }
}
