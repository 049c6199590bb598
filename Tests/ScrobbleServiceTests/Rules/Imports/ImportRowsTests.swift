import Contracts
import JSON
import Testing

@testable import ScrobbleService

@Suite("Rows of every export in one form")
struct ImportRowsTests {
    private static func rows(
        _ path: String, _ text: String, kind: ImportFileKind? = nil, isLone: Bool = false, pieceBytes: Int = .max
    ) throws(ImportFileFailure) -> (rows: [ImportedRow], reader: ImportFileReader) {
        let bytes = Array(text.utf8)
        var reader = ImportFileReader(path: path, front: bytes, kind: kind, isLone: isLone)
        var rows: [ImportedRow] = []
        var start = 0
        while start < bytes.count {
            let end = start + min(pieceBytes, bytes.count - start)
            try reader.feed(Array(bytes[start..<end])) { rows.append($0) }
            start = end
        }
        try reader.finish { rows.append($0) }
        return (rows, reader)
    }

    @Test("a diary row is a play on its day, with what was written beside it", arguments: [1, 7, Int.max])
    func diary(pieceBytes: Int) throws {
        let text = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\r
            2021-06-14,"The Keeper, Again",1973,https://boxd.it/1VoAHp,4.5,Yes,"on tape, late",1996-08-24\r
            2021-06-15,Harbour,,,,,,\r\n
            """
        let (rows, reader) = try Self.rows("diary.csv", text, pieceBytes: pieceBytes)
        #expect(reader.source == .letterboxd)
        #expect(reader.recognisedAs == "letterboxd diary")
        try #require(rows.count == 2)
        #expect(
            rows[0]
                == ImportedRow(
                    kind: .play, file: "diary.csv", line: 2,
                    title: TitleQuery(kind: .movie, ids: ExternalIds(), name: "The Keeper, Again", year: 1973),
                    watchedOn: CalendarDate("1996-08-24"), precision: .day, rating: DecimalTenths(tenths: 90),
                    given: GivenRating(value: DecimalTenths(tenths: 45), scale: .fiveStars),
                    tags: ["on tape", "late"], rewatch: true, datedAt: Timestamp("2021-06-14T00:00:00Z"), key: "1VoAHp")
        )
        #expect(rows[1].watchedOn == CalendarDate("2021-06-15"))
        #expect(rows[1].key == "Harbour (0) 2021-06-15")
        // Its empty cells say that there is no value; missing columns say nothing.
        #expect(rows[1].tags == [] && rows[1].rewatch == false && rows[1].rating == nil && rows[1].ofPlay == true)
        let bare = try Self.rows("d.csv", "Date,Name,Year,Letterboxd URI,Watched Date\n2021-06-15,Harbour,,,\n").rows
        #expect(bare.map(\.kind) == [.play])
        #expect(bare.allSatisfy { $0.tags == nil && $0.rewatch == nil && $0.ofPlay == nil })
    }

    @Test("a review keeps its HTML beside its text, a film's row its short address")
    func texts() throws {
        let review = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date
            2019-01-01,Roma,2018,https://boxd.it/ATu2F,,,"<p>Salt &amp; <i>light</i></p>
            <p>a < b</p>",,2018-12-30
            """
        let row = try #require(try Self.rows("reviews.csv", review).rows.first)
        #expect(row.kind == .review)
        #expect(row.text == "Salt & light\n\n\na < b")
        #expect(row.html?.hasPrefix("<p>Salt") == true)
        let list = "Date,Name,Year,Letterboxd URI\n2019-01-01,Roma,2018,https://boxd.it/hOwC\n"
        let film = try #require(try Self.rows("export/watchlist.csv", list).rows.first)
        #expect(film.kind == .watchlist)
        #expect(film.title?.ids.letterboxd == "hOwC")
    }

    /// Previously, a copy of an export with converted line endings looked like an update of every multi-line review.
    @Test("a review says the same whichever way its lines end", arguments: ["\n", "\r\n", "\r"])
    func lineEnds(end: String) throws {
        let head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\r\n"
        func row(_ review: String) -> String {
            "2019-01-01,Roma,2018,https://boxd.it/ATu2F,,,\"\(review)\",,2018-12-30\r\n"
        }
        let found = try #require(try Self.rows("reviews.csv", head + row("One\(end)\(end)two")).rows.first)
        #expect(found.text == "One\n\ntwo" && found.html == nil)
        let marked = try #require(
            try Self.rows("reviews.csv", head + row("One\(end)\(end)<b>two</b>")).rows.first)
        #expect(marked.text == "One\n\ntwo" && marked.html == "One\(end)\(end)<b>two</b>")
    }

    @Test("a file whose header fits several kinds asks, and takes the answer")
    func unclear() throws {
        let text = "Date,Name,Year,Letterboxd URI\n2019-01-01,Roma,2018,https://boxd.it/hOwC\n"
        let failure = #expect(throws: ImportFileFailure.self) { try Self.rows("films of mine.csv", text) }
        #expect(failure?.mayBe == [.watched, .watchlist, .likedFilms])
        #expect(try Self.rows("films of mine.csv", text, kind: .likedFilms).rows.first?.kind == .like)
    }

    @Test("our own table of ratings is no table of films: every row is a rating, exactly", arguments: [1, 7, Int.max])
    func ownRatings(pieceBytes: Int) throws {
        let id = "01920000-0000-7000-8000-000000000603"
        let text = """
            "Title","Year","Kind","Rating","Given Value","Given Scale","Rated At","Review","Spoiler","Source","Updated At","imdbID","tmdbID","tvdbID","Reelay ID"\r
            "Saltmarsh","2019","series","8.7","87.0","hundred","2024-01-02T03:04:05.678901Z","'=Grand,\nand ""long"" too","true","user","2025-01-02T03:04:05Z","tt0000077","1396","81189","\(id)"\r
            "Plain","","movie","10.0","","","2024-01-02T03:04:05Z","","false","","2025-01-02T03:04:05Z","","","",""\r
            "Wrong","","film","0","","","yesterday","","false","","","","","",""\r

            """
        let (rows, reader) = try Self.rows("ratings of mine.csv", text, pieceBytes: pieceBytes)
        #expect(reader.source == .reelay && reader.recognisedAs == "table of ratings")
        try #require(rows.count == 3)
        #expect(
            rows[0]
                == ImportedRow(
                    kind: .rating, file: "ratings of mine.csv", line: 2,
                    title: TitleQuery(
                        kind: .series, ids: ExternalIds(imdb: "tt0000077", tmdb: 1_396, tvdb: 81_189),
                        name: "Saltmarsh", year: 2019),
                    titleId: TitleID(id), rating: DecimalTenths(tenths: 87),
                    given: GivenRating(value: DecimalTenths(tenths: 870), scale: .hundred),
                    text: "=Grand,\nand \"long\" too", spoiler: true, datedAt: Timestamp("2024-01-02T03:04:05.678901Z"))
        )
        #expect(rows[1].rating == DecimalTenths(tenths: 100) && rows[1].given == nil && rows[1].spoiler == nil)
        #expect(
            rows[2].problems == [
                "the row names no title", "rating: 0 is not 0.1 to 10", "rated at: yesterday is not a date",
            ])
    }

    @Test("what was deleted there, films that are gone and comments are shown and become nothing")
    func shown() throws {
        let diary = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
            2021-06-14,Roma,2018,https://boxd.it/1VoAHp,5,Yes,late,2021-06-13

            """
        let deleted = try Self.rows("deleted/diary.csv", diary).rows
        try #require(deleted.map(\.kind) == [.shown])
        // With everything they carry: previously the day, the entry and the rest were left out.
        var live = try #require(try Self.rows("diary.csv", diary).rows.first)
        (live.kind, live.file) = (.shown, "deleted/diary.csv")
        #expect(deleted == [live])
        #expect(live.watchedOn == CalendarDate("2021-06-13") && live.rewatch == true && live.key == "1VoAHp")
        let orphaned = try Self.rows("orphaned/diary.csv", diary)
        #expect(orphaned.rows.map(\.kind) == [.shown])
        #expect(orphaned.reader.recognisedAs == "letterboxd orphaned diary")
        let comments = "Date,Content,Comment\n2019-08-22,https://boxd.it/NdVrZ,\"Nice, man.\"\n"
        for path in ["comments.csv", "deleted/comments.csv"] {
            let comment = try #require(try Self.rows(path, comments).rows.first)
            #expect(comment.kind == .shown && comment.text == "Nice, man." && comment.key == "https://boxd.it/NdVrZ")
        }
        let liked = try Self.rows("likes/lists.csv", "Date,Content\n2019-08-22,https://boxd.it/NdVrZ\n").rows
        #expect(liked.map(\.kind) == [.shown] && liked.map(\.key) == ["https://boxd.it/NdVrZ"])
    }

    @Test("a list's rows know their list")
    func list() throws {
        let text = """
            Letterboxd list export v7
            Date,Name,Tags,URL,Description
            2022-10-01,Hooptober,,https://boxd.it/abcde,"<b>thirty</b> nights"

            Position,Name,Year,URL,Description
            1,The Thing,1982,https://boxd.it/2b1s,again
            """
        let row = try #require(try Self.rows("lists/hooptober.csv", text).rows.first)
        #expect(row.kind == .listItem)
        #expect([row.list, row.listName, row.listNote, row.text] == ["abcde", "Hooptober", "thirty nights", "again"])
        #expect(row.rank == 1)
    }

    @Test("IMDb's ratings and watchlist")
    func imdb() throws {
        let ratings = """
            Const,Your Rating,Date Rated,Title,Title Type,Year
            tt0111161,9,2020-05-01,"A Film, of Sorts",Movie,1994
            tt0903747,10,2021-01-02,A Show,TV Series,2008
            nm0000001,7,2021-01-02,Nobody,Movie,2008
            """
        let (rows, reader) = try Self.rows("ratings.csv", ratings)
        #expect(reader.source == .imdb)
        #expect(rows.map { $0.title?.kind } == [.movie, .series, nil])
        #expect(rows[0].rating == DecimalTenths(tenths: 90))
        #expect(rows[0].datedAt == Timestamp("2020-05-01T00:00:00Z"))
        #expect(rows[2].problems == ["const: nm0000001 is not an IMDb id"])
        let listed =
            "Position,Const,Created,Modified,Description,Title,Title Type,Year,Your Rating,Date Rated\n1,tt0111161,2020-05-01,,,X,movie,1994,,\n"
        #expect(try Self.rows("WATCHLIST.csv", listed).rows.map(\.kind) == [.watchlist])
        // A name that says nothing is taken for the watchlist's, unless there are other files beside it.
        for name in ["0b2cd1f0-8f2e-4f0a-9d3e-7c1a5b6d7e8f.csv", "export.csv", "file"] {
            #expect(try Self.rows(name, listed, isLone: true).rows.map(\.kind) == [.watchlist], "\(name)")
            #expect(try Self.rows(name, listed).rows.map(\.kind) == [.listItem], "\(name)")
        }
        for name in ["Best of Noir.csv", "Facade.csv", "ls012345678.csv"] {
            #expect(try Self.rows(name, listed, isLone: true).rows.map(\.kind) == [.listItem], "\(name)")
        }
    }

    @Test("IMDb: games are shown, episodes are episodes, what is on a list and rated is both, and nothing is zero")
    func imdbRest() throws {
        let head = "Const,Your Rating,Date Rated,Title,Title Type,Year\n"
        let text =
            head + "tt0000001,8,2020-05-01,A Game,Video Game,1994\ntt0000002,7,2020-05-01,Show: First,TV Episode,2008\n"
            + "tt0000003,0,2020-05-01,Nought,Movie,2008\ntt0000004,7,01/05/2020,Dated,TV Mini Series,2008\n"
            + "tt0000005,7,2020-05-01,Twice,Movie,2008\ntt0000005,7,2020-05-01,Twice,Movie,2008\n"
        let rows = try Self.rows("ratings.csv", text).rows
        #expect(rows.map(\.kind) == [.shown, .rating, .rating, .rating, .rating, .rating])
        #expect(rows.map { $0.title?.kind } == [.movie, .episode, .movie, .series, .movie, .movie])
        #expect(
            rows.map { $0.problems?.first } == [
                nil, nil, "your rating: 0 is not 1 to 10", "01/05/2020 is not a date", nil, nil,
            ])
        #expect(rows.map(\.line) == Array(2...7))
        let listed =
            "Position,Const,Created,Modified,Description,Title,Title Type,Year,Your Rating,Date Rated\n"
            + "1,tt0111161,2020-05-01,,for a long evening,X,movie,1994,9,2021-02-03\n2,nm0000001,2020-05-01,,,Somebody,,,,\n"
        let list = try Self.rows("export/My Watchlist.csv", listed).rows
        #expect(list.map(\.kind) == [.watchlist, .rating, .watchlist])
        #expect(list.allSatisfy { $0.list == nil && $0.rank == nil })
        // Previously, every list was taken for the watchlist.
        let (noir, reader) = try Self.rows("export/Best of Noir.csv", listed)
        #expect(reader.recognisedAs == "imdb list" && noir.map(\.kind) == [.listItem, .rating, .listItem])
        #expect(noir.map(\.listName) == ["Best of Noir", nil, "Best of Noir"])
        #expect(noir[0].list == "imdb Best of Noir" && noir[0].rank == 1 && noir[0].text == "for a long evening")
        #expect(noir[0].datedAt == Timestamp("2020-05-01T00:00:00Z") && noir[1].list == nil)
        #expect(list[0].text == "for a long evening" && list[1].text == nil)
        #expect(list[1].rating == DecimalTenths(tenths: 90) && list[1].datedAt == Timestamp("2021-02-03T00:00:00Z"))
        #expect(list[2].problems == ["const: nm0000001 is not an IMDb id"])
    }

    /// Every element of every Trakt file is at least one row, of the right kind.
    @Test(
        "no element of Trakt's export is passed over",
        arguments: [
            (
                "watched-shows-1.json",
                #"{"plays":3,"last_watched_at":"2020-01-02T03:04:05Z","show":{"title":"S","ids":{"trakt":3}}}"#,
                [ImportRowKind.shown], 0
            ),
            (
                "watched-shows-1.json",
                #"{"show":{"title":"S","ids":{"trakt":3}},"seasons":[{"number":1,"episodes":[{"number":1,"plays":1},{"plays":1}]}]}"#,
                [.watched, .shown], 0
            ),
            (
                "collection-shows.json", #"{"show":{"title":"S","ids":{"trakt":3}},"seasons":[]}"#, [.shown], 0
            ),
            (
                "ratings-seasons.json",
                #"{"rated_at":"2020-01-02T03:04:05Z","rating":8,"type":"season","season":{"number":0,"ids":{"trakt":5}},"show":{"title":"S","ids":{"trakt":3}}}"#,
                [.rating], 0
            ),
            (
                "ratings-movies.json",
                #"{"rated_at":"2020-01-02T03:04:05Z","rating":0,"type":"movie","movie":{"title":"M","ids":{"trakt":3}}}"#,
                [.rating], 1
            ),
            (
                "ratings-movies.json",
                #"{"rated_at":"yesterday","rating":5,"type":"movie","movie":{"title":"M","ids":{"trakt":3}}}"#,
                [.rating], 1
            ),
            (
                "watched-history-1.json",
                #"{"id":1,"watched_at":"soon","type":"movie","movie":{"title":"M","ids":{"trakt":3}}}"#, [.play], 1
            ),
            (
                "lists-list-7-people.json", #"{"rank":1,"type":"person","person":{"name":"P","ids":{"trakt":9}}}"#,
                [.shown], 0
            ),
            (
                "comments-lists.json", #"{"type":"list","list":{"name":"L"},"comment":{"id":1,"comment":"Ok"}}"#,
                [.shown], 0
            ),
            ("likes-comments.json", #"{"type":"comment"}"#, [.shown], 0), ("hidden-calendar.json", "{}", [.shown], 0),
            ("_errors.json", #"{"endpoint":"/x","error":"y"}"#, [.shown], 0),
            ("watched-history-1.json", "7", [.play], 1),
        ] as [(String, String, [ImportRowKind], Int)])
    func traktElements(file: String, element: String, kinds: [ImportRowKind], problems: Int) throws {
        let rows = try Self.rows(file, "[\(element)]").rows
        #expect(rows.map(\.kind) == kinds, "\(file) \(element)")
        #expect(rows.filter { $0.problems != nil }.count == problems, "\(file) \(element): \(rows)")
    }

    /// Every row of every Letterboxd file is one row, of the right kind.
    @Test(
        "no row of Letterboxd's export is passed over",
        arguments: [
            (
                "deleted/diary.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date",
                [ImportRowKind.shown]
            ),
            ("orphaned/diary.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date", [.shown]),
            ("diary.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date", [.play]),
            ("reviews.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date", [.review]),
            ("ratings.csv", "Date,Name,Year,Letterboxd URI,Rating", [.rating]),
            ("watched.csv", "Date,Name,Year,Letterboxd URI", [.watched]),
            ("watchlist.csv", "Date,Name,Year,Letterboxd URI", [.watchlist]),
            ("likes/films.csv", "Date,Name,Year,Letterboxd URI", [.like]),
            ("likes/lists.csv", "Date,Content", [.shown]), ("likes/reviews.csv", "Date,Content", [.shown]),
            ("comments.csv", "Date,Content,Comment", [.shown]),
            ("deleted/comments.csv", "Date,Content,Comment", [.shown]),
            ("profile.csv", "Date Joined,Username,Given Name", [.shown]),
        ] as [(String, String, [ImportRowKind])])
    func letterboxdRows(file: String, header: String, kinds: [ImportRowKind]) throws {
        // As many cells as columns, all valid; then the same row again, a bare one, and one that is too short.
        let cells = [
            "date": "2020-01-02", "date joined": "2020-01-02", "name": "A Film", "year": "1999",
            "letterboxd uri": "https://boxd.it/abcd", "rating": "3.5", "watched date": "2020-01-01",
            "content": "https://boxd.it/x",
            "comment": "Well", "review": "Good", "username": "me", "tags": "one",
        ]
        let columns = header.split(separator: ",").map { $0.lowercased() }
        let row = columns.map { cells[$0] ?? "" }.joined(separator: ",")
        let bare = columns.map { $0 == "name" ? "Other" : "" }.joined(separator: ",")
        let isOfFilms = columns.contains("name")
        let text = [header, row, row, isOfFilms ? bare : row, "2020-01-02"].joined(separator: "\r\n") + "\r\n"
        let rows = try Self.rows(file, text).rows
        #expect(rows.map(\.line) == [2, 3, 4, 5], "\(file)")
        #expect(rows.prefix(3).allSatisfy { $0.kind == kinds[0] }, "\(file): \(rows.map(\.kind))")
        // A row that should name a film but does not is unreadable, rather than only shown.
        #expect(rows[3].kind == kinds[0])
        #expect((rows[3].problems?.contains("name: is missing") == true) == isOfFilms, "\(file)")
        let zero = row.replacing("3.5", with: "0")
        if zero != row {
            let rows = try Self.rows(file, "\(header)\r\n\(zero)\r\n").rows
            #expect(rows.map(\.problems) == [["rating: 0 is not 0.5 to 5"]], "\(file)")
        }
    }

    @Test("Trakt's plays: to the minute or the second, and at some time", arguments: [1, 13, Int.max])
    func traktHistory(pieceBytes: Int) throws {
        let text = """
            [{"id": 7, "watched_at": "2020-01-02T03:04:00.000Z", "action": "watch", "type": "movie",
              "movie": {"title": "A Film", "year": 1999, "ids": {"trakt": 11, "imdb": "", "tmdb": null}}},
             {"id": 8, "watched_at": "1970-01-01T00:00:00.000Z", "type": "episode",
              "episode": {"season": 0, "number": 3, "title": "A ] \\" [", "ids": {"trakt": 12, "plex": {"guid": "x"}}},
              "show": {"title": "A Show", "year": 2001, "ids": {"trakt": 13, "imdb": "tt1234567"}}},
             {"id": 9, "watched_at": null, "type": "person"}]
            """
        let (rows, reader) = try Self.rows("me/watched-history-1.json", text, pieceBytes: pieceBytes)
        #expect(reader.source == .trakt)
        #expect(rows.map(\.key) == ["7", "8", "9"])
        #expect(rows.map(\.precision) == [.minute, nil, nil])
        #expect(rows[0].title?.ids == ExternalIds(trakt: 11))
        #expect(rows[1].title?.seasonNumber == 0)
        #expect(rows[1].title?.seriesIds == ExternalIds(imdb: "tt1234567", trakt: 13))
        #expect(rows[2].problems == ["the element names no title"])
    }

    @Test("Trakt's other files, small or paged, and what the export lacks")
    func traktRest() throws {
        let movie = #""movie": {"title": "A Film", "year": 1999, "ids": {"trakt": 11}}"#
        let rated = try Self.rows(
            "ratings-movies.json", #"[{"rated_at":"2020-01-02T03:04:05Z","rating":8,"type":"movie",\#(movie)}]"#
        ).rows
        #expect(rated.first?.rating == DecimalTenths(tenths: 80))
        let liked = try Self.rows(
            "lists-favorites-2.json", #"[{"type":"movie","listed_at":"2020-01-02T03:04:05Z",\#(movie)}]"#)
        #expect(liked.rows.map(\.kind) == [.like])
        let comment = try Self.rows(
            "comments-movies.json",
            #"[{"type":"movie",\#(movie),"comment":{"id":5,"comment":"Fine.","spoiler":true,"created_at":"2020-01-02T03:04:05Z"}}]"#
        )
        #expect(comment.rows.map(\.text) == ["Fine."])
        #expect(comment.rows.map(\.spoiler) == [true])
        // A list is as old as its header says, not as its first item.
        let header = try Self.rows(
            "lists-lists.json",
            #"[{"name":"Mine","description":"All","created_at":"2019-01-02T03:04:05Z","ids":{"trakt":9,"slug":"mine"}}]"#
        )
        let items = Array(#"[{"rank":1,"listed_at":"2020-01-02T03:04:05Z","type":"movie",\#(movie)}]"#.utf8)
        var list = ImportFileReader(
            path: "lists-list-9-mine.json", front: items, kind: nil, lists: header.reader.lists)
        var listed: [ImportedRow] = []
        try list.feed(items) { listed.append($0) }
        #expect(listed.map(\.listName) == ["Mine"] && listed.map(\.listNote) == ["All"])
        #expect(listed.map(\.listMadeAt) == [Timestamp("2019-01-02T03:04:05Z")])
        let errors = try Self.rows("_errors.json", #"[{"endpoint":"/sync/history","error":"timeout"}]"#)
        #expect(errors.reader.isPartial)
        let shows = try Self.rows(
            "collection-shows.json",
            #"[{"show":{"title":"S","ids":{"trakt":3}},"seasons":[{"number":1,"episodes":[{"number":1,"collected_at":"2020-01-02T03:04:05Z"},{"number":2}]}]}]"#
        )
        #expect(shows.rows.map { $0.title?.episodeNumber } == [1, 2])
        #expect(throws: ImportFileFailure("the JSON breaks off at element 1")) {
            try Self.rows("ratings-movies.json", #"[{"rating": "#)
        }
    }

    @Test("a table of films in the form that Letterboxd takes in: exact ratings, days, formulas meant as text")
    func films() throws {
        let text = """
            "LetterboxdURI","tmdbID","imdbID","Title","Year","Rating","Rating10","WatchedDate","Rewatch","Tags","Review","ReelayRating"\r
            "","603","tt0133093","'=Matrix","1999","4.5","9","2020-01-02","true","late, on tape","'- fine","8.7"\r
            "","603","tt0133093","'=Matrix","1999","4.5","9","2020-01-02","false","","",""\r
            "","","","Once","1950","","","","","","","7"\r
            "","","","Twice","1950","","11","","","","",""\r
            "","","","","","","","","","","",""\r\n
            """
        let (rows, reader) = try Self.rows("letterboxd-diary.csv", text)
        #expect(reader.source == .reelay)
        try #require(rows.count == 5)
        #expect(rows[0].kind == .play)
        #expect(
            rows[0].title
                == TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt0133093", tmdb: 603), name: "=Matrix", year: 1999)
        )
        #expect(rows[0].rating == DecimalTenths(tenths: 87))
        #expect(rows[0].text == "- fine")
        #expect(rows[0].tags == ["late", "on tape"])
        #expect(rows[0].rewatch == true)
        #expect(rows[1].rating == DecimalTenths(tenths: 90))
        #expect(rows[0].key != rows[1].key)
        #expect(rows[2].kind == .rating)
        #expect(rows[2].rating == DecimalTenths(tenths: 70))
        #expect(rows[3].problems == ["rating10: 11 is not a rating"])
        #expect(rows[4].problems == ["the row names no film"])
    }

    /// Previously, such a row was reported to name no film.
    @Test("an address names a film as well, under either name of its column; beside a day only where we wrote it")
    func filmAddresses() throws {
        let text = """
            LetterboxdURI,Title,Year,WatchedDate,Rating10
            https://boxd.it/2b1s,,,,8
            https://boxd.it/2b1t,,,,8
            https://boxd.it/hOwC,Roma,2018,,9
            https://boxd.it/ATu2F,Roma,2018,2020-01-02,9
            https://boxd.it/xxxx,,,2020-01-02,9
            https://letterboxd.com/film/roma-2018/,,,,9
            https://boxd.it/a/b,,,,9
            """
        let rows = try Self.rows("films.csv", text).rows
        #expect(rows.map { $0.title?.ids.letterboxd } == ["2b1s", "2b1t", "hOwC", nil, "xxxx", nil, nil])
        #expect(rows.prefix(5).allSatisfy { $0.problems == nil && $0.title != nil })
        #expect(rows.suffix(2).allSatisfy { $0.problems == ["the row names no film"] })
        // Films without a name are as many as their addresses.
        let keys = rows.compactMap { $0.title.map { ImportItemKey.of($0) } }
        #expect(keys[0] != keys[1] && keys[2] == keys[3])
        let other = try Self.rows("mine.csv", "url,Review\nhttps://boxd.it/2b1s,Well\n")
        #expect(other.reader.recognisedAs == "table of films")
        #expect(other.rows.map { $0.title?.ids } == [ExternalIds(letterboxd: "2b1s")])
        let ours = try Self.rows(
            "letterboxd-diary.csv",
            "LetterboxdURI,Title,Year,WatchedDate,ReelayTitle\nhttps://boxd.it/hOwC,Roma,2018,2020-01-02,x\n")
        #expect(ours.rows.map { $0.title?.ids.letterboxd } == ["hOwC"])
        #expect(throws: ImportFileFailure("the header does not belong to a known export")) {
            try Self.rows("bookmarks.csv", "url,title\nhttps://example.org/,Roma\n")
        }
    }

    @Test("our own columns name title and play, and tell what was given then from what holds now")
    func ownColumns() throws {
        let title = "01920000-0000-7000-8000-000000000001"
        let play = "01920000-0000-7000-8000-000000000002"
        let text = """
            "Title","Year","Rating10","WatchedDate","Rewatch","ReelayRating","ReelayFilmRating","ReelayTitle","ReelayPlay"\r
            "Once","1950","8","2020-01-02","true","","8.2","\(title)","\(play)"\r
            "Once","1950","6","","false","6.1","8.2","\(title)","not one"\r
            "Once","1950","8","","","8.2","8.2","\(title)",""\r\n
            """
        let (rows, _) = try Self.rows("letterboxd-diary.csv", text)
        try #require(rows.count == 3)
        #expect(rows.allSatisfy { $0.titleId == TitleID(title) && $0.problems == nil })
        #expect(rows.map(\.kind) == [.play, .watched, .rating])
        #expect(rows[0].rating == nil && rows[0].titleRating == DecimalTenths(tenths: 82) && rows[0].key == play)
        #expect(rows[1].rating == DecimalTenths(tenths: 61) && rows[1].titleRating == DecimalTenths(tenths: 82))
        #expect(rows[2].rating == DecimalTenths(tenths: 82) && rows[2].titleRating == nil)
        let key = ImportItemKey.of(try #require(TitleID(title)))
        #expect(ImportItemKey.title(of: key) == TitleID(title))
        #expect(
            ImportItemKey.title(of: ImportItemKey.of(TitleQuery(kind: .movie, ids: ExternalIds(), name: "x"))) == nil)
        let plan = ImportPlan(rows.prefix(2).enumerated().map { (place: $0.offset, row: $0.element) })
        #expect(plan.rating?.rating == DecimalTenths(tenths: 82) && plan.plays.map(\.note.rating?.tenths) == [nil])
    }

    @Test("files of no export are passed over, damaged ones say why")
    func foreign() throws {
        #expect(try Self.rows("__MACOSX/diary.csv", "Date,Name").reader.isForeign)
        #expect(try Self.rows("package.json", "{}").reader.isForeign)
        #expect(throws: ImportFileFailure("the header does not belong to a known export")) {
            try Self.rows("diary.csv", "a,b\n1,2\n")
        }
        #expect(throws: ImportFileFailure("the file consists of nothing but zero bytes, as in a damaged archive")) {
            try Self.rows("lists/x.csv", "\0\0\0\0\0\0")
        }
    }
}
