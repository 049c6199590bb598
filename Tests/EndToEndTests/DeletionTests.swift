import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let open: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// Deleted accounts leave nothing behind.
@Suite(.serialized)
struct DeletionTests {
    /// Tables that may keep the bare id of a deleted person, so that late writes are refused.
    private static let tombstones: Set<String> = ["ratings.deleted_users", "scrobble.deleted_users"]

    /// The tables of every schema whose `user_id` column still holds the person's id.
    private func traces(of user: String, _ stack: Stack) async throws -> [String] {
        let columns = try await stack.database.query(
            """
            SELECT table_schema || '.' || table_name FROM information_schema.columns
            WHERE column_name = 'user_id' AND table_schema = ANY ('{gateway,metadata,ratings,scrobble}') ORDER BY 1
            """)
        #expect(columns.count > 8, "\(columns)")
        var found: [String] = []
        for table in columns where !Self.tombstones.contains(table) {
            let count = try await stack.database.query("SELECT count(*) FROM \(table) WHERE user_id = '\(user)'")
            if count != ["0"] { found.append(table) }
        }
        return found
    }

    /// Registers a person with data in every service.
    private func inhabitant(_ stack: Stack) async throws -> (client: PublicClient, id: String, title: String) {
        let gateway = PublicClient(try stack.service("gateway").port)
        let client = try await gateway.registered("p" + UUID().uuidString.prefix(12).lowercased())
        let me = try await client.send("GET", "/users/me")
        let id = try #require(me.json["id"] as? String)
        let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let title = try #require(film.json["id"] as? String, "\(film.answer.text)")
        #expect(try await client.send("POST", "/movies/\(title)/rate", #"{"rating":8.5}"#).status == 200)
        let sitting = try await client.send("POST", "/playback/sessions", #"{"title":"\#(title)"}"#)
        let session = try #require(sitting.json["id"] as? String, "\(sitting.answer.text)")
        #expect(
            try await client.send("POST", "/playback/sessions/\(session)/stop", #"{"progress_percent":96.5}"#).status
                == 200)
        try await keepSomething(client, title)
        let key = try await client.send(
            "POST", "/users/me/api-keys", #"{"name":"k","scopes":["read"]}"#, headers: ["idempotency-key": "k"])
        #expect(key.status == 201)
        _ = try await client.enrolled()
        return (client, id, title)
    }

    /// Adds something to every part of the ledger.
    private func keepSomething(_ client: PublicClient, _ title: String) async throws {
        let items = #"{"items":[{"title":"\#(title)"}]}"#
        for shelf in ["watchlist", "collection", "likes"] {
            #expect(try await client.send("POST", "/\(shelf)", items).status == 200)
        }
        let list = try await client.send("POST", "/lists", #"{"name":"Sea"}"#)
        let id = try #require(list.json["id"] as? String, "\(list.answer.text)")
        #expect(try await client.send("POST", "/lists/\(id)/items", items).status == 200)
        #expect(try await client.send("PUT", "/movies/\(title)/progress", #"{"percent":40}"#).status == 200)
        let play = try await client.send(
            "POST", "/history", #"{"title":"\#(title)","unknown_date":true}"#, headers: ["idempotency-key": "k"])
        #expect(play.status == 201, "\(play.answer.text)")
        #expect(try await client.send("POST", "/hooks", #"{"name":"Den"}"#).status == 201)
        let sent = try await client.upload("/imports?name=x.csv", Array("Date,Name,Year\n".utf8), type: "text/csv")
        #expect(sent.status == 202, "\(sent.answer.text)")
        let show = try await client.send("POST", "/shows/resolve", #"{"ids":{"imdb":"tt9100102"}}"#)
        let series = try #require(show.json["id"] as? String, "\(show.answer.text)")
        #expect(try await client.send("POST", "/shows/\(series)/watched", "{}").status == 200)
    }

    private func awaitErasure(of user: String, _ stack: Stack) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(40))
        while try await stack.database.query("SELECT 1 FROM gateway.account_deletions WHERE user_id = '\(user)'") != []
        {
            guard ContinuousClock.now < deadline else { throw StackError("the account is not erased") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    @Test("Nothing of a deleted account is left, its credentials are worthless, late writes are refused")
    func deletion() async throws {
        try await Stack.running(.open) { stack in
            let (client, id, title) = try await inhabitant(stack)
            let traces = try await traces(of: id, stack)
            #expect(
                Set(traces).isSuperset(of: [
                    "ratings.user_ratings", "scrobble.plays", "gateway.sessions", "gateway.second_factors",
                    "gateway.recovery_codes",
                ]), "\(traces)")
            let ledger = [
                "watchlist_items", "collection_items", "likes", "lists", "list_items", "watch_progress", "batches",
                "batch_changes", "idempotency_keys", "hooks", "imports", "events",
            ]
            #expect(Set(traces).isSuperset(of: ledger.map { "scrobble.\($0)" }), "\(traces)")
            _ = try await stack.database.query(
                "UPDATE gateway.sessions SET authenticated_at = now() - interval '16 min' WHERE user_id = '\(id)'")
            let old = try await client.send("DELETE", "/users/me")
            #expect(old.status == 403 && old.json["code"] as? String == "loginTooOld")
            _ = try await stack.database.query(
                "UPDATE gateway.sessions SET authenticated_at = now() WHERE user_id = '\(id)'")
            let deleted = try await client.send("DELETE", "/users/me")
            #expect(deleted.status == 204, "\(deleted.answer.text)")
            #expect(try await client.send("GET", "/users/me").status == 401)
            try await awaitErasure(of: id, stack)
            #expect(try await self.traces(of: id, stack) == [])
            #expect(try await stack.database.query("SELECT 1 FROM gateway.users WHERE id = '\(id)'") == [])
            let late = try await Wire.call(
                try stack.service("ratings"), "ratings.rateTitle",
                params: #"{"user":"\#(id)","title":"\#(title)","kind":"movie","rating":5}"#)
            #expect(late.text.contains(#""code":1015"#), "\(late.text)")
            let sitting = try await Wire.call(
                try stack.service("scrobble"), "scrobble.startPlayback",
                params: #"{"user":"\#(id)","title":"\#(title)"}"#)
            #expect(sitting.text.contains(#""code":1015"#), "\(sitting.text)")
            #expect(try await self.traces(of: id, stack) == [])
            // No one is left, so the next person counts as the first again.
            let next = try await PublicClient(try stack.service("gateway").port).registered("successor")
            #expect(try await next.send("GET", "/users/me").json["role"] as? String == "admin")
        }
    }

    @Test("A deletion that a crash interrupts goes on with the next gateway")
    func resumption() async throws {
        try await Stack.running(.open) { stack in
            let (client, id, _) = try await inhabitant(stack)
            let scrobble = try stack.service("scrobble")
            let gateway = try stack.service("gateway")
            await scrobble.kill()
            #expect(try await client.send("DELETE", "/users/me").status == 204)
            await gateway.kill()
            #expect(try await traces(of: id, stack).contains("scrobble.plays"))
            try scrobble.start()
            try await scrobble.awaitReady()
            // Skips the wait for the lease of the killed gateway.
            _ = try await stack.database.query("UPDATE gateway.account_deletions SET due_at = now()")
            try gateway.start()
            try await gateway.awaitReady()
            try await awaitErasure(of: id, stack)
            #expect(try await traces(of: id, stack) == [])
        }
    }
}
