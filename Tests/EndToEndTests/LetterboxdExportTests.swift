import Archive
import CSV
import Foundation
import Stack
import Testing

/// A whole real export, held against a count that knows nothing of how it is brought in.
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
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let sent = try await client.upload("/imports?apply=true", bytes, type: "application/zip")
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
        .enabled(if: folder != nil, "REELAY_FIXTURES is not set"), .timeLimit(.minutes(3)))
    func whole() async throws {
        let stack = try #require(Stack.current)
        let client = try await PublicClient(try stack.service("gateway").port).registered("export")
        let path = stack.folder.appending(path: "letterboxd.zip")
        try archive().write(to: path)
        let found = try await bring(path.path, client)
        #expect(found["state"] as? String == "applied", "\(found["problem"] ?? "")")

        // Counted apart: film and day decide what an entry is, film alone what is watched, rated and listed.
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
        // A list without films makes nothing.
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
    }
}
