import Archive
import Foundation
import Stack
import Testing

extension StackPlan {
    /// One copy of each service, with open registration.
    static let openToAll: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// Exports of other services, imported as a person would: one request with a file.
@Suite(.stack(.openToAll), .serialized)
struct ImportTests {
    private func person() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        return try await PublicClient(try stack.service("gateway").port)
            .registered("i" + UUID().uuidString.prefix(12).lowercased())
    }

    /// Writes a file with these bytes for curl to upload and returns its path.
    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let folder = try #require(Stack.current).folder.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: name)
        try Data(bytes).write(to: path)
        return path.path
    }

    private func zip(_ files: [(String, String)]) throws -> [UInt8] {
        var writer = try ArchiveWriter()
        for (name, text) in files {
            try writer.begin(name)
            try writer.write(Array(text.utf8))
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    /// Uploads a file and waits until the import comes to rest.
    private func bring(
        _ bytes: [UInt8], as name: String, apply: Bool, _ client: PublicClient
    ) async throws -> [String: Any] {
        let sent = try await client.upload(
            "/imports?name=\(name)&apply=\(apply)", bytes, type: "application/octet-stream")
        #expect(sent.status == 202, "\(sent.answer.text)")
        let id = try #require(sent.json["id"] as? String)
        return try await rested(id, client)
    }

    private func rested(_ id: String, _ client: PublicClient) async throws -> [String: Any] {
        for _ in 0..<8 {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            let state = found.json["state"] as? String ?? ""
            if !["reading", "matching", "judging", "applying"].contains(state) { return found.json }
        }
        throw StackError("import \(id) does not rest")
    }

    private func counts(_ found: [String: Any]) -> [String: Int] {
        (found["counts"] as? [String: Int] ?? [:]).filter { $0.value > 0 }
    }

    /// Every play, fetched page by page.
    private func history(_ client: PublicClient) async throws -> [[String: Any]] {
        var (items, cursor): ([[String: Any]], String?) = ([], nil)
        repeat {
            let page = try await client.send("GET", "/history?limit=100" + (cursor.map { "&cursor=\($0)" } ?? ""))
            items += page.json["items"] as? [[String: Any]] ?? []
            cursor = page.json["next_cursor"] as? String
        } while cursor != nil
        return items
    }

    private static let small: [(String, String)] = [
        ("export/profile.csv", "Date Joined,Username\n2018-01-01,alice\n"),
        (
            "export/diary.csv",
            """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\r
            2021-06-14,The Lighthouse Keeper's Clock,2019,https://boxd.it/1aaaaa,,,on tape,2021-06-13\r
            2022-06-14,The Lighthouse Keeper's Clock,2019,https://boxd.it/1aaaab,4.5,Yes,,2022-06-13\r
            2022-06-15,A Film of Nobody,1999,https://boxd.it/1aaaac,,,,03/04/2022\r\n
            """
        ),
        (
            "export/reviews.csv",
            """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date
            2022-06-14,The Lighthouse Keeper's Clock,2019,https://boxd.it/1aaaab,4.5,Yes,"Look at
            the <b>clock</b>.",,2022-06-13\n
            """
        ),
        (
            "export/watched.csv",
            """
            Date,Name,Year,Letterboxd URI
            2021-06-14,The Lighthouse Keeper's Clock,2019,https://boxd.it/aaaa
            2021-06-14,Only Seen Once,1950,https://boxd.it/bbbb\n
            """
        ),
        (
            "export/ratings.csv",
            "Date,Name,Year,Letterboxd URI,Rating\n2022-06-14,Only Seen Once,1950,https://boxd.it/bbbb,3\n"
        ),
        ("export/watchlist.csv", "Date,Name,Year,Letterboxd URI\n2023-01-01,Not Yet Seen,2001,https://boxd.it/cccc\n"),
        (
            "export/likes/films.csv",
            "Date,Name,Year,Letterboxd URI\n2023-01-01,Only Seen Once,1950,https://boxd.it/bbbb\n"
        ),
        ("export/comments.csv", "Date,Content,Comment\n2023-01-01,https://boxd.it/zzzz,Nice.\n"),
        (
            "export/deleted/diary.csv",
            "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n2021-06-14,Gone,2001,,5,,,2021-06-13\n"
        ),
        (
            "export/lists/night.csv",
            "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2022-10-01,At Night,,https://boxd.it/lllll,\n\nPosition,Name,Year,URL,Description\n1,Only Seen Once,1950,https://boxd.it/bbbb,\n2,Not Yet Seen,2001,https://boxd.it/cccc,late\n"
        ),
        ("export/lists/damaged.csv", "\0\0\0\0\0\0\0\0"),
    ]

    @Test("A whole archive by one request: rows are accounted for, plays and ratings are right, twice changes nothing")
    func letterboxd() async throws {
        let client = try await person()
        _ = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let archive = try zip(Self.small)
        let found = try await bring(archive, as: "export.zip", apply: true, client)
        #expect(found["state"] as? String == "applied", "\(found)")
        #expect(found["source"] as? String == "letterboxd")
        #expect(found["row_count"] as? Int == 14)
        // The review and the film's row in watched.csv belong to other rows; a film that is only in watched.csv becomes
        // a play without a known date.
        #expect(
            counts(found) == ["new": 8, "same": 2, "invalid": 1, "shown": 3], "\(found)")
        let files = found["files"] as? [[String: Any]] ?? []
        #expect(files.count == 11)
        #expect(
            files.first { $0["name"] as? String == "export/lists/damaged.csv" }?["problem"] as? String
                == "the file consists of nothing but zero bytes, as in a damaged archive")

        let plays = try await history(client)
        #expect(plays.count == 3, "\(plays)")
        let days = Set(plays.compactMap { ($0["play"] as? [String: Any])?["watched_on"] as? String })
        #expect(days == ["2021-06-13", "2022-06-13"])
        let ratings = try await client.send("GET", "/ratings")
        let rated = (ratings.json["items"] as? [[String: Any]] ?? []).compactMap { $0["rating"] as? [String: Any] }
        #expect(Set(rated.compactMap { $0["rating"] as? Double }) == [9, 6], "\(ratings.answer.text)")
        #expect(rated.contains { $0["review"] as? String == "Look at\nthe clock." }, "\(ratings.answer.text)")

        // Once more: the rows are the same, and nothing changes.
        let again = try await bring(archive, as: "export.zip", apply: true, client)
        #expect(counts(again) == ["same": 10, "invalid": 1, "shown": 3], "\(again)")
        #expect(try await history(client).count == 3)
        let after = try await client.send("GET", "/ratings")
        #expect(after.answer.text == ratings.answer.text)
    }

    @Test("What was brought in is taken back as a batch, and can be brought in again")
    func undone() async throws {
        let client = try await person()
        let archive = try zip(Self.small)
        let found = try await bring(archive, as: "export.zip", apply: true, client)
        let batch = try #require(found["batch"] as? String)
        let undoing = try await client.send("POST", "/batches/\(batch)/undo")
        #expect(undoing.status == 200 || undoing.status == 202, "\(undoing.answer.text)")
        let end = ContinuousClock.now + .seconds(20)
        while try await !history(client).isEmpty, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await history(client).isEmpty)
        let watchlist = try await client.send("GET", "/watchlist")
        #expect((watchlist.json["items"] as? [Any])?.isEmpty == true, "\(watchlist.answer.text)")
        let again = try await bring(archive, as: "export.zip", apply: true, client)
        #expect(again["state"] as? String == "applied")
        #expect(try await history(client).count == 3)
        // The ratings were removed by the undo, not by the person.
        let ratings = try await client.send("GET", "/ratings")
        #expect((ratings.json["items"] as? [Any])?.count == 2, "\(ratings.answer.text)")
    }

    @Test("A rating that its person took back after its date stays taken back, and the report says so")
    func takenBack() async throws {
        let client = try await person()
        let clock = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let film = try #require(clock.json["id"] as? String)
        #expect(try await client.send("POST", "/movies/\(film)/rate", #"{"rating":7}"#).status < 300)
        #expect(try await client.send("DELETE", "/movies/\(film)/rate").status < 300)
        let csv = """
            Date,Name,Year,Letterboxd URI,Rating
            2020-01-02,The Lighthouse Keeper's Clock,2019,,4
            2020-01-02,Rated \(UUID().uuidString),1999,,3\n
            """
        let found = try await bring(Array(csv.utf8), as: "ratings.csv", apply: true, client)
        #expect(counts(found) == ["new": 1, "removed_by_you": 1], "\(found)")
        let id = try #require(found["id"] as? String)
        let rows = try await client.send("GET", "/imports/\(id)/rows?verdict=removed_by_you")
        let reasons = (rows.json["rows"] as? [[String: Any]] ?? []).map { $0["reason"] as? String }
        #expect(reasons == ["the rating was not written: you removed it"], "\(rows.answer.text)")
        // Undoing the import removes what it wrote.
        let batch = try #require(found["batch"] as? String)
        let undoing = try await client.send("POST", "/batches/\(batch)/undo")
        #expect(undoing.json["restored"] as? Int == 1, "\(undoing.answer.text)")
        let ratings = try await client.send("GET", "/ratings")
        #expect((ratings.json["items"] as? [Any])?.isEmpty == true, "\(ratings.answer.text)")
    }

    /// The rows of a file in Letterboxd's format, without the play's id, which differs between accounts.
    private func table(_ csv: String) -> Set<String> {
        Set(
            csv.split(separator: "\r\n").dropFirst().map { row in
                String(row[..<(row.lastIndex(of: ",") ?? row.endIndex)])
            })
    }

    @Test("What was brought in goes out in the form that Letterboxd takes, and comes in again as it was")
    func roundTrip() async throws {
        let client = try await person()
        _ = try await bring(try zip(Self.small), as: "export.zip", apply: true, client)
        let diary = try await client.send("GET", "/exports/letterboxd?list=diary")
        #expect(diary.status == 200, "\(diary.answer.text)")
        #expect(diary.answer.headers["x-next-cursor"] == nil)
        let rows = table(diary.answer.text)
        #expect(rows.count == 3, "\(diary.answer.text)")
        #expect(
            rows.contains {
                $0.contains(#""The Lighthouse Keeper's Clock","2019""#)
                    && $0.contains(#""2021-06-13","false","on tape""#)
            },
            "\(diary.answer.text)")
        #expect(
            rows.contains { $0.contains("\"4.5\",\"9\",\"2022-06-13\",\"true\",\"\",\"Look at\nthe clock.\",\"9\"") },
            "\(diary.answer.text)")
        let ratings = try await client.send("GET", "/exports/letterboxd?list=ratings")
        #expect(table(ratings.answer.text).count == 2, "\(ratings.answer.text)")

        // Imported into the same account it changes nothing; into an empty one it yields the same.
        let again = try await bring(Array(diary.answer.body), as: "diary.csv", apply: true, client)
        #expect(counts(again) == ["same": 3], "\(again)")
        let other = try await person()
        let moved = try await bring(Array(diary.answer.body), as: "diary.csv", apply: true, other)
        #expect(moved["state"] as? String == "applied", "\(moved)")
        let copy = try await other.send("GET", "/exports/letterboxd?list=diary")
        #expect(table(copy.answer.text) == rows, "\(copy.answer.text)")
        let since = try await client.send("GET", "/exports/letterboxd?list=diary&since=2199-01-01T00:00:00Z")
        #expect(table(since.answer.text).isEmpty)
    }

    @Test("What an import wrote since a moment goes out with `since`, though its dates and its upload are older")
    func since() async throws {
        let client = try await person()
        let word = UUID().uuidString
        let diary = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        let archive = try zip([
            ("diary.csv", diary + "2020-01-02,Seen \(word),1999,https://boxd.it/3aaaaa,,,,2020-01-02\n"),
            ("watchlist.csv", "Date,Name,Year,Letterboxd URI\n2020-01-02,Wanted \(word),1999,https://boxd.it/3a\n"),
        ])
        let preview = try await bring(archive, as: "export.zip", apply: false, client)
        let id = try #require(preview["id"] as? String)
        _ = try await client.send("POST", "/imports/\(id)/apply")
        #expect(try await rested(id, client)["state"] as? String == "applied")
        // A moment between the upload and the end of its batch, and that end.
        let moments = try await #require(Stack.current).database.query(
            """
            SELECT to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            FROM scrobble.imports i JOIN scrobble.batches b ON b.user_id = i.user_id AND b.id = i.batch_id
            CROSS JOIN LATERAL (VALUES
                (1, i.created_at + (b.applied_at - i.created_at) / 2), (2, b.applied_at)) AS m (number, at)
            WHERE i.id = '\(id)' ORDER BY m.number
            """)
        try #require(moments.count == 2)
        for (list, name) in [("diary", "Seen \(word)"), ("watchlist", "Wanted \(word)")] {
            let path = "/exports/letterboxd?list=\(list)&since="
            let between = try await client.send("GET", path + moments[0])
            #expect(between.answer.text.contains(name), "\(list): \(between.answer.text)")
            let after = try await client.send("GET", path + moments[1])
            #expect(after.status == 200 && !after.answer.text.contains(name), "\(list): \(after.answer.text)")
        }
    }

    @Test("The preview writes nothing; a row is corrected with all of its title, and remembered")
    func corrected() async throws {
        let client = try await person()
        let clock = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let clockID = try #require(clock.json["id"] as? String)
        let word = UUID().uuidString
        let csv = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
            2021-06-14,\(word),1999,https://boxd.it/2aaaaa,,,,2021-06-13
            2021-06-15,\(word),1999,https://boxd.it/2aaaab,,,,2021-06-14
            2021-06-15,Left Out \(word),1999,https://boxd.it/2aaaac,,,,2021-06-14\n
            """
        let found = try await bring(Array(csv.utf8), as: "diary.csv", apply: false, client)
        #expect(found["state"] as? String == "ready")
        #expect(counts(found) == ["unmatched": 3], "\(found)")
        #expect(try await history(client).isEmpty)
        let id = try #require(found["id"] as? String)
        let unmatched = try await client.send("GET", "/imports/\(id)/rows?verdict=unmatched&limit=2")
        #expect((unmatched.json["rows"] as? [[String: Any]])?.count == 2)
        #expect(unmatched.json["next_cursor"] != nil)

        let corrected = try await client.send(
            "POST", "/imports/\(id)/corrections", #"{"place":0,"title":"\#(clockID)"}"#)
        #expect(corrected.json["verdict"] as? String == "new", "\(corrected.answer.text)")
        _ = try await client.send("POST", "/imports/\(id)/corrections", #"{"place":2,"skip":true}"#)
        let now = try await client.send("GET", "/imports/\(id)")
        #expect(counts(now.json) == ["new": 2, "skipped": 1], "\(now.answer.text)")
        _ = try await client.send("POST", "/imports/\(id)/apply")
        #expect(counts(try await rested(id, client)) == ["new": 2, "skipped": 1])
        let titles = try await history(client).compactMap { ($0["title"] as? [String: Any])?["id"] as? String }
        #expect(titles == [clockID, clockID])

        // The same names in another file: the person's decision still applies.
        let later = csv.replacingOccurrences(of: "2021-06-14", with: "2023-06-14")
        let second = try await bring(Array(later.utf8), as: "diary.csv", apply: false, client)
        #expect(counts(second)["skipped"] == 1, "\(second)")
        #expect(counts(second)["unmatched"] == nil, "\(second)")
    }

    @Test("Several files at once are one import; a file that could be three asks")
    func unclear() async throws {
        let client = try await person()
        let word = UUID().uuidString
        let list = try file("films.csv", Array("Date,Name,Year,Letterboxd URI\n2023-01-01,\(word),2001,\n".utf8))
        let ratings = try file(
            "ratings.csv", Array("Date,Name,Year,Letterboxd URI,Rating\n2022-06-14,\(word),2001,,3\n".utf8))
        let text = try await Command.run(
            "curl",
            [
                "-sS", "-H", "authorization: Bearer \(client.token ?? "")", "-F", "file=@\(list)", "-F",
                "file=@\(ratings)", client.base + "/imports",
            ])
        let sent = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
        let id = try #require(sent["id"] as? String, "\(text)")
        let waiting = try await rested(id, client)
        #expect(waiting["state"] as? String == "waiting", "\(waiting)")
        let files = waiting["files"] as? [[String: Any]] ?? []
        #expect(files.first?["may_be"] as? [String] == ["watched", "watchlist", "liked_films"], "\(waiting)")
        let told = try await client.send("POST", "/imports/\(id)/kinds", #"{"name":"films.csv","kind":"watchlist"}"#)
        #expect(told.json["changed"] as? Bool == true, "\(told.answer.text)")
        let ready = try await rested(id, client)
        #expect(ready["state"] as? String == "ready")
        #expect(counts(ready) == ["unmatched": 2], "\(ready)")
        let given = try await client.send("DELETE", "/imports/\(id)")
        #expect(given.json["state"] as? String == "cancelled")
    }

    @Test("The same files are in hand once; files that are refused say why", .timeLimit(.minutes(2)))
    func refused() async throws {
        let client = try await person()
        let csv = Array("Date,Name,Year,Letterboxd URI,Rating\n2022-06-14,\(UUID().uuidString),2001,,3\n".utf8)
        let first = try await bring(csv, as: "ratings.csv", apply: false, client)
        let second = try await client.upload("/imports?name=ratings.csv", csv, type: "text/csv")
        #expect(second.status == 409)
        #expect((second.json["detail"] as? String)?.contains(first["id"] as? String ?? "?") == true)
        let nested = try zip([("export.zip", String(decoding: [0x50, 0x4B, 3, 4, 0, 0], as: UTF8.self))])
        let answer = try await client.upload("/imports", nested, type: "application/zip")
        #expect(answer.status == 422)
        #expect(answer.json["detail"] as? String == "export.zip is an archive within the archive")
        let strange = try await bring(Array("a,b\n1,2\n".utf8), as: "x.csv", apply: true, client)
        #expect(strange["state"] as? String == "failed")
        #expect(strange["problem"] as? String == "the header does not belong to a known export")
    }

    @Test("A request without a file is no request for an import, whatever form it has")
    func nothing() async throws {
        let client = try await person()
        let parts = "--x\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nno file\r\n--x--\r\n"
        let bodies = [
            ("", "application/octet-stream"), ("", "text/csv"), ("--x--\r\n", "multipart/form-data; boundary=x"),
            (parts, "multipart/form-data; boundary=x"),
        ]
        for (body, type) in bodies {
            let answer = try await client.upload("/imports", Array(body.utf8), type: type)
            #expect(answer.status == 400, "\(type): \(answer.answer.text)")
            #expect(answer.json["detail"] as? String == "no file was sent", "\(type)")
        }
        let kept = try await client.send("GET", "/imports")
        #expect((kept.json["imports"] as? [Any])?.isEmpty == true, "\(kept.answer.text)")
    }

    @Test("An upload whose client leaves in the middle of it is given up at once, and nothing of it is kept")
    func clientLeaves() async throws {
        let client = try await person()
        // The client leaves after it has sent more than one piece, but much less than all.
        let path = try file("diary.csv", [UInt8](repeating: UInt8(ascii: "a"), count: 8 << 20))
        await #expect(throws: StackError.self) {
            try await Command.run(
                "curl",
                [
                    "-sS", "-H", "authorization: Bearer \(client.token ?? "")", "-H", "content-type: text/csv", "-H",
                    "expect:", "--data-binary", "@\(path)", "--limit-rate", "500k", "--max-time", "2",
                    client.base + "/imports?name=diary.csv",
                ])
        }
        func states() async throws -> [String] {
            let kept = try await client.send("GET", "/imports")
            return (kept.json["imports"] as? [[String: Any]] ?? []).compactMap { $0["state"] as? String }
        }
        // It would be given up after an hour anyway.
        let end = ContinuousClock.now + .seconds(20)
        while try await states() == ["receiving"], ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await states() == ["cancelled"])
        let pieces = try await #require(Stack.current).database.query(
            """
            SELECT count(*) FROM scrobble.import_chunks c
            JOIN scrobble.imports i ON i.user_id = c.user_id AND i.id = c.import_id WHERE i.state = 'cancelled'
            """)
        #expect(pieces == ["0"])
    }

    @Test("Trakt's export without any key: plays by their ids, ratings, lists, comments; what it lacks is said")
    func trakt() async throws {
        let client = try await person()
        let movie =
            #""movie":{"title":"The Lighthouse Keeper's Clock","year":2019,"ids":{"trakt":null,"imdb":"tt9100001"}}"#
        let archive = try zip([
            (
                "watched-history-1.json",
                #"[{"id":2,"watched_at":"2020-01-02T03:04:00.000Z","type":"movie",\#(movie)},{"id":1,"watched_at":"2019-01-02T03:04:05.000Z","type":"movie",\#(movie)},{"id":3,"watched_at":"1970-01-01T00:00:00.000Z","type":"movie","movie":{"title":"Some Time Ago","year":1971,"ids":{"trakt":77}}}]"#
            ),
            ("watched-movies-1.json", #"[{"plays":2,"last_watched_at":"2020-01-02T03:04:00.000Z",\#(movie)}]"#),
            ("ratings-movies.json", #"[{"rated_at":"2020-01-02T03:05:00.000Z","rating":8,"type":"movie",\#(movie)}]"#),
            (
                "comments-movies.json",
                #"[{"type":"movie",\#(movie),"comment":{"id":5,"comment":"Fine.","spoiler":false,"created_at":"2020-01-02T03:04:05Z"}}]"#
            ),
            ("lists-lists.json", #"[{"name":"Mine","description":"","ids":{"trakt":9,"slug":"mine"}}]"#),
            ("lists-list-9-mine.json", #"[{"rank":1,"listed_at":"2020-01-02T03:04:05Z","type":"movie",\#(movie)}]"#),
            ("_errors.json", #"[{"endpoint":"/sync/collection","error":"timeout"}]"#),
        ])
        let found = try await bring(archive, as: "trakt.zip", apply: true, client)
        #expect(found["state"] as? String == "applied", "\(found)")
        #expect(found["is_partial"] as? Bool == true)
        #expect(counts(found) == ["new": 5, "same": 2, "shown": 2], "\(found)")
        #expect(try await history(client).count == 3)
        let again = try await bring(archive, as: "trakt.zip", apply: true, client)
        #expect(counts(again) == ["same": 7, "shown": 2], "\(again)")
    }
}
