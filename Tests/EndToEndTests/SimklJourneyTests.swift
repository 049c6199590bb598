import Foundation
import Stack
import Testing

/// A person's journey with Simkl, from the code to undoing a sync, against the emulated Simkl.
@Suite(.stack, .serialized)
struct SimklJourneyTests {
    private static let application = "client_id=reelay-demo-simkl&app-name=browser&app-version=1"

    /// Calls the emulated Simkl for the account; it accepts one write per second.
    @discardableResult
    private func there(_ method: String, _ path: String, _ body: String? = nil) async throws -> [String: Any] {
        if method == "POST" { try await Task.sleep(for: .milliseconds(1_100)) }
        let port = try #require(Stack.current).upstreams.port
        let sign = path.contains("?") ? "&" : "?"
        let answer = try await Wire.send(
            method, "http://127.0.0.1:\(port)/simkl\(path)\(sign)\(Self.application)",
            headers: ["authorization": "Bearer demo-vera", "content-type": "application/json"], body: body)
        #expect((200...299).contains(answer.status), "\(method) \(path): \(answer.text)")
        return try JSONSerialization.jsonObject(with: answer.body) as? [String: Any] ?? [:]
    }

    /// The films at Simkl with state and rating, by IMDb id.
    private func films() async throws -> [String: (status: String, rating: Int?)] {
        let rows = try await there("GET", "/sync/all-items/movies")["movies"] as? [[String: Any]] ?? []
        var found: [String: (status: String, rating: Int?)] = [:]
        for row in rows {
            guard let ids = (row["movie"] as? [String: Any])?["ids"] as? [String: Any] else { continue }
            found[ids["imdb"] as? String ?? ""] = (row["status"] as? String ?? "", row["user_rating"] as? Int)
        }
        return found
    }

    private func send(
        _ client: PublicClient, _ method: String, _ path: String, _ body: String? = nil
    ) async throws -> [String: Any] {
        let answer = try await client.send(method, path, body)
        #expect((200...299).contains(answer.status), "\(method) \(path): \(answer.answer.text)")
        return answer.json
    }

    private func connect(_ client: PublicClient) async throws {
        let stack = try #require(Stack.current)
        let invitation = try await send(client, "POST", "/scrobbling/simkl/pin")
        let (flow, code) = (invitation["flow"] as? String ?? "", invitation["user_code"] as? String ?? "")
        _ = try await Wire.send("GET", "http://127.0.0.1:\(stack.upstreams.port)/simkl/pin/\(code)?as=vera")
        _ = try await stack.database.query("UPDATE scrobble.oauth_flows SET next_poll_at = now() - interval '1 second'")
        let outcome = try await send(client, "POST", "/scrobbling/simkl/pin/\(flow)")
        #expect(outcome["result"] as? String == "connected")
    }

    /// Requests a sync and waits until it is over and everything that it had to send is sent.
    private func sync(_ client: PublicClient, _ query: String = "") async throws -> [String: Any] {
        // Simkl blocks a client that writes again within a second.
        try await Task.sleep(for: .milliseconds(1_200))
        var start = try await send(client, "POST", "/scrobbling/simkl/sync\(query)")
        let end = ContinuousClock.now + .seconds(60)
        while start["is_new"] as? Bool != true, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            start = try await send(client, "POST", "/scrobbling/simkl/sync\(query)")
        }
        let id = try #require(start["run"] as? String)
        while ContinuousClock.now < end {
            let detail = try await send(client, "GET", "/scrobbling/runs/\(id)")
            let run = (detail["runs"] as? [[String: Any]])?.first ?? [:]
            if ["done", "held", "failed"].contains(run["state"] as? String), run["waiting"] as? Int == 0 { return run }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the sync does not end")
        return [:]
    }

    /// The numbers of changes here and there that a run has planned.
    private func changes(_ run: [String: Any]) -> [Int] {
        [run["changes_here"] as? Int ?? -1, run["changes_there"] as? Int ?? -1]
    }

    private func movie(_ client: PublicClient, _ number: Int) async throws -> String {
        let found = try await send(client, "POST", "/movies/resolve", #"{"ids":{"imdb":"tt910000\#(number)"}}"#)
        return try #require(found["id"] as? String)
    }

    /// Sets up each side before the first sync; the first film was watched on both.
    private func prepare(_ client: PublicClient) async throws {
        let clock = try await movie(client, 1)
        _ = try await send(client, "POST", "/movies/\(clock)/rate", #"{"rating":8.5}"#)
        _ = try await send(client, "POST", "/movies/\(clock)/watched", #"{"watched_at":"2025-03-04T20:15:30Z"}"#)
        // Rated but never watched: Simkl will treat it as watched.
        let orchard = try await movie(client, 4)
        _ = try await send(client, "POST", "/movies/\(orchard)/rate", #"{"rating":7}"#)
        let wish = try await movie(client, 5)
        _ = try await send(client, "POST", "/watchlist", #"{"items":[{"title":"\#(wish)"}]}"#)
        try await there(
            "POST", "/sync/history",
            #"{"movies":[{"ids":{"imdb":"tt9100001"},"watched_at":"2025-03-04T20:15:00Z"},{"ids":{"imdb":"tt9100002"},"watched_at":"2025-05-06T19:00:00Z"}],"shows":[{"ids":{"imdb":"tt9100101"},"seasons":[{"number":1,"episodes":[{"number":1,"watched_at":"2025-06-07T19:00:00Z"}]}]}]}"#
        )
        try await there("POST", "/sync/ratings", #"{"movies":[{"ids":{"imdb":"tt9100002"},"rating":6}]}"#)
        try await there("POST", "/sync/add-to-list", #"{"movies":[{"ids":{"imdb":"tt9100003"},"to":"plantowatch"}]}"#)
        let facets = ["history", "ratings", "watchlist", "collection", "progress"].map {
            #"{"facet":"\#($0)","direction":"both","conflicts":"ours","deletes":true}"#
        }
        _ = try await send(
            client, "PATCH", "/scrobbling/connections/simkl",
            #"{"enabled":true,"facets":[\#(facets.joined(separator: ","))]}"#)
    }

    /// Skips the minutes during which a read may lag behind a write.
    private func letLagEnd() async throws {
        let database = try #require(Stack.current).database
        _ = try await database.query("UPDATE scrobble.sync_base SET written_at = written_at - interval '1 hour'")
        _ = try await database.query(
            "UPDATE scrobble.queue_outcomes SET finished_at = finished_at - interval '1 hour'")
    }

    @Test("A code, a dry run, the first sync, changes on both sides, nothing more to do, taking it back")
    func journey() async throws {
        let stack = try #require(Stack.current)
        let client = try await PublicClient(try stack.service("gateway").port).registered("vera")
        try await connect(client)
        try await prepare(client)
        #expect(changes(try await sync(client, "?dry_run=true")) == [4, 3])
        let first = try await sync(client)
        #expect(changes(first) == [4, 3] && first["done"] as? Int == 7 && first["failed"] as? Int == 0, "\(first)")
        var found = try await films()
        #expect(found["tt9100001"]?.rating == 9 && found["tt9100004"]?.rating == 7, "\(found)")
        #expect(found["tt9100005"]?.status == "plantowatch", "\(found)")
        let second = try await sync(client)
        #expect(changes(second) == [0, 0], "\(second)")

        // Later, something changes on both sides.
        try await letLagEnd()
        try await there("POST", "/sync/ratings", #"{"movies":[{"ids":{"imdb":"tt9100002"},"rating":9}]}"#)
        try await there("POST", "/sync/history/remove", #"{"movies":[{"ids":{"imdb":"tt9100003"}}]}"#)
        let clock = try await movie(client, 1)
        _ = try await send(client, "POST", "/movies/\(clock)/rate", #"{"rating":5}"#)
        let third = try await sync(client)
        #expect(changes(third) == [2, 1] && third["failed"] as? Int == 0, "\(third)")
        #expect(try await films()["tt9100001"]?.rating == 5)
        let fourth = try await sync(client)
        #expect(changes(fourth) == [0, 0], "\(fourth)")

        // The undo reverts what has not been edited since and what can be removed without anything else.
        let batch = try #require(first["id"] as? String)
        let preview = try await send(client, "GET", "/batches/\(batch)/undo")
        var report = try await send(client, "POST", "/batches/\(batch)/undo")
        let end = ContinuousClock.now + .seconds(60)
        while (report["batch"] as? [String: Any])?["state"] as? String != "undone", ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(300))
            report = try await send(client, "POST", "/batches/\(batch)/undo")
        }
        #expect((report["batch"] as? [String: Any])?["state"] as? String == "undone", "\(report)")
        #expect(report["restored"] as? Int == preview["restored"] as? Int, "\(preview) \(report)")
        found = try await films()
        #expect(found["tt9100004"]?.rating == nil && found["tt9100001"]?.rating == 5, "\(found)")
        #expect(found["tt9100002"]?.rating == 9 && found["tt9100005"] == nil, "\(found)")
        try await letLagEnd()
        let last = try await sync(client)
        #expect(changes(last) == [0, 0], "\(last)")
    }
}
