import Foundation
import Stack
import Testing

/// Films with the same name and year: a diary does not say which one it means, so the person decides.
@Suite(.stack(.openToAll), .serialized)
struct ImportCandidateTests {
    private func person() async throws -> PublicClient {
        let gateway = try #require(Stack.current).service("gateway").port
        return try await PublicClient(gateway).registered("c" + UUID().uuidString.prefix(12).lowercased())
    }

    private func rested(_ id: String, _ client: PublicClient) async throws -> [String: Int] {
        for _ in 0..<8 {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            let state = found.json["state"] as? String ?? ""
            if ["reading", "matching", "judging", "applying"].contains(state) { continue }
            #expect(["ready", "applied"].contains(state), "\(found.answer.text)")
            return (found.json["counts"] as? [String: Int] ?? [:]).filter { $0.value > 0 }
        }
        throw StackError("import \(id) does not rest")
    }

    private func bring(
        _ text: String, as name: String, apply: Bool, _ client: PublicClient
    ) async throws -> (id: String, counts: [String: Int]) {
        let sent = try await client.upload("/imports?name=\(name)&apply=\(apply)", Array(text.utf8), type: "text/csv")
        #expect(sent.status == 202, "\(sent.answer.text)")
        let id = try #require(sent.json["id"] as? String)
        return (id, try await rested(id, client))
    }

    @Test("Rows of a diary that several films fit name them; the one that is chosen is written for all of them")
    func chosen() async throws {
        let word = UUID().uuidString
        let films = ["n1", "n2"].map { $0 + word.suffix(6).lowercased() }
        let ratings = films.map { "2020-01-01,Namesake \(word),2011,https://boxd.it/\($0),4\n" }.joined()
        let made = try await bring(
            "Date,Name,Year,Letterboxd URI,Rating\n" + ratings, as: "ratings.csv", apply: true, try await person())
        #expect(made.counts == ["new": 2])

        let client = try await person()
        let diary = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
            2021-06-14,Namesake \(word),2011,https://boxd.it/3aaaaa,,,,2021-06-13
            2021-06-15,Namesake \(word),2011,https://boxd.it/3aaaab,,,,2021-06-14
            2021-06-16,Another \(word),1999,https://boxd.it/3aaaac,,,,2021-06-15\n
            """
        let found = try await bring(diary, as: "diary.csv", apply: false, client)
        #expect(found.counts == ["ambiguous": 2, "unmatched": 1])
        let shown = try await client.send("GET", "/imports/\(found.id)/rows?verdict=ambiguous")
        let rows = shown.json["rows"] as? [[String: Any]] ?? []
        #expect(rows.compactMap { $0["place"] as? Int } == [0, 1], "\(shown.answer.text)")
        var choice: String?
        for row in rows {
            let candidates = row["candidates"] as? [[String: Any]] ?? []
            #expect(candidates.map { $0["name"] as? String } == ["Namesake \(word)", "Namesake \(word)"])
            #expect(candidates.map { $0["year"] as? Int } == [2011, 2011])
            #expect(candidates.map { $0["kind"] as? String } == ["movie", "movie"])
            let addresses = candidates.map { ($0["external_ids"] as? [String: Any])?["letterboxd"] as? String }
            #expect(Set(addresses.compactMap(\.self)) == Set(films), "\(shown.answer.text)")
            choice = zip(addresses, candidates).first { $0.0 == films[1] }?.1["id"] as? String
        }
        let rest = try await client.send("GET", "/imports/\(found.id)/rows?verdict=unmatched")
        #expect((rest.json["rows"] as? [[String: Any]])?.first?["candidates"] == nil, "\(rest.answer.text)")

        let title = try #require(choice)
        let corrected = try await client.send(
            "POST", "/imports/\(found.id)/corrections", #"{"place":1,"title":"\#(title)"}"#)
        #expect(corrected.json["verdict"] as? String == "new", "\(corrected.answer.text)")
        _ = try await client.send("POST", "/imports/\(found.id)/apply")
        #expect(try await rested(found.id, client) == ["new": 3])
        let history = try await client.send("GET", "/history?limit=100")
        let plays = history.json["items"] as? [[String: Any]] ?? []
        let titles = plays.compactMap { ($0["title"] as? [String: Any])?["id"] as? String }
        #expect(titles.filter { $0 == title }.count == 2 && titles.count == 3, "\(history.answer.text)")
    }
}
