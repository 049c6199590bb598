import Foundation
import Stack
import Testing

/// Two titles that turn out to be one, over HTTP: everything done under either is found under the one that remains.
@Suite(.stack, .serialized)
struct MergedTitleTests {
    @Test("Rated, watched and kept under two ids, a film that turns out to be one is rated, watched and kept once")
    func merged() async throws {
        let stack = try #require(Stack.current)
        let me = try await PublicClient(stack.service("gateway").port).registered("merger")
        // While no provider can be asked, two ids are two titles.
        await stack.upstreams.stop()
        func resolve(_ ids: String) async throws -> String {
            let found = try await me.send("POST", "/movies/resolve", #"{"ids":{\#(ids)}}"#)
            return try #require(found.json["id"] as? String, "\(found.answer.text)")
        }
        let both = [try await resolve(#""imdb":"tt9100001""#), try await resolve(#""tmdb":910001"#)]
        let (new, old) = (both.min() ?? "", both.max() ?? "")
        #expect(new != old)
        #expect(try await me.send("POST", "/movies/\(new)/rate", #"{"rating":5}"#).status == 200)
        #expect(try await me.send("POST", "/movies/\(old)/rate", #"{"rating":8,"review":"Look"}"#).status == 200)
        for (title, minute) in [(old, 10), (new, 12)] {
            let play = try await me.send(
                "POST", "/history", #"{"title":"\#(title)","watched_at":"2025-03-01T20:\#(minute):00Z"}"#)
            #expect(play.status == 201, "\(play.answer.text)")
        }
        #expect(try await me.send("POST", "/watchlist", #"{"items":[{"title":"\#(old)"}]}"#).status == 200)

        try stack.upstreams.start()
        try await stack.upstreams.awaitReady()
        let refreshed = try await me.send("POST", "/movies/\(old)/refresh")
        #expect(refreshed.json["id"] as? String == new, "\(refreshed.answer.text)")
        // From now on the old id refers to the new title, which has both ratings.
        #expect(try await me.send("GET", "/movies/\(old)").json["id"] as? String == new)
        #expect(try await me.send("GET", "/movies/\(new)/rate").json["rating"] as? Double == 8)
        #expect(try await me.send("GET", "/movies/\(old)/rate").json["title"] as? String == new)
        // Plays and shelves follow with the next run of the ledger's redirect job, which is made due now.
        _ = try await stack.database.query(
            "UPDATE scrobble.periodic_jobs SET due_at = now() WHERE name = 'ledger.redirects'")
        func watched() async throws -> [String?] {
            let history = try await me.send("GET", "/history").json["items"] as? [[String: Any]] ?? []
            return history.map { ($0["title"] as? [String: Any])?["id"] as? String }
        }
        let end = ContinuousClock.now + .seconds(40)
        while try await watched() != [new] {
            try #require(ContinuousClock.now < end, "the plays do not follow")
            try await Task.sleep(for: .milliseconds(200))
        }
        let wishes = try await me.send("GET", "/watchlist").json["items"] as? [[String: Any]] ?? []
        #expect(wishes.map { ($0["title"] as? [String: Any])?["id"] as? String } == [new], "\(wishes)")
        // Both ratings stay in the timeline, under either id.
        for id in both {
            let changes = try await me.send("GET", "/ratings/timeline?title=\(id)").json["changes"] as? [[String: Any]]
            #expect(Set((changes ?? []).compactMap { $0["rating"] as? Double }) == [5, 8], "\(changes ?? [])")
        }
        // A client that still has the old id can keep rating, watching and reading with it.
        #expect(
            try await me.send("POST", "/movies/\(old)/rate", #"{"rating":9}"#).json["title"] as? String == new)
        #expect(try await me.send("GET", "/movies/\(new)/rate").json["rating"] as? Double == 9)
        let people = try await me.send("GET", "/movies/\(old)/ratings").json["people"] as? [String: Any]
        #expect(people?["count"] as? Int == 1 && people?["average"] as? Double == 9, "\(people ?? [:])")
        #expect(try await me.send("DELETE", "/movies/\(old)/rate").status < 300)
        #expect(try await me.send("GET", "/movies/\(new)/rate").status == 404)
    }
}
