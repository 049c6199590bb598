import Archive
import Foundation
import Stack
import Testing

/// Exports everything that a person has and imports it again.
@Suite(.stack(.openToAll), .serialized)
struct EverythingTests {
    private func zip(_ files: [(String, String)]) throws -> [UInt8] {
        var writer = try ArchiveWriter()
        for (name, text) in files {
            try writer.begin(name)
            try writer.write(Array(text.utf8))
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    private func bring(
        _ bytes: [UInt8], as name: String, _ client: PublicClient
    ) async throws -> [String: Int] {
        let sent = try await client.upload(
            "/imports?name=\(name)&apply=true", bytes, type: "application/octet-stream")
        #expect(sent.status == 202, "\(sent.answer.text)")
        let id = try #require(sent.json["id"] as? String)
        for _ in 0..<8 {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            let state = found.json["state"] as? String ?? ""
            if ["reading", "matching", "judging", "applying"].contains(state) { continue }
            #expect(state == "applied", "\(found.answer.text)")
            return (found.json["counts"] as? [String: Int] ?? [:]).filter { $0.value > 0 }
        }
        throw StackError("import \(id) does not rest")
    }

    private func files(_ archive: [UInt8]) throws -> [String: Any] {
        var file = try ScratchFile()
        try file.append(archive)
        var reader = try ArchiveReader(file)
        var found: [String: Any] = [:]
        for entry in reader.entries {
            try reader.open(entry)
            var bytes: [UInt8] = []
            while let piece = try reader.next() { bytes += piece }
            found[entry.name] = try JSONSerialization.jsonObject(with: Data(bytes))
        }
        return found
    }

    private func download(_ client: PublicClient) async throws -> [UInt8] {
        let answer = try await client.send("GET", "/exports/everything")
        #expect(answer.status == 200, "\(answer.answer.text)")
        return Array(answer.answer.body)
    }

    /// The content of the rows, without the installation's own identifiers.
    private func rows(_ archive: [UInt8], withIDs: Bool) throws -> [String] {
        let all = try #require(try files(archive)["reelay.json"] as? [[String: Any]])
        #expect(all.first?["reelay"] as? Int == 1)
        return try all.dropFirst().map { row in
            var plain = row
            for name in ["key", "list", "file", "line"] { plain[name] = nil }
            if !withIDs, var title = plain["title"] as? [String: Any] {
                (title["ids"], title["series_ids"]) = (nil, nil)
                plain["title"] = title
            }
            return String(
                decoding: try JSONSerialization.data(withJSONObject: plain, options: .sortedKeys), as: UTF8.self)
        }.sorted()
    }

    private static let clock =
        #""movie":{"title":"The Lighthouse Keeper's Clock","year":2019,"ids":{"imdb":"tt9100001"}}"#
    private static let episode =
        #""episode":{"season":1,"number":2,"title":"Low Tide","ids":{}},"show":{"title":"A Show of the Test","year":2001,"ids":{"tvdb":990011}}"#

    private static let trakt: [(String, String)] = [
        (
            "watched-history-1.json",
            #"[{"id":2,"watched_at":"2020-01-02T03:04:00Z","type":"movie",\#(clock)},{"id":1,"watched_at":"2019-01-02T03:04:05Z","type":"movie",\#(clock)},{"id":3,"watched_at":"1970-01-01T00:00:00Z","type":"movie","movie":{"title":"Some Time Ago","year":1971,"ids":{"trakt":77}}},{"id":4,"watched_at":"2021-01-02T03:04:05Z","type":"episode",\#(episode)}]"#
        ),
        ("ratings-episodes.json", #"[{"rated_at":"2020-01-02T03:05:00Z","rating":7,"type":"episode",\#(episode)}]"#),
        (
            "collection-movies.json",
            #"[{"collected_at":"2020-01-02T03:05:00Z",\#(clock),"metadata":{"media_type":"bluray","resolution":"uhd_4k","hdr":"hdr10","audio":"dts_x","audio_channels":"7.1","3d":false}}]"#
        ),
        (
            "watched-playback.json",
            #"[{"id":9,"progress":42.5,"paused_at":"2022-01-02T03:05:00Z","type":"episode",\#(episode)}]"#
        ),
    ]

    private static let letterboxd: [(String, String)] = [
        (
            "diary.csv",
            """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
            2021-06-14,Two in One Day,1999,https://boxd.it/1aaaaa,4.5,,"on tape, at night",2021-06-13
            2021-06-14,Two in One Day,1999,https://boxd.it/1aaaab,3,Yes,,2021-06-13
            2021-06-15,=SUM(A1),1984,https://boxd.it/1aaaac,,,,2021-06-14\n
            """
        ),
        (
            "reviews.csv",
            """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date
            2021-06-14,Two in One Day,1999,https://boxd.it/1aaaab,3,Yes,"Look at
            the <b>""clock""</b>.",,2021-06-13\n
            """
        ),
        (
            "ratings.csv",
            "Date,Name,Year,Letterboxd URI,Rating\n2022-06-14,Two in One Day,1999,https://boxd.it/bbbb,0.5\n"
        ),
        ("watchlist.csv", "Date,Name,Year,Letterboxd URI\n2023-01-01,Not Yet Seen,2001,https://boxd.it/cccc\n"),
        ("likes/films.csv", "Date,Name,Year,Letterboxd URI\n2023-01-01,Two in One Day,1999,https://boxd.it/bbbb\n"),
        (
            "lists/night.csv",
            "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2022-10-01,At Night,,https://boxd.it/lllll,Dark.\n\nPosition,Name,Year,URL,Description\n1,Two in One Day,1999,https://boxd.it/bbbb,\n2,Not Yet Seen,2001,https://boxd.it/cccc,late\n"
        ),
    ]

    /// Registers a person with something of every kind.
    private func collector(_ gateway: Int) async throws -> PublicClient {
        let client = try await PublicClient(gateway).registered("e" + UUID().uuidString.prefix(12).lowercased())
        _ = try await bring(try zip(Self.trakt), as: "trakt.zip", client)
        _ = try await bring(try zip(Self.letterboxd), as: "letterboxd.zip", client)
        let found = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let film = try #require(found.json["id"] as? String)
        _ = try await client.send(
            "POST", "/movies/\(film)/rate",
            #"{"given":{"value":87,"scale":"hundred"},"review":"Every = of it.","spoiler":true}"#)
        let watched = try await client.send("POST", "/movies/\(film)/watched", #"{"unknown_date":true}"#)
        #expect(watched.status < 300, "\(watched.answer.text)")
        let list = try await client.send("POST", "/lists", #"{"name":"Nothing yet","description":"For later."}"#)
        #expect(list.status < 300, "\(list.answer.text)")
        let dropped = try await client.send(
            "POST", "/watchlist", #"{"items":[{"title":"\#(film)","status":"dropped","note":"Too long."}]}"#)
        #expect(dropped.status == 200, "\(dropped.answer.text)")
        let state = try await client.send("GET", "/movies/\(film)").json["my_state"] as? [String: Any]
        #expect(state?["wish_status"] as? String == "dropped" && state?["on_watchlist"] as? Bool == false)
        let given = try await client.send("GET", "/watchlist?status=dropped").json["items"] as? [[String: Any]]
        #expect(given?.count == 1 && given?.first?["status"] as? String == "dropped")
        return client
    }

    @Test(
        "Everything goes out as one archive; in the same account it changes nothing, in an empty one and in an empty installation it is equal",
        .timeLimit(.minutes(3)))
    func roundTrip() async throws {
        let stack = try #require(Stack.current)
        let gateway = try stack.service("gateway").port
        let client = try await collector(gateway)
        let archive = try await download(client)
        let mine = try rows(archive, withIDs: true)
        // 4 + 3 plays (including one without a known date), 3 ratings, a watchlist item and a dropped title, one item
        // each among likes, in the collection and in progress, 2 list items, and an empty list.
        #expect(mine.count == 18, "\(mine)")
        #expect(mine.contains { $0.contains("Nothing yet") && $0.contains("For later.") }, "\(mine)")
        #expect(mine.contains { $0.contains(#""rating":8.7"#) && $0.contains("hundred") }, "\(mine)")
        #expect(mine.contains { $0.contains(#""html""#) && $0.contains("at night") == false }, "\(mine)")
        #expect(mine.contains { $0.contains(#""status":"dropped""#) && $0.contains("Too long.") }, "\(mine)")
        let layout = try files(archive)
        #expect((layout["lists-watchlist.json"] as? [Any])?.count == 1)
        #expect((layout["watched-history-1.json"] as? [Any])?.count == 7)
        #expect((layout["ratings-movies.json"] as? [Any])?.count == 2)
        #expect((layout["collection-movies.json"] as? [[String: Any]])?.first?["metadata"] is [String: Any])
        #expect(layout.keys.contains { $0.hasPrefix("lists-list-") && $0.hasSuffix("-at-night.json") })

        #expect(try await bring(archive, as: "reelay.zip", client) == ["same": 18])
        let again = try rows(try await download(client), withIDs: true)
        #expect(Set(again).symmetricDifference(mine).isEmpty && again.count == mine.count)

        let other = try await PublicClient(gateway).registered("o" + UUID().uuidString.prefix(12).lowercased())
        #expect(try await bring(archive, as: "reelay.zip", other) == ["new": 18])
        #expect(try rows(try await download(other), withIDs: true) == mine)

        let far = try await Stack.running(.openToAll) { empty in
            let person = try await PublicClient(try empty.service("gateway").port).registered("someone")
            #expect(try await bring(archive, as: "reelay.zip", person)["new"] ?? 0 > 0)
            return try rows(try await download(person), withIDs: false)
        }
        #expect(far == (try rows(archive, withIDs: false)))
    }

    @Test("An import that is taken back leaves everything as it was before", .timeLimit(.minutes(2)))
    func takenBack() async throws {
        let stack = try #require(Stack.current)
        let client = try await collector(try stack.service("gateway").port)
        let before = try rows(try await download(client), withIDs: true)
        // Something new, something that exists here, and something newer than what exists here.
        let more =
            Self.letterboxd
            + [
                (
                    "lists/day.csv",
                    "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2022-10-01,By Day,,https://boxd.it/ddddd,\n\nPosition,Name,Year,URL,Description\n1,Two in One Day,1999,https://boxd.it/bbbb,\n"
                ),
                (
                    "watched.csv",
                    "Date,Name,Year,Letterboxd URI\n2024-01-01,Never Heard Of,1931,https://boxd.it/eeee\n"
                ),
            ].map { ($0.0, $0.1) }
        let changed = more.map { name, text in
            (
                name,
                name == "ratings.csv"
                    ? text.replacing("2022-06-14", with: "2024-06-14").replacing("0.5", with: "4") : text
            )
        }
        let sent = try await client.upload(
            "/imports?name=again.zip&apply=true", try zip(changed), type: "application/octet-stream")
        let id = try #require(sent.json["id"] as? String, "\(sent.answer.text)")
        var found = try await client.send("GET", "/imports/\(id)?wait=true")
        while found.json["state"] as? String != "applied" {
            found = try await client.send("GET", "/imports/\(id)?wait=true")
        }
        #expect(try rows(try await download(client), withIDs: true) != before)
        let batch = try #require(found.json["batch"] as? String)
        var report = try await client.send("POST", "/batches/\(batch)/undo")
        let end = ContinuousClock.now + .seconds(30)
        while (report.json["batch"] as? [String: Any])?["state"] as? String != "undone", ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            report = try await client.send("POST", "/batches/\(batch)/undo")
        }
        let after = try rows(try await download(client), withIDs: true)
        #expect(after == before, "\(Set(after).symmetricDifference(before))")
    }

    @Test("The files in Trakt's layout are an export of Trakt's by themselves")
    func layout() async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await collector(gateway)
        let found = try files(try await download(client))
        let alone = try found.filter { $0.key != "reelay.json" }.map { name, value in
            (name, String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self))
        }
        let other = try await PublicClient(gateway).registered("t" + UUID().uuidString.prefix(12).lowercased())
        let counts = try await bring(try zip(alone), as: "trakt.zip", other)
        #expect(counts["invalid"] == nil && counts["unmatched"] == nil, "\(counts)")
        let history = try await other.send("GET", "/history?limit=100")
        // Trakt stores instants, so two plays on one day are a single one there.
        #expect((history.json["items"] as? [Any])?.count == 6, "\(history.answer.text)")
        let collection = try await other.send("GET", "/collection")
        #expect(collection.answer.text.contains("uhd_4k"), "\(collection.answer.text)")
    }

    @Test("The table of ratings comes in as it went out; a second time it plans nothing")
    func ratings() async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await collector(gateway)
        /// The cells of each row, without who wrote it and when.
        func table(_ client: PublicClient) async throws -> (bytes: [UInt8], rows: Set<String>) {
            let csv = try await client.send("GET", "/exports?kind=ratings&format=csv")
            #expect(csv.status == 200, "\(csv.answer.text)")
            let rows = csv.answer.text.components(separatedBy: "\r\n").map { line in
                var cells = line.components(separatedBy: "\",\"")
                if cells.count == 15 { cells.removeSubrange(9...10) }
                return cells.joined(separator: "|")
            }
            return (Array(csv.answer.body), Set(rows))
        }
        let mine = try await table(client)
        #expect(mine.rows.count == 5, "a header, three ratings, and the end: \(mine.rows)")
        #expect(mine.rows.contains { $0.contains("|8.7|87|hundred|") && $0.contains("|Every = of it.|true|") })
        #expect(try await bring(mine.bytes, as: "mine.csv", client) == ["same": 3])
        let other = try await PublicClient(gateway).registered("r" + UUID().uuidString.prefix(12).lowercased())
        #expect(try await bring(mine.bytes, as: "mine.csv", other) == ["new": 3])
        #expect(try await table(other).rows == mine.rows)
        #expect(try await bring(mine.bytes, as: "mine.csv", other) == ["same": 3])
    }

    @Test("The watchlist goes out for Letterboxd and comes in as it was; a second time it plans nothing")
    func watchlist() async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await collector(gateway)
        let list = try await client.send("GET", "/exports/letterboxd?list=watchlist")
        #expect(list.status == 200 && list.answer.text.contains("Not Yet Seen"), "\(list.answer.text)")
        let bytes = Array(list.answer.body)
        #expect(try await bring(bytes, as: "films.csv", client) == ["same": 1])
        let other = try await PublicClient(gateway).registered("w" + UUID().uuidString.prefix(12).lowercased())
        #expect(try await bring(bytes, as: "films.csv", other) == ["new": 1])
        let copy = try await other.send("GET", "/exports/letterboxd?list=watchlist")
        #expect(copy.answer.text == list.answer.text)
        // `since` refers to when the item was written here, not to its date.
        let written = ISO8601DateFormatter().string(from: Date().addingTimeInterval(1))
        for (since, isNew) in [("2023-01-02T00:00:00Z", true), (written, false)] {
            let changes = try await client.send("GET", "/exports/letterboxd?list=watchlist&since=\(since)")
            #expect(changes.status == 200 && changes.answer.text.contains("Not Yet Seen") == isNew, "\(since)")
        }
    }
}
