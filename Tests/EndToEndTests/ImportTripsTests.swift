import Archive
import Foundation
import Stack
import Testing

/// The number of round trips that an import makes to Postgres.
@Suite(.stack(.openToAll), .serialized)
struct ImportTripsTests {
    /// The statements run by the scrobble service so far, except those that poll for work.
    private func statements() async throws -> Int {
        let service = try #require(Stack.current).service("scrobble")
        let text = try await Wire.send("GET", "http://127.0.0.1:\(service.adminPort)/metrics").text
        let roads = ["imports.", "ledger.", "plays.", "batches.", "shelves.", "lists.", "notes."]
        return text.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix("postgres_statement_duration_seconds_count{"), !line.contains("\"imports.claim\""),
                !line.contains("\"imports.get\""), roads.contains(where: { line.contains("=\"\($0)") }),
                let count = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + Int(count)
        }
    }

    private func diary(_ rows: Int) throws -> [UInt8] {
        var text = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        for row in 0..<rows {
            let day = "20\(10 + row / 500 % 14)-0\(1 + row % 9)-1\(row % 10)"
            text += "\(day),Film \(row % 500),1999,https://boxd.it/\(rows)x\(row),4,,,\(day)\n"
        }
        var writer = try ArchiveWriter()
        try writer.begin("diary.csv")
        try writer.write(Array(text.utf8))
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    /// The number of statements that an import of `rows` rows takes.
    private func cost(_ rows: Int) async throws -> Int {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await PublicClient(gateway).registered("t" + UUID().uuidString.prefix(12).lowercased())
        let before = try await statements()
        let sent = try await client.upload(
            "/imports?name=diary.zip&apply=true", try diary(rows), type: "application/octet-stream")
        let id = try #require(sent.json["id"] as? String, "\(sent.answer.text)")
        for _ in 0..<8 {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            guard found.json["state"] as? String == "applied" else { continue }
            #expect(found.json["row_count"] as? Int == rows)
            return try await statements() - before
        }
        throw StackError("import \(id) does not rest")
    }

    @Test("With ten times the rows it goes there by as many batches more, not by as many rows", .timeLimit(.minutes(2)))
    func trips() async throws {
        _ = try await cost(100)
        let (small, large) = (try await cost(1_000), try await cost(10_000))
        Attachment.record("1,000 rows: \(small), 10,000 rows: \(large)", named: "statements.txt")
        #expect(small > 10 && large < 1_000, "1,000 rows: \(small) statements, 10,000 rows: \(large)")
        #expect(large - small < 9 * 40, "1,000 rows: \(small) statements, 10,000 rows: \(large)")
    }
}
