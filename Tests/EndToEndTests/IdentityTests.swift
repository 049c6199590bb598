import Foundation
import Stack
import Testing

extension StackPlan {
    /// Two gateways on one database: one with open registration behind a trusted proxy, and one with invitations.
    fileprivate static let openAndInvited: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOfCopy["gateway"] = [
            0: ["REELAY_REGISTRATION": "open", "REELAY_TRUSTED_PROXIES": "127.0.0.0/8"],
            1: ["REELAY_REGISTRATION": "invite"],
        ]
        return plan
    }()
}

/// Accounts, sessions, keys, invitations and their protections, over HTTP.
@Suite(.stack(.openAndInvited), .serialized)
struct IdentityTests {
    private func gateway(_ copy: Int = 0, token: String? = nil) throws -> PublicClient {
        let copies = try #require(Stack.current?.copies["gateway"])
        return PublicClient(copies[copy].port, token: token)
    }

    private static func name() -> String { "p" + UUID().uuidString.prefix(12).lowercased() }

    /// Waits until no gateway trusts an ended token any more: those that did not end it cache it for a second.
    private func outliveTrust() async throws { try await Task.sleep(for: .milliseconds(1_100)) }

    @Test("A person sees their sessions and ends one, the others, or this one")
    func sessions() async throws {
        let name = Self.name()
        let first = try await gateway().registered(name)
        let second = try await gateway().send(
            "POST", "/auth/login", #"{"username":"\#(name)","password":"a long and odd phrase","device":"Kodi"}"#)
        let kodi = try gateway(token: try #require(second.json["token"] as? String))
        let third = try await gateway().loggedIn(name)
        let list = try await first.send("GET", "/users/me/sessions")
        let items = try #require(list.json["items"] as? [[String: Any]])
        #expect(items.count == 3)
        #expect(items.filter { $0["is_current"] as? Bool == true }.count == 1)
        #expect(items.allSatisfy { $0["address"] as? String == "127.0.0.1" }, "\(list.answer.text)")
        let id = try #require(items.first { $0["device"] as? String == "Kodi" }?["id"] as? String)
        #expect(try await first.send("DELETE", "/users/me/sessions/\(id)").status == 204)
        #expect(try await kodi.send("GET", "/users/me").status == 401)
        #expect(try await first.send("DELETE", "/users/me/sessions/\(id)").json["code"] as? String == "loginNotFound")
        #expect(try await first.send("DELETE", "/users/me/sessions").status == 204)
        #expect(try await third.send("GET", "/users/me").status == 401)
        #expect(try await first.send("GET", "/users/me").status == 200)
        let elsewhere = try gateway(1, token: first.token)
        #expect(try await elsewhere.send("GET", "/users/me").status == 200)
        #expect(try await first.send("POST", "/auth/logout").status == 204)
        #expect(try await first.send("GET", "/users/me").status == 401)
        try await outliveTrust()
        #expect(try await elsewhere.send("GET", "/users/me").status == 401, "a second later, everywhere")
    }

    @Test("Ending other sessions wants a login in the last 15 minutes; a new one ends the session that its client had")
    func proof() async throws {
        let name = Self.name()
        let login = #"{"username":"\#(name)","password":"a long and odd phrase"}"#
        let registered = try await gateway().send("POST", "/auth/register", login)
        let first = try gateway(token: try #require(registered.json["token"] as? String))
        _ = try await gateway().loggedIn(name)
        let database = try #require(Stack.current).database
        _ = try await database.query(
            """
            UPDATE gateway.sessions SET authenticated_at = authenticated_at - interval '15 min'
            WHERE user_id = (SELECT id FROM gateway.users WHERE username_key = '\(name)')
            """)
        let list = try await first.send("GET", "/users/me/sessions").json["items"] as? [[String: Any]] ?? []
        #expect(list.count == 2 && list.allSatisfy { $0["fresh_until"] is String })
        let other = try #require(list.first { $0["is_current"] as? Bool == false }?["id"] as? String)
        for path in ["/users/me/sessions/\(other)", "/users/me/sessions"] {
            let refused = try await first.send("DELETE", path)
            #expect(refused.status == 403 && refused.json["code"] as? String == "loginTooOld")
        }
        let refresh = try #require(registered.json["refresh_token"] as? String)
        let again = try await gateway().send(
            "POST", "/auth/login", String(login.dropLast()) + #","refresh_token":"\#(refresh)"}"#)
        #expect(again.status == 200, "\(again.answer.text)")
        #expect(try await first.send("GET", "/users/me").status == 401)
        let fresh = try gateway(token: try #require(again.json["token"] as? String))
        #expect(try await fresh.send("DELETE", "/users/me/sessions/\(other)").status == 204)
        #expect(try await fresh.send("DELETE", "/users/me/sessions").status == 204)
    }

    /// Once, the previous token was forgotten when it was presented a second time: the third was refused, and a client
    /// that retried was logged out.
    @Test("A refresh token is good once, for a moment answered alike each time it comes, and later ends the session")
    func refresh() async throws {
        let name = Self.name()
        let registered = try await gateway().send(
            "POST", "/auth/register", #"{"username":"\#(name)","password":"a long and odd phrase"}"#)
        func refresh(_ token: String) async throws -> PublicClient.Answer {
            try await gateway().send("POST", "/auth/refresh", #"{"refresh_token":"\#(token)"}"#)
        }
        let original = try #require(registered.json["refresh_token"] as? String)
        let answers = try await withThrowingTaskGroup(of: (status: Int, text: String).self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let answer = try await refresh(original)
                    return (answer.status, answer.answer.text)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let renewed = try await refresh(original)
        #expect(renewed.status == 200, "the answer may have been lost")
        for answer in answers {
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.text == renewed.answer.text)
        }
        let client = try gateway(token: try #require(renewed.json["token"] as? String))
        #expect(try await client.send("GET", "/users/me").json["username"] as? String == name)
        let before = try gateway(token: try #require(registered.json["token"] as? String))
        #expect(try await before.send("GET", "/users/me").status == 401)
        let current = try #require(renewed.json["refresh_token"] as? String)
        let next = try await refresh(current)
        #expect(next.status == 200 && next.json["refresh_token"] as? String != current)
        #expect(try await refresh(current).answer.text == next.answer.text)
        #expect(try await client.send("GET", "/users/me").status == 401)
        let database = try #require(Stack.current).database
        _ = try await database.query(
            """
            UPDATE gateway.sessions SET refreshed_at = refreshed_at - interval '61 s'
            WHERE user_id = (SELECT id FROM gateway.users WHERE username_key = '\(name)')
            """)
        let stolen = try await refresh(current)
        #expect(stolen.status == 401)
        #expect(stolen.json["code"] as? String == "invalidRefreshToken")
        let left = try await database.query(
            "SELECT count(*) FROM gateway.sessions JOIN gateway.users u ON u.id = user_id WHERE username_key = '\(name)'"
        )
        #expect(left == ["0"])
        #expect(try await refresh(try #require(next.json["refresh_token"] as? String)).status == 401)
        #expect(try await refresh("reelay_rt_short_but_long_enough").status == 401)
    }

    @Test("A new password ends the other sessions, and only who knows the old one sets it")
    func password() async throws {
        let name = Self.name()
        let first = try await gateway().registered(name)
        let second = try await gateway().loggedIn(name)
        let wrong = try await first.send(
            "POST", "/auth/password", #"{"current_password":"not this one","new_password":"a newer odd phrase"}"#)
        #expect(wrong.status == 403 && wrong.json["code"] as? String == "wrongPassword")
        let key = ["idempotency-key": UUID().uuidString]
        let change = #"{"current_password":"a long and odd phrase","new_password":"a newer odd phrase"}"#
        #expect(try await first.send("POST", "/auth/password", change, headers: key).status == 204)
        #expect(try await first.send("POST", "/auth/password", change, headers: key).status == 204, "once, twice told")
        #expect(try await first.send("POST", "/auth/password", change).json["code"] as? String == "wrongPassword")
        #expect(try await second.send("GET", "/users/me").status == 401)
        #expect(try await first.send("GET", "/users/me").status == 200)
        await #expect(throws: StackError.self) { try await gateway().loggedIn(name) }
        _ = try await gateway().loggedIn(name, "a newer odd phrase")
    }

    @Test("When a key and a session were used last is known, at the latest once their gateway has ended")
    func lastUse() async throws {
        let owner = try await gateway().registered(Self.name())
        let made = try await owner.send("POST", "/users/me/api-keys", #"{"name":"script","scopes":["read"]}"#)
        let script = try gateway(token: try #require(made.json["token"] as? String))
        func uses() async throws -> [String?] {
            let keys = try await owner.send("GET", "/users/me/api-keys").json["items"] as? [[String: Any]]
            let sessions = try await owner.send("GET", "/users/me/sessions").json["items"] as? [[String: Any]]
            return ((keys ?? []) + (sessions ?? [])).map { $0["last_used_at"] as? String }
        }
        #expect(try await script.send("GET", "/users/me").status == 200)
        let process = try #require(Stack.current?.copies["gateway"]?.first)
        await process.stop()
        try process.start()
        try await process.awaitReady()
        let known = try await uses()
        #expect(known.count == 2 && known.allSatisfy { $0 != nil }, "\(known)")
    }

    @Test("A key does what its scopes say, until it expires or is taken back")
    func keys() async throws {
        let name = Self.name()
        let owner = try await gateway().registered(name)
        let made = try await owner.send(
            "POST", "/users/me/api-keys", #"{"name":"script","scopes":["read","scrobble"]}"#)
        #expect(made.status == 201, "\(made.answer.text)")
        let text = try #require(made.json["token"] as? String)
        let id = try #require((made.json["api_key"] as? [String: Any])?["id"] as? String)
        #expect(text.hasPrefix("reelay_ak_"))
        let script = try gateway(token: text)
        #expect(try await script.send("GET", "/users/me").json["username"] as? String == name)
        let title = "01920000-0000-7000-8000-00000000dead"
        #expect(try await script.send("POST", "/movies/\(title)/rate", #"{"rating":8}"#).status == 403)
        #expect(try await script.send("GET", "/users/me/sessions").status == 403, "keys manage no keys and sessions")
        #expect(try await script.send("POST", "/users/me/api-keys", #"{"name":"x","scopes":["read"]}"#).status == 403)
        #expect(try await script.send("DELETE", "/users/me").status == 403)
        let list = try await owner.send("GET", "/users/me/api-keys")
        #expect(!list.answer.text.contains(text.suffix(43)), "the text is shown once")

        let database = try #require(Stack.current).database
        _ = try await database.query("UPDATE gateway.api_keys SET expires_at = now() WHERE id = '\(id)'")
        try await outliveTrust()
        #expect(try await script.send("GET", "/users/me").status == 401)
        _ = try await database.query("UPDATE gateway.api_keys SET expires_at = NULL WHERE id = '\(id)'")
        #expect(try await script.send("GET", "/users/me").status == 200)
        #expect(try await owner.send("DELETE", "/users/me/api-keys/\(id)").status == 204)
        #expect(try await script.send("GET", "/users/me").status == 401)
    }

    @Test("Of 100 requests with one key one has an effect, and all get its answer")
    func once() async throws {
        let owner = try await gateway().registered(Self.name())
        let key = ["idempotency-key": UUID().uuidString]
        let body = #"{"name":"once","scopes":["read"]}"#
        let ports = try #require(Stack.current?.copies["gateway"]).map(\.port)
        let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<100 {
                let client = PublicClient(ports[number % ports.count], token: owner.token)
                group.addTask {
                    let answer = try await client.send("POST", "/users/me/api-keys", body, headers: key)
                    return (answer.status, answer.answer.text)
                }
            }
            return try await group.reduce(into: [(Int, String)]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.0 == 201 }, "\(answers.filter { $0.0 != 201 })")
        #expect(Set(answers.map(\.1)).count == 1)
        let list = try await owner.send("GET", "/users/me/api-keys")
        #expect((list.json["items"] as? [Any])?.count == 1)
        let other = try await owner.send(
            "POST", "/users/me/api-keys", #"{"name":"other","scopes":["read"]}"#, headers: key)
        #expect(other.status == 422 && other.json["code"] as? String == "idempotencyKeyReused", "\(other.answer.text)")
        // Idempotency keys are scoped to a person.
        let stranger = try await gateway().registered(Self.name())
        let theirs = try await stranger.send("POST", "/users/me/api-keys", body, headers: key)
        #expect(theirs.status == 201 && theirs.answer.text != answers[0].1)
        // The secret in the answer is not stored in plain text.
        let secret = try #require(theirs.json["token"] as? String).suffix(43)
        let kept = try await #require(Stack.current).database.query(
            "SELECT encode(answer, 'escape') FROM gateway.idempotency_keys")
        #expect(!kept.joined().contains(secret))
    }

    @Test("Settings change as named, and If-Match lets one of many through")
    func settings() async throws {
        let owner = try await gateway().registered(Self.name())
        let read = try await owner.send("GET", "/users/me")
        let tag = try #require(read.answer.headers["etag"])
        #expect(try await owner.send("GET", "/users/me", headers: ["if-none-match": tag]).status == 304)
        let client = owner
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await client.send(
                        "PATCH", "/users/me", #"{"settings":{"language":"x\#(number)"}}"#, headers: ["if-match": tag]
                    ).status
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(answers.filter { $0 == 200 }.count == 1 && answers.filter { $0 == 412 }.count == 19, "\(answers)")
        let changed = try await owner.send(
            "PATCH", "/users/me",
            #"{"time_zone":"America/Argentina/Buenos_Aires","settings":{"rating_scale":"thumbs"}}"#)
        #expect(changed.status == 200, "\(changed.answer.text)")
        let after = try await owner.send("GET", "/users/me")
        #expect(after.answer.text == changed.answer.text)
        #expect(after.answer.headers["etag"] == changed.answer.headers["etag"])
        #expect((after.json["settings"] as? [String: Any])?["rating_scale"] as? String == "thumbs")
        #expect((after.json["settings"] as? [String: Any])?["language"] as? String != "en")
        for zone in ["Europe/Nowhere", "europe/berlin", "posix/Europe/Berlin", "CET-1"] {
            let refused = try await owner.send("PATCH", "/users/me", #"{"time_zone":"\#(zone)"}"#)
            #expect(refused.status == 422, "\(zone): \(refused.answer.text)")
        }
        let junk = try await owner.send("PATCH", "/users/me", #"{"role":"admin"}"#)
        #expect(junk.status == 400)
    }

    @Test("An invitation lets one person in, whoever hurries")
    func invites() async throws {
        let name = Self.name()
        let admin = try await gateway().registered(name)
        let database = try #require(Stack.current).database
        _ = try await database.query("UPDATE gateway.users SET role = 'admin' WHERE username_key = '\(name)'")
        try await outliveTrust()
        let made = try await admin.send("POST", "/invites", "{}")
        #expect(made.status == 201, "\(made.answer.text)")
        let code = try #require(made.json["code"] as? String)
        let closed = try await gateway(1).send(
            "POST", "/auth/register", #"{"username":"\#(Self.name())","password":"a long and odd phrase"}"#)
        #expect(closed.status == 403 && closed.json["code"] as? String == "registrationClosed")
        let door = try gateway(1)
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await door.send(
                        "POST", "/auth/register",
                        #"{"username":"\#(Self.name())","password":"a long and odd phrase","invite":"\#(code)"}"#
                    ).status
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 201 }.count == 1 && statuses.filter { $0 == 403 }.count == 5, "\(statuses)")
    }

    @Test("Guessing is slowed down per name, and does not lock out who comes from a known address")
    func guessing() async throws {
        let name = Self.name()
        let home = ["x-forwarded-for": "198.51.100.7"]
        func login(_ name: String, _ password: String, _ fields: [String: String]) async throws -> PublicClient.Answer {
            try await gateway().send(
                "POST", "/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#, headers: fields)
        }
        _ = try await gateway().registered(name)
        #expect(try await login(name, "a long and odd phrase", home).status == 200)
        let process = try #require(Stack.current?.copies["gateway"]?.first)
        let wrong = try await FaultMetric(
            #"http_server_duration_seconds{operation="login",status="401"}"#, of: process)
        let slowed = try await FaultMetric(
            #"http_server_duration_seconds{operation="login",status="429"}"#, of: process)
        for guessed in [name, Self.name()] {
            var statuses: [Int] = []
            for number in 0..<13 {
                let answer = try await login(guessed, "guess \(number)", ["x-forwarded-for": "203.0.113.\(number)"])
                statuses.append(answer.status)
                if answer.status == 429 { #expect(answer.answer.headers["retry-after"] != nil) }
            }
            #expect(statuses.prefix(10).allSatisfy { $0 == 401 }, "\(statuses)")
            #expect(statuses.contains(429), "\(statuses)")
        }
        try await wrong.rises(by: 20)
        try await slowed.rises(by: 2)
        #expect(try await login(name, "a long and odd phrase", home).status == 200, "the victim gets in")
        // One address that tries many names.
        var refused = 0
        let thief = ["x-forwarded-for": "192.0.2.66"]
        let database = try #require(Stack.current).database
        #expect(try await login(Self.name(), "guess", thief).status == 401)
        _ = try await database.query(
            "UPDATE gateway.login_throttles SET failures = 51, last_at = now() WHERE allowance = 50 AND failures = 1")
        for _ in 0..<3 where try await login(Self.name(), "guess", thief).status == 429 { refused += 1 }
        #expect(refused > 0)
    }
}
