import Archive
import Foundation
import Stack
import Testing

/// A Trakt account's export imported as a ZIP and the same account synced live, in either order: every play and rating
/// exists once.
@Suite(.stack(.openToAll), .serialized)
struct ImportThenSyncTests {
    /// A person here, and a Trakt account that no one else uses.
    private struct Pair {
        let client: PublicClient
        let account: String

        func headers() -> [String: String] {
            [
                "authorization": "Bearer \(account)", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
                "content-type": "application/json", "user-agent": "a browser",
            ]
        }
    }

    private func pair(_ name: String) async throws -> Pair {
        let stack = try #require(Stack.current)
        let tail = UUID().uuidString.prefix(8).lowercased()
        let client = try await PublicClient(try stack.service("gateway").port).registered("\(name)\(tail)")
        return Pair(client: client, account: "demo-\(name)\(tail)")
    }

    /// Calls the emulated Trakt for the account; it accepts one write per second.
    private func there(
        _ pair: Pair, _ method: String, _ path: String, _ body: String? = nil
    ) async throws -> [[String: Any]] {
        if method == "POST" { try await Task.sleep(for: .milliseconds(1_100)) }
        let port = try #require(Stack.current).upstreams.port
        let answer = try await Wire.send(
            method, "http://127.0.0.1:\(port)/trakt\(path)", headers: pair.headers(), body: body)
        #expect((200...299).contains(answer.status), "\(path): \(answer.text)")
        return try JSONSerialization.jsonObject(with: answer.body) as? [[String: Any]] ?? []
    }

    /// The person's activity at Trakt: two plays of one film, one of another, a rating, a wish and a collected film.
    private func live(_ pair: Pair) async throws {
        _ = try await there(
            pair, "POST", "/sync/history",
            #"""
            {"movies":[{"ids":{"imdb":"tt9100001"},"watched_at":"2025-03-04T20:15:00.000Z"},
            {"ids":{"imdb":"tt9100001"},"watched_at":"2025-09-10T21:30:00.000Z"},
            {"ids":{"imdb":"tt9100002"},"watched_at":"2025-05-06T19:00:00.000Z"}]}
            """#)
        _ = try await there(
            pair, "POST", "/sync/ratings", #"{"movies":[{"ids":{"imdb":"tt9100002"},"rating":6}]}"#)
        _ = try await there(pair, "POST", "/sync/watchlist", #"{"movies":[{"ids":{"imdb":"tt9100003"}}]}"#)
        _ = try await there(
            pair, "POST", "/sync/collection", #"{"movies":[{"ids":{"imdb":"tt9100003"},"media_type":"bluray"}]}"#)
    }

    /// The export in the form of Trakt's settings page, made from the account's data.
    private func export(_ pair: Pair) async throws -> [UInt8] {
        var writer = try ArchiveWriter()
        for (name, path) in [
            ("watched-history-1.json", "/sync/history?limit=100"), ("ratings-movies.json", "/sync/ratings/movies"),
            ("lists-watchlist.json", "/sync/watchlist"), ("collection-movies.json", "/sync/collection/movies"),
        ] {
            let rows = try await there(pair, "GET", path)
            #expect(!rows.isEmpty, "\(path)")
            try writer.begin(name)
            try writer.write(Array(try JSONSerialization.data(withJSONObject: rows)))
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    private func bring(_ archive: [UInt8], _ pair: Pair) async throws -> [String: Int] {
        let sent = try await pair.client.upload(
            "/imports?name=trakt.zip&apply=true", archive, type: "application/octet-stream")
        let id = try #require(sent.json["id"] as? String, "\(sent.answer.text)")
        for _ in 0..<8 {
            let found = try await pair.client.send("GET", "/imports/\(id)?wait=true")
            guard found.json["state"] as? String != "applied" else {
                return (found.json["counts"] as? [String: Int] ?? [:]).filter { $0.value > 0 }
            }
        }
        throw StackError("the import does not end")
    }

    private func connect(_ pair: Pair) async throws {
        let invitation = try await pair.client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String)
        let browser = try await Wire.send("GET", "\(address)&as=\(pair.account)", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        let outcome = try await pair.client.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        #expect(outcome.json["result"] as? String == "connected")
        let all = ["history", "ratings", "watchlist", "collection", "progress"].map {
            #"{"facet":"\#($0)","direction":"both","conflicts":"ask","deletes":true}"#
        }
        let changed = try await pair.client.send(
            "PATCH", "/scrobbling/connections/trakt", #"{"enabled":true,"facets":[\#(all.joined(separator: ","))]}"#)
        #expect(changed.status == 200)
    }

    /// Runs one sync, from the request until everything is sent; returns the run.
    private func sync(_ pair: Pair) async throws -> [String: Any] {
        let end = ContinuousClock.now + .seconds(60)
        var start = try await pair.client.send("POST", "/scrobbling/trakt/sync")
        while start.json["is_new"] as? Bool != true, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            start = try await pair.client.send("POST", "/scrobbling/trakt/sync")
        }
        let id = try #require(start.json["run"] as? String)
        while ContinuousClock.now < end {
            let detail = try await pair.client.send("GET", "/scrobbling/runs/\(id)")
            let run = (detail.json["runs"] as? [[String: Any]])?.first ?? [:]
            if ["done", "held", "failed"].contains(run["state"] as? String), run["waiting"] as? Int == 0 { return run }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw StackError("the sync does not end")
    }

    /// The number of plays of each film, here and at Trakt.
    private func plays(_ pair: Pair) async throws -> (here: [String: Int], there: [String: Int]) {
        var (here, there): ([String: Int], [String: Int]) = ([:], [:])
        let page = try await pair.client.send("GET", "/history?limit=100")
        for item in page.json["items"] as? [[String: Any]] ?? [] {
            here[(item["title"] as? [String: Any])?["name"] as? String ?? "?", default: 0] += 1
        }
        for row in try await self.there(pair, "GET", "/sync/history?limit=100") {
            there[(row["movie"] as? [String: Any])?["title"] as? String ?? "?", default: 0] += 1
        }
        return (here, there)
    }

    private func expectOnce(_ pair: Pair, _ moment: String) async throws {
        let (here, there) = try await plays(pair)
        #expect(here.values.sorted() == [1, 2] && there.values.sorted() == [1, 2], "\(moment): \(here), \(there)")
    }

    @Test(
        "The ZIP first, then live: the sync has nothing to tell and nothing to take; no play is doubled on either side")
    func importFirst() async throws {
        let pair = try await pair("zipfirst")
        try await live(pair)
        let counts = try await bring(try await export(pair), pair)
        #expect(counts == ["new": 6], "\(counts)")
        try await expectOnce(pair, "imported")
        try await connect(pair)
        for round in 1...2 {
            let run = try await sync(pair)
            #expect(run["changes_here"] as? Int == 0 && run["changes_there"] as? Int == 0, "round \(round): \(run)")
            #expect(run["conflicts"] as? Int == 0, "round \(round): \(run)")
            try await expectOnce(pair, "round \(round)")
        }
    }

    @Test("Live first, then the ZIP, then live again: nothing is new, and no play is doubled on either side")
    func syncFirst() async throws {
        let pair = try await pair("livefirst")
        try await live(pair)
        try await connect(pair)
        let first = try await sync(pair)
        #expect(first["changes_here"] as? Int == 6 && first["changes_there"] as? Int == 0, "\(first)")
        try await expectOnce(pair, "synced")
        let counts = try await bring(try await export(pair), pair)
        #expect(counts == ["same": 6], "\(counts)")
        let second = try await sync(pair)
        #expect(second["changes_here"] as? Int == 0 && second["changes_there"] as? Int == 0, "\(second)")
        try await expectOnce(pair, "imported")
    }
}
