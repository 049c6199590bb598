import Archive
import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

extension ImportCorrectionTests.Setting {
    /// Imports an archive packed in January of a given year.
    func bring(
        _ files: [(name: String, text: String)], packedIn year: Int, apply: Bool = true
    ) async throws -> Import {
        var writer = try ArchiveWriter()
        for file in files {
            try writer.begin(file.name)
            try writer.write(Array(file.text.utf8))
        }
        let packed = try writer.finish()
        var bytes = try packed.read(at: 0, count: packed.byteCount)
        // The date is in the central directory, in MS-DOS format: years since 1980, month and day.
        let date = (year - 1980) << 9 | 1 << 5 | 2
        for place in bytes.indices.dropLast(46) where bytes[place..<place + 4].elementsEqual([0x50, 0x4B, 1, 2]) {
            bytes[place + 14] = UInt8(date & 0xFF)
            bytes[place + 15] = UInt8(date >> 8)
        }
        let id = try await ImportWorkerTests.send(
            bytes: [(name: "export.zip", bytes: bytes)], of: user, tools, apply: apply)
        return try await rest(id)
    }

    /// Undoes what an import wrote here.
    func undo(_ found: Import) async throws {
        let batch = try #require(found.batch)
        try await tools.batches.undoNotes(of: batch, user, until: ImportWorkerTests.deadline())
        var place: TouchedItem?
        repeat {
            place = try await tools.batches.undoSome(
                of: batch, user, after: place, at: SystemWallClock().now, until: ImportWorkerTests.deadline())
        } while place != nil
    }
}

/// How later files of an export relate to what an earlier one imported.
@Suite struct ImportAgainTests {
    private static let head = ImportCorrectionTests.head
    private static let reviewHead = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"

    private static func diary(_ rest: String) -> String { head + "2020-01-01,One,1999,https://boxd.it/aaaaa,\(rest)\n" }

    private static func reviews(_ rest: String) -> String {
        reviewHead + "2020-01-01,One,1999,https://boxd.it/aaaaa,\(rest)\n"
    }

    private static let noteRows = PGStatement(
        "tests.notesOfImports",
        """
        SELECT concat_ws('|', coalesce(review, ''), array_to_string(tags, ' '), coalesce(rating::text, ''),
            is_rewatch::text)
        FROM play_notes WHERE user_id = $1
        """
    ) { row throws(PGError) in try row.next(String.self) }

    private static func notes(_ test: ImportCorrectionTests.Setting) async throws -> [String] {
        try await test.pool.query(noteRows, [.id(test.user)])
    }

    // Previously, importing the diary alone removed the review from a play whose tags or rating it gave.
    @Test("A file without reviews leaves them; what it tells anew is an update, and is taken back by itself")
    func parts() async throws {
        try await ImportCorrectionTests.run { test in
            test.others.know("One", 1999)
            _ = try await test.bring(
                [("diary.csv", Self.diary("4,,x,2020-01-01")), ("reviews.csv", Self.reviews("4,,Fine.,x,2020-01-01"))],
                apply: true)
            #expect(try await Self.notes(test) == ["Fine.|x|8.0|false"])
            let again = try await test.bring(Self.diary("4,,x,2020-01-01"), apply: true)
            #expect(try await test.verdicts(again) == [.same])
            #expect(try await Self.notes(test) == ["Fine.|x|8.0|false"])
            let preview = try await test.bring(Self.diary("4,,\"y, z\",2020-01-01"), apply: false)
            #expect(try await test.verdicts(preview) == [.update])
            let edited = try await test.apply(preview)
            #expect(try await test.verdicts(edited) == [.update] && edited.counts?.update == 1)
            #expect(try await Self.notes(test) == ["Fine.|y z|8.0|false"])
            // An empty cell says that the value is gone; a missing column says nothing.
            let cleared = try await test.bring(Self.diary("4,Yes,,2020-01-01"), apply: true)
            #expect(try await test.verdicts(cleared) == [.update])
            #expect(try await Self.notes(test) == ["Fine.||8.0|true"])
            let bare = try await test.bring(
                "Date,Name,Year,Letterboxd URI,Watched Date\n2020-01-01,One,1999,https://boxd.it/aaaaa,2020-01-01\n",
                apply: true)
            #expect(try await test.verdicts(bare) == [.same])
            for (found, left) in [
                (bare, "Fine.||8.0|true"), (cleared, "Fine.|y z|8.0|false"), (edited, "Fine.|x|8.0|false"),
                (again, "Fine.|x|8.0|false"),
            ] {
                try await test.undo(found)
                #expect(try await Self.notes(test) == [left])
            }
            #expect(try await test.all().count == 1)
        }
    }

    @Test("All that a row told beside its play is taken away by a later one whose cells are empty, and comes back")
    func emptied() async throws {
        try await ImportCorrectionTests.run { test in
            test.others.know("One", 1999)
            // Nothing is written where the file says nothing.
            _ = try await test.bring(Self.diary(",,,2020-01-01"), apply: true)
            #expect(try await Self.notes(test).isEmpty)
            let told = try await test.bring(Self.diary(",,x,2020-01-01"), apply: true)
            #expect(try await test.verdicts(told) == [.update])
            let emptied = try await test.bring(Self.diary(",,,2020-01-01"), apply: true)
            #expect(try await test.verdicts(emptied) == [.update])
            #expect(try await Self.notes(test) == ["|||false"])
            try await test.undo(emptied)
            #expect(try await Self.notes(test) == ["|x||false"])
            try await test.undo(told)
            #expect(try await Self.notes(test).isEmpty)
        }
    }

    @Test("An entry with another day in a newer file is moved, and back with its batch; what was put elsewhere stays")
    func moved() async throws {
        try await ImportCorrectionTests.run { test in
            test.others.know("One", 1999)
            func day(_ day: String) -> [(name: String, text: String)] { [("diary.csv", Self.diary(",,,\(day)"))] }
            _ = try await test.bring(day("2020-01-01"), apply: true)
            let preview = try await test.bring(day("2020-02-02"), apply: false)
            #expect(try await test.verdicts(preview) == [.update])
            #expect(try await test.all() == ["One 2020-01-01||"])
            let moved = try await test.apply(preview)
            #expect(try await test.verdicts(moved) == [.update])
            #expect(try await test.all() == ["One 2020-02-02||"])
            #expect(try await test.verdicts(try await test.bring(day("2020-02-02"), apply: true)) == [.same])
            try await test.undo(moved)
            #expect(try await test.all() == ["One 2020-01-01||"])
            // Older archives do not move anything back.
            let newer = try await test.bring(day("2020-03-03"), packedIn: 2024)
            #expect(try await test.verdicts(newer) == [.update])
            let older = try await test.bring(day("2020-01-01"), packedIn: 2022)
            #expect(try await test.verdicts(older) == [.conflict])
            #expect(try await test.all() == ["One 2020-03-03||"])
            let ledger = LedgerStore(database: Database(pool: test.pool), ids: SystemIDSource())
            let play = try #require(try await test.pool.query(Self.playIDs, [.id(test.user)]).first)
            let here = try #require(CalendarDate("2020-04-04"))
            _ = try await ledger.edit(
                play, to: .day(here), timeZone: "UTC", by: .person(test.user, at: SystemWallClock().now),
                until: ImportWorkerTests.deadline())
            #expect(try await test.verdicts(try await test.bring(day("2020-05-05"), apply: true)) == [.same])
            #expect(try await test.all() == ["One 2020-04-04||"])
        }
    }

    private static let playIDs = PGStatement("tests.playsOfImports", "SELECT id FROM plays WHERE user_id = $1") {
        row throws(PGError) in try row.next(PlayID.self)
    }

    @Test("An older archive replaces nothing beside a play, whenever it is brought in; a newer one does")
    func older() async throws {
        try await ImportCorrectionTests.run { test in
            test.others.know("One", 1999)
            func files(_ tag: String, _ review: String) -> [(name: String, text: String)] {
                [
                    ("diary.csv", Self.diary(",,\(tag),2020-01-01")),
                    ("reviews.csv", Self.reviews(",,\(review),\(tag),2020-01-01")),
                ]
            }
            _ = try await test.bring(files("x", "Fine."), packedIn: 2024)
            let preview = try await test.bring(files("old", "Awful."), packedIn: 2022, apply: false)
            #expect(try await test.verdicts(preview) == [.conflict, .same])
            let older = try await test.apply(preview)
            #expect(try await test.verdicts(older) == [.conflict, .same])
            #expect(try await Self.notes(test) == ["Fine.|x||false"])
            let newer = try await test.bring(files("y", "Grand."), packedIn: 2025)
            #expect(try await test.verdicts(newer) == [.update, .same])
            #expect(try await Self.notes(test) == ["Grand.|y||false"])
            // The existing data has been written, so it cannot be assigned to another film.
            let right = test.others.know("Right", 1999)
            await #expect(throws: (any Error).self) { try await test.correct(older, 0, title: right) }
        }
    }
}
