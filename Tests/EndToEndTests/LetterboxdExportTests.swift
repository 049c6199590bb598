import Archive
import CSV
import Foundation
import Stack
import Testing

/// A complete real export, compared with counts that do not depend on the importer.
@Suite(.stack(.openToAll), .serialized)
struct LetterboxdExportTests {
    private static let folder = ProcessInfo.processInfo.environment["REELAY_FIXTURES"].map {
        URL(filePath: $0).appending(path: "letterboxd/export-2022-large")
    }

    /// The records of a file, without its header.
    private func records(_ name: String) throws -> [[String]] {
        let folder = try #require(Self.folder)
        let bytes = Array(try Data(contentsOf: folder.appending(path: name)))
        var (reader, records) = (CSVReader(), [[String]]())
        func show(_ record: borrowing CSVRecord) {
            if !record.isBlank { records.append((0..<record.count).map { record.text($0) ?? "" }) }
        }
        try reader.feed(bytes, show)
        try reader.finish(show)
        return Array(records.dropFirst())
    }

    private func archive() throws -> Data {
        let folder = try #require(Self.folder)
        var writer = try ArchiveWriter()
        for case let name as String in FileManager.default.enumerator(atPath: folder.path) ?? .init()
        where name.hasSuffix(".csv") {
            try writer.begin(name)
            try writer.write(Array(try Data(contentsOf: folder.appending(path: name))))
        }
        let packed = try writer.finish()
        return Data(try packed.read(at: 0, count: packed.byteCount))
    }

    private func bring(_ path: String, _ client: PublicClient) async throws -> [String: Any] {
        try await bring(Array(try Data(contentsOf: URL(filePath: path))), "application/zip", client)
    }

    private func bring(_ bytes: [UInt8], _ type: String, _ client: PublicClient) async throws -> [String: Any] {
        let sent = try await client.upload("/imports?apply=true", bytes, type: type)
        #expect(sent.status == 202, "\(sent.answer.text)")
        let id = try #require(sent.json["id"] as? String)
        while true {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            let state = found.json["state"] as? String ?? ""
            if !["reading", "matching", "judging", "applying"].contains(state) { return found.json }
        }
    }

    private func number(_ sql: String) async throws -> Int {
        let database = try #require(Stack.current).database
        return Int(try await database.query(sql).first ?? "") ?? -1
    }

    @Test(
        "Every row of every file is accounted for; plays, ratings, reviews, watchlist and lists are as many as counted apart; twice changes nothing",
        .enabled(if: folder != nil, "REELAY_FIXTURES is not set"), .timeLimit(.minutes(5)))
    func whole() async throws {
        let stack = try #require(Stack.current)
        let client = try await PublicClient(try stack.service("gateway").port).registered("export")
        let path = stack.folder.appending(path: "letterboxd.zip")
        try archive().write(to: path)
        let found = try await bring(path.path, client)
        #expect(found["state"] as? String == "applied", "\(found["problem"] ?? "")")

        // Counted independently: film and day identify a diary entry; the film alone identifies what is watched, rated
        // and listed.
        let diary = try records("diary.csv")
        let reviews = try records("reviews.csv")
        let watched = try records("watched.csv")
        let inDiary = Set(diary.map { $0[1] + "|" + $0[2] })
        let seenOnly = Set(watched.map { $0[1] + "|" + $0[2] }).subtracting(inDiary).count
        let files = found["files"] as? [[String: Any]] ?? []
        let rowsOfFiles = files.reduce(0) { $0 + ($1["row_count"] as? Int ?? 0) }
        #expect(found["row_count"] as? Int == rowsOfFiles)
        let counts = found["counts"] as? [String: Int] ?? [:]
        #expect(counts.values.reduce(0, +) == rowsOfFiles, "\(counts)")
        for (name, expected) in [
            ("diary.csv", diary.count), ("reviews.csv", reviews.count), ("watched.csv", watched.count),
        ] {
            #expect(files.first { $0["name"] as? String == name }?["row_count"] as? Int == expected)
        }
        #expect(try await number("SELECT count(*) FROM scrobble.plays") == diary.count + seenOnly, "\(counts)")
        let rated = Set(try records("ratings.csv").map { $0[1] + "|" + $0[2] })
            .union(diary.filter { !$0[4].isEmpty }.map { $0[1] + "|" + $0[2] })
            .union(reviews.filter { !$0[4].isEmpty }.map { $0[1] + "|" + $0[2] })
        #expect(try await number("SELECT count(*) FROM ratings.user_ratings") == rated.count)
        let reviewed = try await number("SELECT count(*) FROM scrobble.play_notes WHERE review IS NOT NULL")
        #expect(reviewed == reviews.count, "\(reviews.count) reviews")
        let listed = Set(try records("watchlist.csv").map { $0[1] + "|" + $0[2] }).count
        #expect(try await number("SELECT count(*) FROM scrobble.watchlist_items") == listed)
        // A list without films creates nothing.
        let lists = try files.compactMap { $0["name"] as? String }.filter { $0.hasPrefix("lists/") }.filter { name in
            let rows = try records(name)
            return rows.firstIndex { $0.first == "Position" }.map { $0 < rows.count - 1 } ?? false
        }
        #expect(lists.count == 24)
        #expect(try await number("SELECT count(*) FROM scrobble.lists") == lists.count)

        let again = try await bring(path.path, client)
        let same = again["counts"] as? [String: Int] ?? [:]
        #expect(same["new"] == 0 && same["update"] == 0, "\(same)")
        #expect(try await number("SELECT count(*) FROM scrobble.plays") == diary.count + seenOnly)
        Attachment.record("first: \(counts)\nsecond: \(same)", named: "counts.txt")
        try await expectRoundTrips(client)
    }

    /// Every file of a list, as they would be uploaded to Letterboxd.
    private func files(of list: String, _ client: PublicClient) async throws -> [[UInt8]] {
        var files: [[UInt8]] = []
        var cursor: String?
        repeat {
            let path = "/exports/letterboxd?list=\(list)" + (cursor.map { "&cursor=\($0)" } ?? "")
            let answer = try await client.send("GET", path)
            #expect(answer.status == 200, "\(answer.answer.text)")
            files.append(Array(answer.answer.body))
            cursor = answer.answer.headers["x-next-cursor"]
        } while cursor != nil
        return files
    }

    /// The entries of a diary by film, day, rewatch, tags, review and rating.
    private func entries(_ files: [[UInt8]]) throws -> [String] {
        var entries: [String] = []
        for file in files {
            var (reader, header, index) = (CSVReader(), [String: Int](), 0)
            func show(_ record: borrowing CSVRecord) {
                defer { index += 1 }
                if index == 0 {
                    for place in 0..<record.count { header[record.text(place) ?? ""] = place }
                    return
                }
                let names = ["Title", "Year", "WatchedDate", "Rewatch", "Tags", "Review", "Rating10"]
                entries.append(names.map { header[$0].flatMap { record.text($0) } ?? "" }.joined(separator: "|"))
            }
            try reader.feed(file, show)
            try reader.finish(show)
        }
        return entries.sorted()
    }

    /// An export for Letterboxd plans no change in the account that it came from, and yields the same in an empty one.
    private func expectRoundTrips(_ client: PublicClient) async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let other = try await PublicClient(gateway).registered("empty")
        let notes = "SELECT md5(string_agg(n::text, '' ORDER BY play_id)) FROM scrobble.play_notes n"
        let before = try await #require(Stack.current).database.query(notes)
        for list in ["diary", "ratings", "watchlist"] {
            let files = try await files(of: list, client)
            #expect(files.allSatisfy { $0.count < 1_000_000 })
            for file in files {
                let counts = try await bring(file, "text/csv", client)["counts"] as? [String: Int] ?? [:]
                #expect(counts.filter { $0.value > 0 }.keys.sorted() == ["same"], "\(list): \(counts)")
            }
        }
        #expect(try await #require(Stack.current).database.query(notes) == before, "notes stay as they are")
        let diary = try await files(of: "diary", client)
        for file in diary { _ = try await bring(file, "text/csv", other) }
        let (mine, theirs) = (try entries(diary), try entries(try await files(of: "diary", other)))
        #expect(mine.count > 2_600 && mine == theirs, "\(Set(mine).symmetricDifference(theirs).prefix(10))")
    }
}
