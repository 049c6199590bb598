import Foundation
import Stack
import Testing

/// A backup, a disaster and the recovery, using the administrator's commands.
@Suite(.serialized)
struct BackupTests {
    private static let films = ["tt9100001", "tt9100002", "tt9100003"]

    fileprivate static func command(_ name: String, _ arguments: [String]) async throws -> String {
        try await Command.run(Project.root.appendingPathComponent("deploy/dev/\(name)").path, arguments)
    }

    /// The folders and URLs that the commands are given.
    private struct Place {
        let stack: Stack
        var backup: String { stack.folder.appendingPathComponent("backup").path }
        private var options: [String] { ["--database", stack.database.adminURL, "--secrets", stack.folder.path] }

        func backUp() async throws -> String { try await BackupTests.command("backup", options + [backup]) }

        func restore(_ further: [String] = []) async throws -> String {
            try await BackupTests.command("restore", options + further + [backup])
        }

        /// Returns the reason why a restore is refused, or nil if it is not.
        func refusal(_ further: [String] = []) async -> String? {
            do {
                _ = try await restore(further)
                return nil
            } catch {
                return "\(error)"
            }
        }

        func stopServices() async {
            for name in Stack.serviceNames.reversed() { await stack.services[name]?.stop() }
        }

        func startServices() async throws {
            for name in Stack.serviceNames {
                let service = try stack.service(name)
                try service.start()
                try await service.awaitReady()
            }
        }

        /// A digest of the rows of every service table, except those that a restore changes on purpose.
        func digests() async throws -> [String: String] {
            let tables = try await stack.database.query(
                """
                SELECT schemaname || '.' || tablename FROM pg_tables
                WHERE schemaname IN ('metadata', 'ratings', 'scrobble', 'gateway')
                    AND schemaname || '.' || tablename NOT IN
                        ('gateway.sessions', 'scrobble.scrobble_queue', 'scrobble.queue_lanes')
                """)
            let each = tables.map { table in
                "SELECT '\(table)|' || count(*) || ' ' || coalesce(md5(string_agg(r::text, E'\\n' ORDER BY r::text)), '') FROM \(table) r"
            }
            let rows = try await stack.database.query(each.joined(separator: " UNION ALL "))
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let parts = row.split(separator: "|", maxSplits: 1).map(String.init)
                    return (parts[0], parts[1])
                })
        }
    }

    /// The emulated Trakt account of the test's person.
    private struct Account {
        let port: Int

        func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> Wire.Answer {
            let headers = [
                "authorization": "Bearer demo-walter", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
                "content-type": "application/json", "user-agent": "a browser",
            ]
            return try await Wire.send(method, "http://127.0.0.1:\(port)/trakt\(path)", headers: headers, body: body)
        }

        func plays() async throws -> [[String: Any]] {
            try JSONSerialization.jsonObject(with: try await ask("GET", "/sync/history/movies").body)
                as? [[String: Any]] ?? []
        }

        /// The number of plays in the history for each film.
        func counts() async throws -> [String: Int] {
            let ids = try await plays().compactMap { play in
                ((play["movie"] as? [String: Any])?["ids"] as? [String: Any])?["imdb"] as? String
            }
            return Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        }
    }

    private static func holds(within seconds: Int, _ condition: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(200))
        }
        return false
    }

    private static func connect(_ client: PublicClient, _ account: Account) async throws {
        let invitation = try await client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=demo-walter", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        let outcome = try await client.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        #expect(outcome.json["result"] as? String == "connected")
        let enabled = try await client.send(
            "PATCH", "/scrobbling/connections/trakt",
            #"{"enabled":true,"facets":[{"facet":"progress","direction":"receive","conflicts":"ours","deletes":false}]}"#
        )
        #expect(enabled.status == 200, "\(enabled.answer.text)")
    }

    private static func resolve(_ client: PublicClient, _ imdb: String) async throws -> String {
        let answer = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#)
        return try #require(answer.json["id"] as? String, "\(answer.answer.text)")
    }

    /// Watches a film to its end, which queues a scrobble for Trakt.
    private static func watch(_ client: PublicClient, _ film: String) async throws {
        let session = try await client.send("POST", "/playback/sessions", #"{"title":"\#(film)"}"#)
        let id = try #require(session.json["id"] as? String, "\(session.answer.text)")
        let stop = try await client.send("POST", "/playback/sessions/\(id)/stop", #"{"progress_percent":96.5}"#)
        #expect(stop.status == 200, "\(stop.answer.text)")
    }

    private static func fill(_ client: PublicClient, _ films: [String]) async throws {
        for (place, film) in films.enumerated() {
            for (method, path, body) in [
                ("POST", "/movies/\(film)/rate", #"{"rating":\#(place + 6).5,"review":"Kept — \#(place)"}"#),
                ("POST", "/movies/\(film)/watched", #"{"watched_at":"2024-0\#(place + 1)-04T20:15:30Z"}"#),
            ] {
                let answer = try await client.send(method, path, body)
                #expect((200...299).contains(answer.status), "\(path): \(answer.answer.text)")
            }
        }
        let list = try await client.send("POST", "/lists", #"{"name":"Lighthouses"}"#)
        #expect((200...299).contains(list.status), "\(list.answer.text)")
    }

    private static func waiting(_ stack: Stack) async throws -> Int {
        Int(try await stack.database.query("SELECT count(*) FROM scrobble.scrobble_queue").first ?? "") ?? -1
    }

    @Test("Filled, backed up, told to Trakt, wiped, restored: all of it is back, and nothing is told twice or never")
    func disaster() async throws {
        try await Stack.running(StackPlan()) { stack in
            let place = Place(stack: stack)
            let account = Account(port: stack.upstreams.port)
            let port = try stack.service("gateway").port
            let client = try await PublicClient(port).registered("walter")
            let key = try await client.send("POST", "/users/me/api-keys", #"{"name":"Kodi","scopes":["read"]}"#)
            var films: [String] = []
            for imdb in Self.films { films.append(try await Self.resolve(client, imdb)) }
            try await Self.fill(client, films)
            try await Self.connect(client, account)
            try await Self.watch(client, films[0])
            #expect(try await Self.holds(within: 30) { try await Self.waiting(stack) == 0 })
            // From here on Trakt is sent nothing, as if it were down.
            _ = try await stack.database.query("UPDATE scrobble.queue_lanes SET is_paused = true")
            try await Self.watch(client, films[1])
            try await Self.watch(client, films[2])
            let history = try await client.send("GET", "/history").answer.text

            await place.stopServices()
            let before = try await place.digests()
            let said = try await place.backUp()
            #expect(said.contains("the secrets"), "\(said)")
            let digestCount = before.count
            #expect(digestCount > 40 && before["scrobble.plays"] != "0 ", "\(before)")

            // Life goes on: both waiting plays are sent, and then one of them is removed at Trakt.
            try await place.startServices()
            _ = try await stack.database.query("UPDATE scrobble.queue_lanes SET is_paused = false")
            let isTold = try await Self.holds(within: 60) {
                try await account.counts() == [Self.films[0]: 1, Self.films[1]: 1, Self.films[2]: 1]
            }
            let counts = try await account.counts()
            #expect(isTold, "\(counts)")
            #expect(try await Self.holds(within: 30) { try await Self.waiting(stack) == 0 })
            let last = try await account.plays().first {
                (($0["movie"] as? [String: Any])?["ids"] as? [String: Any])?["imdb"] as? String == Self.films[2]
            }
            try await Task.sleep(for: .milliseconds(1_100))
            let removed = try await account.ask(
                "POST", "/sync/history/remove", #"{"ids":[\#(try #require(last?["id"] as? Int))]}"#)
            #expect(removed.status == 200, "\(removed.text)")

            try await Self.refusals(place)
            await place.stopServices()
            try await Self.wipe(stack)
            #expect(await place.refusal()?.contains("people have accounts") == true)
            _ = try await place.restore(["--replace"])
            let after = try await place.digests()
            #expect(after == before, "\(after.filter { before[$0.key] != $0.value }.keys)")

            try await place.startServices()
            #expect(try await client.send("GET", "/history").status == 401, "a session of before the disaster")
            let again = try await PublicClient(port).loggedIn("walter")
            #expect(try await again.send("GET", "/history").answer.text == history)
            let keyed = PublicClient(port, token: key.json["token"] as? String)
            #expect(try await keyed.send("GET", "/users/me").status == 200)
            try await Self.settle(stack, account)
        }
    }

    /// Problems with a restore are reported before anything is changed.
    private static func refusals(_ place: Place) async throws {
        #expect(await place.refusal(["--replace"])?.contains("stop the services first") == true)
        let ring = place.stack.folder.appendingPathComponent("key_ring")
        let text = try String(contentsOf: ring, encoding: .utf8)
        try "other:\(Data(repeating: 9, count: 32).base64EncodedString())\n".write(
            to: ring, atomically: true, encoding: .utf8)
        #expect(await place.refusal(["--replace"])?.contains("lacks keys of this backup") == true)
        try text.write(to: ring, atomically: true, encoding: .utf8)
        let dump = URL(fileURLWithPath: place.backup + "/database.dump")
        let bytes = try Data(contentsOf: dump)
        var damaged = bytes
        damaged[damaged.count / 2] ^= 1
        try damaged.write(to: dump)
        #expect(await place.refusal(["--replace"])?.contains("is damaged") == true)
        try bytes.write(to: dump)
    }

    /// Deletes ratings, plays and titles and drops a table; the accounts stay.
    private static func wipe(_ stack: Stack) async throws {
        _ = try await stack.database.query(
            """
            SET session_replication_role = replica;
            DELETE FROM ratings.user_ratings;
            DELETE FROM scrobble.plays;
            DELETE FROM metadata.titles;
            DROP TABLE scrobble.lists CASCADE;
            """)
    }

    /// Of the two jobs that waited at the time of the backup, one is found at Trakt and one is sent.
    private static func settle(_ stack: Stack, _ account: Account) async throws {
        #expect(try await waiting(stack) >= 2)
        #expect(
            try await stack.database.query(
                "SELECT count(*) FROM scrobble.scrobble_queue WHERE action = 'stop' AND status = 'verify'") == ["2"])
        _ = try await stack.database.query("UPDATE scrobble.queue_lanes SET is_paused = false")
        // A play counts as missing only after two minutes; the test moves the times instead of waiting.
        let isSettled = try await holds(within: 90) {
            _ = try await stack.database.query(
                """
                UPDATE scrobble.queue_lanes SET
                    live_at = CASE WHEN live_count > 0 THEN least(live_at, now()) ELSE live_at END,
                    bulk_at = CASE WHEN bulk_count > 0 THEN least(bulk_at, now()) ELSE bulk_at END
                WHERE held_until < now()
                """)
            return try await waiting(stack) == 0
        }
        #expect(isSettled)
        let outcomes = try await stack.database.query(
            "SELECT reason FROM scrobble.queue_outcomes WHERE action = 'stop' ORDER BY finished_at")
        #expect(outcomes.count == 3 && outcomes.filter { $0 == "found there" }.count == 1, "\(outcomes)")
        #expect(try await account.counts() == [films[0]: 1, films[1]: 1, films[2]: 1])
    }
}
