import Foundation
import Stack
import Testing

/// A person's journey through a sync, from connecting to undoing it, against the emulated Trakt; if `REELAY_TRANSCRIPT`
/// is set, every call and answer is written to that file.
@Suite(.stack, .serialized)
struct SyncJourneyTests {
    /// Sends requests as a frontend does and writes the answers to the transcript.
    private struct Teller {
        let client: PublicClient
        private static let path = ProcessInfo.processInfo.environment["REELAY_TRANSCRIPT"]

        func note(_ text: String) {
            guard let path = Self.path else { return }
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(atPath: path, contents: nil)
            }
            let file = FileHandle(forWritingAtPath: path)
            file?.seekToEndOfFile()
            file?.write(Data((text + "\n").utf8))
            try? file?.close()
        }

        func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> [String: Any] {
            let answer = try await client.send(method, path, body)
            note("\(method) \(path)\(body.map { " \($0)" } ?? "")\n  \(answer.status) \(answer.answer.text)")
            #expect((200...299).contains(answer.status), "\(method) \(path): \(answer.answer.text)")
            return answer.json
        }
    }

    private static let headers = [
        "authorization": "Bearer demo-walter", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
        "content-type": "application/json", "user-agent": "a browser",
    ]

    private func trakt(_ method: String, _ path: String, _ body: String? = nil) async throws -> Wire.Answer {
        let port = try #require(Stack.current).upstreams.port
        return try await Wire.send(
            method, "http://127.0.0.1:\(port)/trakt\(path)", headers: Self.headers, body: body)
    }

    /// Calls the emulated Trakt for the account; it accepts one write per second.
    @discardableResult
    private func there(_ teller: Teller, _ method: String, _ path: String, _ body: String? = nil) async throws -> Any {
        if method == "POST" { try await Task.sleep(for: .milliseconds(1_100)) }
        let answer = try await trakt(method, path, body)
        teller.note("at Trakt: \(method) \(path)\(body.map { " \($0)" } ?? "")\n  \(answer.status) \(answer.text)")
        return try JSONSerialization.jsonObject(with: answer.body)
    }

    private func connect(_ teller: Teller) async throws {
        let invitation = try await teller.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation["authorize_url"] as? String)
        let browser = try await Wire.send("GET", "\(address)&as=demo-walter", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        let outcome = try await teller.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        #expect(outcome["result"] as? String == "connected")
    }

    private func connectDevice(_ teller: Teller) async throws {
        let stack = try #require(Stack.current)
        let invitation = try await teller.send("POST", "/scrobbling/trakt/device")
        let (flow, code) = (invitation["flow"] as? String ?? "", invitation["user_code"] as? String ?? "")
        _ = try await trakt("GET", "/auth/activate/\(code)?as=demo-walter")
        _ = try await stack.database.query("UPDATE scrobble.oauth_flows SET next_poll_at = now() - interval '1 second'")
        let outcome = try await teller.send("POST", "/scrobbling/trakt/device/\(flow)")
        #expect(outcome["result"] as? String == "connected")
    }

    /// Requests a sync and waits until it is over and everything that it had to send is sent.
    private func sync(_ teller: Teller, _ query: String = "") async throws -> [String: Any] {
        var start = try await teller.send("POST", "/scrobbling/trakt/sync\(query)")
        let end = ContinuousClock.now + .seconds(60)
        while start["is_new"] as? Bool != true, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            start = try await teller.send("POST", "/scrobbling/trakt/sync\(query)")
        }
        let id = try #require(start["run"] as? String)
        while ContinuousClock.now < end {
            let answer = try await teller.client.send("GET", "/scrobbling/runs/\(id)")
            let run = (answer.json["runs"] as? [[String: Any]])?.first ?? [:]
            if ["done", "held", "failed"].contains(run["state"] as? String), run["waiting"] as? Int == 0 {
                return try await teller.send("GET", "/scrobbling/runs/\(id)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the sync does not end")
        return [:]
    }

    private func run(_ detail: [String: Any]) -> [String: Any] { (detail["runs"] as? [[String: Any]])?.first ?? [:] }

    private func numbers(_ detail: [String: Any]) -> [String: Int] {
        run(detail).compactMapValues { $0 as? Int }
    }

    /// Resolves a title by its IMDb id.
    private func movie(_ teller: Teller, _ imdb: String) async throws -> String {
        try #require(
            try await teller.client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#).json["id"]
                as? String)
    }

    /// Undoes a sync: what was edited since stays.
    private func takeBack(_ first: [String: Any], _ teller: Teller) async throws {
        let batch = run(first)["id"] as? String ?? ""
        let preview = try await teller.send("GET", "/batches/\(batch)/undo")
        var report = try await teller.send("POST", "/batches/\(batch)/undo")
        let end = ContinuousClock.now + .seconds(90)
        while (report["batch"] as? [String: Any])?["state"] as? String != "undone", ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(300))
            report = try await teller.client.send("POST", "/batches/\(batch)/undo").json
        }
        #expect((report["batch"] as? [String: Any])?["state"] as? String == "undone", "\(report)")
        #expect(report["restored"] as? Int == preview["restored"] as? Int, "\(preview) \(report)")
    }

    @Test("Both ways to connect, dry run, first sync, changes on both sides, a conflict, taking it back")
    func journey() async throws {
        let stack = try #require(Stack.current)
        let open = PublicClient(try stack.service("gateway").port)
        let teller = Teller(client: try await open.registered("walter"))
        try await connect(teller)
        #expect(try await teller.send("DELETE", "/scrobbling/connections/trakt")["disconnected"] as? Bool == true)
        try await connectDevice(teller)
        // What each side has before the first sync.
        let clock = try await movie(teller, "tt9100001")
        _ = try await teller.send("POST", "/movies/\(clock)/rate", #"{"rating":8.5}"#)
        _ = try await teller.send("POST", "/movies/\(clock)/watched", #"{"watched_at":"2025-03-04T20:15:30Z"}"#)
        try await there(
            teller, "POST", "/sync/ratings", #"{"movies":[{"ids":{"imdb":"tt9100002"},"rating":6}]}"#)
        try await there(
            teller, "POST", "/sync/history",
            #"{"movies":[{"ids":{"imdb":"tt9100001"},"watched_at":"2025-03-04T20:15:00.000Z"},{"ids":{"imdb":"tt9100002"},"watched_at":"2025-05-06T19:00:00.000Z"}]}"#
        )
        try await there(teller, "POST", "/sync/watchlist", #"{"movies":[{"ids":{"imdb":"tt9100003"}}]}"#)

        let all = ["history", "ratings", "watchlist", "collection", "progress"].map {
            #"{"facet":"\#($0)","direction":"both","conflicts":"ask","deletes":true}"#
        }
        _ = try await teller.send(
            "PATCH", "/scrobbling/connections/trakt", #"{"enabled":true,"facets":[\#(all.joined(separator: ","))]}"#)

        let dry = try await sync(teller, "?dry_run=true")
        #expect(numbers(dry)["changes_here"] == 3 && numbers(dry)["changes_there"] == 1, "\(dry)")
        let first = try await sync(teller)
        #expect(numbers(first)["done"] == 4 && numbers(first)["failed"] == 0, "\(first)")
        let history = try await there(teller, "GET", "/sync/history/movies") as? [Any]
        #expect(history?.count == 2, "the play that both had is one")

        // Later, both sides change something, and both change one film.
        try await Task.sleep(for: .seconds(4))
        try await there(
            teller, "POST", "/sync/ratings",
            #"{"movies":[{"ids":{"imdb":"tt9100002"},"rating":9},{"ids":{"imdb":"tt9100001"},"rating":3}]}"#)
        _ = try await teller.send("POST", "/movies/\(clock)/rate", #"{"rating":7}"#)
        let second = try await sync(teller)
        #expect(numbers(second)["changes_here"] == 1 && numbers(second)["conflicts"] == 1, "\(second)")
        let conflicts = try await teller.send("GET", "/scrobbling/conflicts")
        let conflict = try #require((conflicts["conflicts"] as? [[String: Any]])?.first)
        #expect(conflict["ours"] as? String == "7" && conflict["theirs"] as? String == "3")
        _ = try await teller.send(
            "POST", "/scrobbling/conflicts/\(conflict["id"] as? String ?? "")/resolve", #"{"keep":"ours"}"#)
        // The decision starts a sync of its own; this one runs after it.
        let third = try await sync(teller)
        #expect(numbers(third)["failed"] == 0, "\(third)")
        func rated() async throws -> [Int] {
            let answer = try await trakt("GET", "/sync/ratings/movies")
            let rows = try JSONSerialization.jsonObject(with: answer.body) as? [[String: Any]] ?? []
            return rows.compactMap { $0["rating"] as? Int }.sorted()
        }
        let told = ContinuousClock.now + .seconds(20)
        while try await rated() != [7, 9], ContinuousClock.now < told { try await Task.sleep(for: .milliseconds(200)) }
        #expect(try await rated() == [7, 9])

        try await takeBack(first, teller)
        let last = try await sync(teller)
        #expect(numbers(last)["changes_here"] == 0 && numbers(last)["changes_there"] == 0, "\(last)")
        try await expectNoCanary(stack)
    }

    /// No token issued by Trakt is readable anywhere.
    private func expectNoCanary(_ stack: Stack) async throws {
        let book = try await trakt("GET", "/_accounts")
        let tokens = (try JSONSerialization.jsonObject(with: book.body) as? [String: Any])?["tokens"] as? [String] ?? []
        #expect(tokens.count >= 2)
        var places: [String: String] = [:]
        for name in Stack.serviceNames {
            let service = try stack.service(name)
            places["the log of \(name)"] = try String(contentsOf: service.log, encoding: .utf8)
            places["the metrics of \(name)"] = try await Wire.send(
                "GET", "http://127.0.0.1:\(service.adminPort)/metrics"
            ).text
        }
        places["the database"] = try await stack.database.dump()
        for (place, text) in places {
            #expect(text.count > 100, "\(place) is read")
            for token in tokens where text.contains(token) { Issue.record("\(place) has a token") }
        }
    }
}
