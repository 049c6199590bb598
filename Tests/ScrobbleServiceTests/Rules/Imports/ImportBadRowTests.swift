import Contracts
import Testing

@testable import ScrobbleService

/// An unreadable row is only one row, whatever is wrong with it: the rows before and after it are read.
@Suite struct ImportBadRowTests {
    private static func rows(
        _ path: String, _ text: String, pieceBytes: Int = .max, limits: ImportLimits = ImportLimits()
    ) -> (rows: [ImportedRow], reader: ImportFileReader, failure: ImportFileFailure?) {
        let bytes = Array(text.utf8)
        var reader = ImportFileReader(path: path, front: bytes, kind: nil, limits: limits)
        var rows: [ImportedRow] = []
        var failure: ImportFileFailure?
        do throws(ImportFileFailure) {
            var start = 0
            while start < bytes.count {
                let end = start + min(pieceBytes, bytes.count - start)
                try reader.feed(Array(bytes[start..<end])) { rows.append($0) }
                start = end
            }
            try reader.finish { rows.append($0) }
        } catch {
            failure = error
        }
        return (rows, reader, failure)
    }

    // MARK: Dates

    @Test("a day that a person gives also resolves problems that earlier versions put into other words")
    func earlierWords() throws {
        var row = ImportedRow(kind: .play, file: "x", line: 1)
        row.problems = [
            "watched date: 01/02/2020 may be two dates", "rating: 7 is not 0.5 to 5", "watched date: x is no date",
            "watched date: 2999-01-01 lies ahead",
        ]
        #expect(try row.on(#require(CalendarDate("2024-05-01"))).problems == ["rating: 7 is not 0.5 to 5"])
    }

    /// Previously, a play dated 2999 was accepted, and stayed at the top of the history for good.
    @Test("what is dated after the import came is a row that says so; where it is tomorrow already it is not")
    func ahead() throws {
        let present = ImportPresent(try #require(Timestamp("2024-05-05T12:00:00Z")))
        func problems(_ row: ImportedRow) -> [String]? { present.refused(row)?.problems }
        func row(_ kind: ImportRowKind) -> ImportedRow { ImportedRow(kind: kind, file: "x", line: 1) }
        for kind in [ImportRowKind.play, .review, .watched] {
            var play = row(kind)
            #expect(problems(play) == nil)
            play.watchedOn = CalendarDate("2024-05-06")
            #expect(problems(play) == nil)
            play.watchedOn = CalendarDate("2024-05-07")
            #expect(problems(play) == ["watched date: 2024-05-07 is in the future"])
            // A correction by the person fixes it.
            let day = try #require(CalendarDate("2024-05-01"))
            #expect(present.refused(play)?.on(day).problems == nil)
            (play.watchedOn, play.watchedAt) = (nil, Timestamp("2024-05-05T12:05:00Z"))
            #expect(problems(play) == nil)
            play.watchedAt = Timestamp("2024-05-05T12:05:01Z")
            #expect(problems(play) == ["watched at: 2024-05-05T12:05:01Z is in the future"])
        }
        for kind in [ImportRowKind.watchlist, .like, .collection, .progress, .listItem, .rating] {
            var item = row(kind)
            item.datedAt = Timestamp("2024-05-06T00:00:00Z")
            #expect(problems(item) == nil)
            item.datedAt = Timestamp("2024-05-07T00:00:00Z")
            #expect((problems(item) == nil) == (kind == .rating))
        }
    }

    // MARK: JSON

    /// Previously, beyond some 1,050 episodes of one show, nothing of a collection was read, nor anything after that
    /// show.
    @Test("a show of thousands of episodes is read, and the shows behind it", arguments: ["collection", "watched"])
    func longShow(category: String) {
        let date = "2020-01-02T03:04:05.000Z"
        let metadata =
            #""metadata":{"media_type":"digital","resolution":"hd_1080p","hdr":null,"audio":"dts","audio_channels":"5.1","3d":false}"#
        let episodes = (1...6_000).map { number in
            #"{"number":\#(number),"plays":1,"last_watched_at":"\#(date)","collected_at":"\#(date)","updated_at":"\#(date)",\#(metadata)}"#
        }
        func show(_ id: Int, _ episodes: [String]) -> String {
            #"{"show":{"title":"S","ids":{"trakt":\#(id)}},"seasons":[{"number":1,"episodes":[\#(episodes.joined(separator: ","))]}]}"#
        }
        let text = "[\(show(1, episodes)),\(show(2, [episodes[0]]))]"
        #expect(text.utf8.count > 1_300_000)
        let found = Self.rows("\(category)-shows.json", text, pieceBytes: 65_536)
        #expect(found.failure == nil && !found.reader.isPartial)
        #expect(found.rows.count == 6_001 && found.rows.allSatisfy { $0.problems == nil })
        #expect(found.rows.last?.title?.seriesIds == ExternalIds(trakt: 2))
        #expect(found.rows[5_999].title?.episodeNumber == 6_000)
    }

    @Test("an element beyond the bound is a row that says so, and the file goes on", arguments: [1, 7, Int.max])
    func tooLarge(pieceBytes: Int) {
        var limits = ImportLimits()
        (limits.elementBytesMax, limits.losslessElementBytesMax) = (1_024, 1_024)
        let filler = String(repeating: "[{]}\\\\\\\"", count: 200)
        func play(_ id: Int, _ more: String = "") -> String {
            #"{"id":\#(id),"watched_at":"2020-01-02T03:04:00Z","more":"\#(more)","type":"movie","movie":{"title":"M","ids":{"trakt":3}}}"#
        }
        let text = "[\(play(1)),\n \(play(2, filler)) , \(play(3))]"
        let found = Self.rows("watched-history-1.json", text, pieceBytes: pieceBytes, limits: limits)
        #expect(found.failure == nil && !found.reader.isPartial)
        #expect(found.rows.map(\.key) == ["1", nil, "3"] && found.rows.map(\.line) == [1, 2, 3])
        // An unreadable row that carries data is `invalid`; one that is only shown would be passed over.
        #expect(found.rows.map(\.kind) == [.play, .play, .play])
        #expect(found.rows[1].problems == ["the element is larger than 1 KiB"] && found.rows[1].title == nil)
        let own = Self.rows(
            "reelay.json",
            #"[{"reelay":1},{"kind":"play","file":"x","line":1,"text":"\#(filler)"},{"kind":"list","file":"x","line":1,"list":"a"}]"#,
            pieceBytes: pieceBytes, limits: limits)
        #expect(own.failure == nil && own.rows.map(\.line) == [2, 3] && own.rows.map(\.problems?.count) == [1, nil])
    }

    @Test("elements are held to their bound exactly; what is passed over leaves nothing", arguments: [1, 3, Int.max])
    func bound(pieceBytes: Int) throws {
        var parts = JSONParts(bytesMax: 10)
        var found: [JSONParts.Part] = []
        let text = Array(#"["1234567","12345678","123456789" ,[1,2,[3,4]],1]"#.utf8)
        var start = 0
        while start < text.count {
            let end = start + min(pieceBytes, text.count - start)
            try parts.feed(Array(text[start..<end])) { _, part in found.append(part) }
            start = end
        }
        try parts.finish()
        #expect(
            found == [
                .element(Array(#""1234567""#.utf8)), .element(Array(#""12345678""#.utf8)), .tooLarge, .tooLarge,
                .element([UInt8(ascii: "1")]),
            ])
        // The end of the text within an element that is too large is an error as well.
        var cut = JSONParts(bytesMax: 3)
        try cut.feed(Array("[1234".utf8)) { _, _ in }
        #expect(throws: JSONParts.Failure.broken(element: 1)) { try cut.finish() }
    }

    @Test("a file that breaks off says that something is missing, and keeps what came before", arguments: [1, Int.max])
    func broken(pieceBytes: Int) {
        let play = #"{"id":1,"type":"movie","movie":{"title":"M","ids":{"trakt":3}}}"#
        for end in [#",{"id":2"#, "", ",]]"] {
            let found = Self.rows("watched-history-1.json", "[\(play),\(play)\(end)", pieceBytes: pieceBytes)
            #expect(found.failure != nil && found.reader.isPartial, "\(end)")
            #expect(found.rows.count == 2 || end.isEmpty && found.rows.count == 1, "\(end)")
        }
        let own = Self.rows(
            "reelay.json", #"[{"reelay":1},{"kind":"list","file":"x","line":1,"list":"a"},{"kind"#,
            pieceBytes: pieceBytes)
        #expect(own.failure != nil && own.reader.isPartial && own.rows.count == 1)
        #expect(!Self.rows("watched-history-1.json", "[\(play)]").reader.isPartial)
    }

    // MARK: CSV

    private static let tables: [(path: String, header: String, row: String)] = [
        (
            "diary.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date",
            "2020-01-02,M,1999,,,,,2020-01-01"
        ),
        ("ratings.csv", "Const,Your Rating,Date Rated,Title,Title Type,Year", "tt0000001,8,2020-05-01,M,Movie,1999"),
        ("films.csv", "Title,Year,WatchedDate,Rating10", "M,1999,2020-01-01,8"),
        ("mine.csv", "Title,Kind,Rating,Given Value,Given Scale,Rated At", "M,movie,8.0,,,2020-01-01T00:00:00Z"),
    ]

    /// Previously, such a record ended the reading of its file.
    @Test("a record that is far too long, or has far too many fields, is a bad row; so is a rest within quotes")
    func refused() {
        let (long, wide) = (String(repeating: "x", count: 1_100_000), String(repeating: ",", count: 1_200))
        for table in Self.tables {
            let text = [table.header, table.row, long, table.row, wide, table.row, "\"\(table.row)", table.row]
                .joined(separator: "\n")
            let found = Self.rows(table.path, text, pieceBytes: 65_536)
            #expect(found.failure == nil, "\(table.path)")
            #expect(found.rows.map(\.line) == [2, 3, 4, 5, 6, 7], "\(table.path)")
            #expect(
                found.rows.map(\.problems) == [
                    nil, ["the row on line 3 is too long"], nil, ["the row on line 5 has too many fields"], nil,
                    ["the file ends within quotes that begin on line 7"],
                ], "\(table.path)")
            #expect(found.rows.allSatisfy { $0.kind != .shown }, "\(table.path): a bad row is no row to look at")
            #expect(found.reader.isPartial, "\(table.path): nobody knows what the quotes hold")
            let whole = Self.rows(table.path, [table.header, long, table.row].joined(separator: "\n"))
            #expect(whole.rows.count == 2 && !whole.reader.isPartial, "\(table.path)")
        }
    }

    @Test("a list of which the file says too much keeps its films; without its header there are none")
    func lists() {
        let long = String(repeating: "x", count: 1_100_000)
        func list(_ facts: String, _ header: String) -> String {
            """
            Letterboxd list export v7
            Date,Name,Tags,URL,Description
            \(facts)

            \(header)
            1,The Thing,1982,https://boxd.it/2b1s,again
            """
        }
        let header = "Position,Name,Year,URL,Description"
        let found = Self.rows("lists/mine.csv", list("2022-10-01,Mine,,,\(long)", header))
        #expect(found.failure == nil && found.rows.map(\.problems?.count) == [1, nil])
        #expect(found.rows.last?.kind == .listItem && found.rows.last?.listName == "lists/mine.csv")
        let headless = Self.rows("lists/mine.csv", list("2022-10-01,Mine,,,", "Position,Name,\(long)"))
        #expect(headless.failure == ImportFileFailure("the row on line 5 is too long") && headless.rows.isEmpty)
        #expect(
            Self.rows("diary.csv", "\(long)\n1,2\n").failure == ImportFileFailure("the row on line 1 is too long"))
    }
}
