import Foundation
import Stack
import Testing

/// The services' commands, as an administrator runs them on the machine of a live installation.
@Suite(.stack, .serialized)
struct AdministrationTests {
    private func gateway() throws -> StackProcess { try #require(Stack.current).service("gateway") }

    private func login(_ name: String, _ password: String) async throws -> PublicClient.Answer {
        try await PublicClient(try gateway().port).send(
            "POST", "/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#)
    }

    /// Returns what a command prints, without surrounding newlines.
    private func ask(_ service: String, _ arguments: String...) async throws -> String {
        let stack = try #require(Stack.current)
        return try await stack.service(service).command(arguments).trimmingCharacters(in: .newlines)
    }

    /// Returns the reason why a command failed, or nil if it succeeded.
    private func refusal(_ service: String, _ arguments: String...) async throws -> String? {
        let process = try #require(Stack.current).service(service)
        do {
            _ = try await process.command(arguments)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The audit lines written by the commands of a service.
    private func commands(_ service: String) throws -> [[String: String]] {
        let process = try #require(Stack.current).service(service)
        return try AuditTests.lines(String(contentsOf: process.commandLog, encoding: .utf8))
    }

    @Test("An account is made although registration is closed; names are unique and as the contract wants them")
    func addUser() async throws {
        let founder = try await ask("gateway", "add-user", "Founder")
        let first = try await login("founder", founder)
        #expect(first.status == 200, "\(first.answer.text)")
        #expect((first.json["user"] as? [String: Any])?["role"] as? String == "admin")
        let second = try await ask("gateway", "add-user", "second")
        #expect(second.count == 20 && second != founder)
        let answer = try await login("second", second)
        #expect((answer.json["user"] as? [String: Any])?["role"] as? String == "member", "\(answer.answer.text)")
        let closed = try await PublicClient(try gateway().port).send(
            "POST", "/auth/register", #"{"username":"third","password":"a long and odd phrase"}"#)
        #expect(closed.status == 403)

        #expect(try await refusal("gateway", "add-user", "SECOND")?.contains("another user has this name") == true)
        #expect(try await refusal("gateway", "add-user", "no spaces")?.contains("username") == true)
        #expect(try await refusal("gateway", "add-user")?.contains("usage: gateway") == true)
        #expect(try await refusal("gateway", "reset-password", "nobody")?.contains("no user has") == true)

        // Each command writes an audit line, even if it failed; names that were typed appear in none.
        let book = try commands("gateway")
        let person = try #require(book.first?["person"])
        #expect(book.map { $0["event"] } == Array(repeating: "add-user", count: 4) + ["reset-password"])
        #expect(book.map { $0["outcome"] } == ["ok", "ok", "failed", "failed", "failed"])
        try #require(book.count == 5)
        #expect(book.allSatisfy { $0["credential"] == "machine" && $0["credential_id"] == "\(getuid())" }, "\(book)")
        #expect(book[1]["account"] == book[2]["account"] && book[1]["person"] != person && book[2]["person"] == nil)
        let audit = try String(contentsOf: try gateway().commandLog, encoding: .utf8)
            .split(separator: "\n").filter { $0.hasPrefix("{") }.joined()
        for text in [founder, second, "second", "spaces"] { #expect(!audit.contains(text), "\(text)") }

        let token = try #require(answer.json["token"] as? String)
        let member = PublicClient(try gateway().port, token: token)
        let key = #"{"name":"script","scopes":["read"]}"#
        let refused = try await member.send("POST", "/users/me/api-keys", key)
        #expect(refused.status == 403 && refused.json["code"] as? String == "passwordChangeRequired")
        #expect(try await member.send("GET", "/users/me").json["change_password_by"] is String)
        let chosen = "a phrase of their own"
        let change = #"{"current_password":"\#(second)","new_password":"\#(chosen)"}"#
        #expect(try await member.send("POST", "/auth/password", change).status == 204)
        let free = try await member.send("GET", "/users/me")
        #expect(free.status == 200 && free.json["change_password_by"] == nil, "\(free.answer.text)")
        let made = try await member.send("POST", "/users/me/api-keys", key)
        let script = PublicClient(try gateway().port, token: try #require(made.json["token"] as? String))
        #expect(try await script.send("GET", "/users/me").status == 200)
        let reset = try await ask("gateway", "reset-password", "Second")
        for old in [second, chosen] { #expect(try await login("second", old).status == 401) }
        #expect(try await login("second", reset).status == 200)
        // A day later the answer is the same as for a name that does not exist.
        let database = try #require(Stack.current).database
        _ = try await database.query("UPDATE gateway.users SET given_until = now() WHERE username_key = 'second'")
        let (late, nobodys) = (try await login("second", reset), try await login("nobody", reset))
        #expect(late.status == 401 && late.json["code"] as? String == "invalidCredentials")
        #expect(late.json["detail"] as? String == nobodys.json["detail"] as? String)
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await member.send("GET", "/users/me").status == 401)
        #expect(try await script.send("GET", "/users/me").status == 401)
    }

    @Test("Everything that was given up is sent again, of one provider or of all; what is not connected stays")
    func requeue() async throws {
        let stack = try #require(Stack.current)
        _ = try await stack.database.query(
            """
            SET search_path = scrobble;
            INSERT INTO scrobble.scrobble_connections
                (user_id, provider, access_token_encrypted, enabled, sync_ratings, sync_watch_status, sync_library,
                 state, connected_at, updated_at)
            SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, p, CASE WHEN n < 3 THEN '\\x00'::bytea END,
                true, true, true, true, CASE WHEN n < 3 THEN 'connected' ELSE 'disconnected' END, now(), now()
            FROM generate_series(1, 3) n, unnest(ARRAY['trakt', 'simkl']) p;
            INSERT INTO scrobble.queue_lanes (user_id, provider, is_paused)
            SELECT user_id, provider, true FROM scrobble.scrobble_connections;
            INSERT INTO scrobble.queue_outcomes
                (user_id, id, provider, urgency, media_type, media_id, action, payload, fingerprint, outcome, reason,
                 retry_count, created_at, finished_at)
            SELECT user_id, gen_random_uuid(), provider, 1, 'movie', gen_random_uuid(), 'rate', '{"rating":7}',
                'test ' || n, CASE n WHEN 1 THEN 'done' ELSE 'dead' END, 'test', 3, now(), now()
            FROM scrobble.scrobble_connections, generate_series(1, 301) n
            """)
        func waiting() async throws -> [String] {
            try await stack.database.query(
                "SELECT provider || ' ' || count(*) FROM scrobble.scrobble_queue GROUP BY provider ORDER BY 1")
        }
        #expect(try await refusal("scrobble", "requeue", "letterboxd")?.contains("expected the name") == true)
        #expect(try await ask("scrobble", "requeue", "trakt") == "sent again: 600")
        #expect(try await waiting() == ["trakt 600"])
        #expect(try await ask("scrobble", "requeue", "all") == "sent again: 600")
        #expect(try await waiting() == ["simkl 600", "trakt 600"])
        #expect(try await ask("scrobble", "requeue", "all") == "sent again: 0")
        let book = try commands("scrobble")
        #expect(book.map { $0["event"] } == Array(repeating: "requeue", count: 4))
        #expect(book.map { $0["outcome"] } == ["failed", "ok", "ok", "ok"])
        #expect(book.map { $0["object"] } == [nil, "trakt", "all", "all"])
        let left = try await stack.database.query(
            "SELECT outcome || ' ' || count(*) FROM scrobble.queue_outcomes GROUP BY outcome ORDER BY 1")
        #expect(left == ["dead 600", "done 6"])
    }
}
