import CSV
import Contracts
import Foundation
import ScrobbleService
import TestSupport
import Testing

@Suite("Letterboxd exports")
struct LetterboxdReaderTests {
    typealias Failure = LetterboxdReader.Failure

    private static func items(
        _ bytes: [UInt8], path: String, kind: LetterboxdFile.Kind? = nil, chunk: Int = .max
    ) throws(Failure) -> [LetterboxdReader.Item] {
        var reader = LetterboxdReader(path: path, kind: kind)
        var items: [LetterboxdReader.Item] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.feed(rest.prefix(chunk)) { items.append($0) }
            rest = rest.dropFirst(chunk)
        }
        try reader.finish { items.append($0) }
        return items
    }

    private static func items(
        _ text: String, path: String, kind: LetterboxdFile.Kind? = nil
    ) throws(Failure) -> [LetterboxdReader.Item] {
        try items(Array(text.utf8), path: path, kind: kind)
    }

    private static func rows(_ text: String, path: String = "diary.csv") throws(Failure) -> [LetterboxdRow] {
        try items(text, path: path).compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    private static let diary = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"

    @Test("a row of the diary")
    func diaryRow() throws {
        let row = try #require(
            try Self.rows(
                Self.diary
                    + "\r\n2021-03-04,\"Fox, Owl\",1999,https://boxd.it/aB3,4.5,Yes,\"at home, with \"\"Ada\"\"\",2021-03-02\r\n"
            ).first)
        #expect(row.date == CalendarDate("2021-03-04") && row.watchedDate == CalendarDate("2021-03-02"))
        #expect(row.name == "Fox, Owl" && row.year == 1999 && row.code == "aB3" && row.halfStars == 9)
        #expect(row.isRewatch && row.tags == ["at home", "with \"Ada\""] && row.line == 2 && row.problems.isEmpty)
    }

    @Test(
        "what a spreadsheet makes of dates and numbers",
        arguments: [
            ("31.12.2021", "4,5", "2021-12-31", 9), ("31/12/2021", "4.0", "2021-12-31", 8),
            ("12/31/2021", "5", "2021-12-31", 10),
            ("05/05/2021", "0.5", "2021-05-05", 1), ("2021-02-28", "", "2021-02-28", nil),
        ])
    func spreadsheets(date: String, rating: String, expected: String, halfStars: Int?) throws {
        let text = Self.diary.replacing(",", with: ";") + "\n\(date);Fox;1999;;\(rating);;;\n"
        let row = try #require(try Self.rows("\u{FEFF}" + text).first)
        #expect(row.date == CalendarDate(expected) && row.halfStars == halfStars && row.problems.isEmpty)
    }

    @Test(
        "what cannot be read is named, and the rest of the row kept",
        arguments: [
            ("03/04/2021,Fox,1999,,,,,", LetterboxdProblem.ambiguousDate(column: "date", text: "03/04/2021")),
            ("2021-02-30,Fox,1999,,,,,", .badDate(column: "date", text: "2021-02-30")),
            ("2021-02-03,Fox,1999,,,,,soon", .badDate(column: "watched date", text: "soon")),
            ("2021-02-03,Fox,99,,,,,", .badYear("99")), ("2021-02-03,Fox,1999,,5.5,,,", .badRating("5.5")),
            ("2021-02-03,Fox,1999,,4.25,,,", .badRating("4.25")), ("2021-02-03,Fox,1999,,0,,,", .badRating("0")),
            ("2021-02-03,,1999,,,,,", .noName),
        ])
    func problems(line: String, expected: LetterboxdProblem) throws {
        let row = try #require(try Self.rows(Self.diary + "\n" + line + "\n").first)
        #expect(row.problems == [expected])
        #expect(row.name == "Fox" || expected == .noName)
    }

    @Test("a list, with its marker, with an empty line instead, and without either")
    func lists() throws {
        let body = """
            Date,Name,Tags,URL,Description
            2022-10-01,Autumn,"a, b",https://boxd.it/abcde,"two
            lines"

            Position,Name,Year,URL,Description
            1,Fox,1999,https://boxd.it/2b1s,"a note"
            2,Owl,,,

            """
        for front in ["Letterboxd list export v7\n", "\n", "", "Letterboxd list export v12\r\n"] {
            let items = try Self.items(front + body, path: "x/lists/autumn.csv")
            #expect(items.count == 4)
            #expect(items.first == .file(LetterboxdFile(kind: .list, section: .live)))
            guard case .list(let list) = items[1], case .row(let fox) = items[2], case .row(let owl) = items[3] else {
                Issue.record("\(items)")
                continue
            }
            #expect(list.name == "Autumn" && list.tags == ["a", "b"] && list.description == "two\nlines")
            #expect(fox.position == 1 && fox.name == "Fox" && fox.code == "2b1s" && fox.text == "a note")
            #expect(owl.position == 2 && owl.year == nil && owl.problems.isEmpty)
        }
    }

    @Test(
        "files are recognised by header and path",
        arguments: [
            ("Date,Name,Year,Letterboxd URI", "watched.csv", LetterboxdFile(kind: .watched, section: .live)),
            (
                "Date,Name,Year,Letterboxd URI", "my-export/Watchlist.csv",
                LetterboxdFile(kind: .watchlist, section: .live)
            ),
            ("Date,Name,Year,Letterboxd URI", "likes/films.csv", LetterboxdFile(kind: .likedFilms, section: .live)),
            (" date , NAME ,Year,Letterboxd URI,Rating", "1.csv", LetterboxdFile(kind: .ratings, section: .live)),
            ("Date,Content", "likes/reviews.csv", LetterboxdFile(kind: .likedReviews, section: .live)),
            ("Date,Content,Comment", "deleted/comments.csv", LetterboxdFile(kind: .comments, section: .deleted)),
            (
                "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date", "orphaned/reviews.csv",
                LetterboxdFile(kind: .reviews, section: .orphaned)
            ),
            // Columns were removed.
            ("Name,Year,Watched Date", "diary.csv", LetterboxdFile(kind: .diary, section: .live)),
            (
                "Date,Name,Year,Rating,Rewatch,Tags,Watched Date", "diary.csv",
                LetterboxdFile(kind: .diary, section: .live)
            ),
            ("Name,Review,Watched Date", "reviews.csv", LetterboxdFile(kind: .reviews, section: .live)),
            ("Name,Letterboxd URI,Review", "reviews.csv", LetterboxdFile(kind: .reviews, section: .live)),
            ("Date,Name,Year,Rating", "ratings.csv", LetterboxdFile(kind: .ratings, section: .live)),
            ("Name,Letterboxd URI,Rating", "1.csv", LetterboxdFile(kind: .ratings, section: .live)),
            ("Date,Name,Year", "watched.csv", LetterboxdFile(kind: .watched, section: .live)),
            ("Name,Letterboxd URI", "watchlist.csv", LetterboxdFile(kind: .watchlist, section: .live)),
        ])
    func recognition(header: String, path: String, expected: LetterboxdFile) throws {
        #expect(try Self.items(header + "\n", path: path) == [.file(expected)])
    }

    @Test("what fits several kinds waits for one; what fits none is refused")
    func unclear() throws {
        let films = "Date,Name,Year,Letterboxd URI\n2021-01-01,Fox,1999,\n"
        #expect(throws: Failure.unclear([.watched, .watchlist, .likedFilms])) { try Self.items(films, path: "1.csv") }
        #expect(throws: Failure.unclear([.watched, .watchlist, .likedFilms])) {
            try Self.items(films, path: "1.csv", kind: .diary)
        }
        #expect(try Self.items(films, path: "1.csv", kind: .watchlist).count == 2)
        #expect(throws: Failure.unknown) { try Self.items("Const,Your Rating\ntt1,8\n", path: "ratings.csv") }
        // A table from anywhere.
        for header in ["Name,Rating", "Name,Year", "Name,Year,Rating", "Name,Review", "Year,Watched Date"] {
            #expect(throws: Failure.unknown) { try Self.items("\(header)\na,b\n", path: "ratings.csv") }
        }
        #expect(throws: Failure.csv(.onlyNUL)) { try Self.items([0, 0, 0], path: "lists/x.csv") }
        #expect(try Self.items("", path: "diary.csv") == [])
        #expect(LetterboxdFile.isForeign("__MACOSX/._diary.csv") && LetterboxdFile.isForeign("a/.DS_Store"))
        #expect(!LetterboxdFile.isForeign("a/diary.csv"))
    }

    @Test("any bytes are read to an end, the same in any chunks", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func anyBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieces = [
            Self.diary, "Date,Name,Tags,URL,Description", "Position,Name,Year,URL,Description", "\n", "\n", ",", "\"",
            "1,Fox,1999",
        ]
        for _ in 0..<500 {
            var bytes = Array((0..<8).map { _ in pieces.randomElement(using: &random)! }.joined().utf8)
            if Bool.random(using: &random) { bytes[Int.random(in: bytes.indices, using: &random)] = 0xFF }
            let chunk = Int.random(in: 1...9, using: &random)
            let whole = Result { () throws(Failure) in try Self.items(bytes, path: "lists/x.csv") }
            let parts = Result { () throws(Failure) in try Self.items(bytes, path: "lists/x.csv", chunk: chunk) }
            #expect(whole == parts, "seed \(seed), chunks of \(chunk): \(bytes)")
        }
    }

    @Test("the recorded export is read whole", .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func recorded() throws {
        let folder = try #require(Self.fixtures) + "/letterboxd/export-2022-large"
        let paths = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        var rows: [String: [LetterboxdRow]] = [:]
        for path in paths.filter({ $0.hasSuffix(".csv") }) {
            let data = try #require(FileManager.default.contents(atPath: folder + "/" + path))
            let items = try Self.items([UInt8](data), path: path)
            #expect(try Self.items([UInt8](data), path: path, chunk: 4_093) == items)
            rows[path] = items.compactMap { if case .row(let row) = $0 { row } else { nil } }
            #expect(rows[path]?.flatMap(\.problems).isEmpty == true, "\(path)")
            guard case .file(let file) = items.first else {
                Issue.record("\(path) is not recognised")
                continue
            }
            #expect(path.hasPrefix("lists/") ? file.kind == .list : path == file.kind.rawValue + ".csv")
            if file.kind == .list {
                #expect(
                    rows[path]?.map(\.position)
                        == Array(1...max(rows[path]?.count ?? 0, 1)).prefix(rows[path]?.count ?? 0).map { $0 })
            }
        }
        #expect(rows.count == 32)
        #expect(rows["diary.csv"]?.count == 2_132 && rows["watched.csv"]?.count == 2_604)
        #expect(rows["ratings.csv"]?.map(\.halfStars) == [10, 10, 3, 10, 10])
        #expect(rows["diary.csv"]?.count { $0.address == nil } == 10)
        #expect(rows["diary.csv"]?.allSatisfy { $0.watchedDate != nil && $0.date != nil } == true)
    }

    private static var fixtures: String? { ProcessInfo.processInfo.environment["REELAY_FIXTURES"] }
}
