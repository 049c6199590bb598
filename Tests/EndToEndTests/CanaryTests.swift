import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let talkative: StackPlan = {
        var plan = StackPlan()
        plan.settings["REELAY_LOG_LEVEL"] = "trace"
        return plan
    }()
}

/// Secrets of every kind are shown to an installation that logs all it can, while things go well and while they fail; none may
/// stand anywhere where it can be read afterwards.
@Suite(.stack(.talkative), .serialized)
struct CanaryTests {
    /// Each secret with what it is.
    private struct Cage {
        var canaries: [String: String] = [:]

        mutating func add(_ what: String, _ secret: String?) throws {
            let secret = try #require(secret, "\(what) is missing")
            #expect(secret.utf8.count >= 8, "\(what) is too short to be told from chance")
            canaries[secret] = what
        }
    }

    /// What was answered to anybody but the one who is to see the secret.
    private actor Answers {
        private(set) var all: [String] = []
        func add(_ answer: Wire.Answer) { all.append("\(answer.status) \(answer.headers) \(answer.text)") }
    }

    private static let password = "canary phrase of nobody 4711"
    private static let wrong = "canary phrase that is wrong 0815"

    @Test("Passwords, tokens, keys, codes and secrets are in no log, metric, error or dump")
    func everywhere() async throws {
        let stack = try #require(Stack.current)
        let port = try stack.service("gateway").port
        let answers = Answers()
        var cage = Cage()
        try cage.add("the password", Self.password)
        try cage.add("a wrong password", Self.wrong)
        try cage.add("the services' secret", Stack.serviceSecret)
        try cage.add("the database's password", "stack-password-0123456789")
        try cage.add("a key of the ring", Data(repeating: 7, count: 32).base64EncodedString())
        try cage.add("the secret at Trakt", "reelay-demo-trakt-secret")
        try cage.add("the key at TMDb", "00112233445566778899aabbccddeeff")
        try cage.add("the key at OMDb", "reelaydemo")

        let client = try await account(port, &cage)
        try await things(client, &cage, answers)
        try await trakt(client, &cage)
        try await misuse(PublicClient(port), client, answers)
        try await outage(client, answers)

        var places: [String: String] = [:]
        for name in Stack.serviceNames {
            let service = try stack.service(name)
            places["the log of \(name)"] = try String(contentsOf: service.log, encoding: .utf8)
            for path in ["/metrics", "/readyz"] {
                places["\(path) of \(name)"] =
                    try await Wire.send("GET", "http://127.0.0.1:\(service.adminPort)\(path)").text
            }
            let pid = try #require(service.pid)
            places["the command line of \(name)"] = try String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        }
        places["a dump of the database"] = try await stack.database.dump()
        for (number, text) in await answers.all.enumerated() { places["answer \(number)"] = text }
        let lines = places.values.reduce(0) { $0 + $1.split(separator: "\n").count }
        var hits = 0
        for (place, text) in places.sorted(by: { $0.key < $1.key }) {
            for (secret, what) in cage.canaries {
                for form in Self.forms(secret) where text.contains(form) {
                    hits += 1
                    Issue.record("\(what) stands in \(place)")
                }
            }
        }
        print("canaries: \(cage.canaries.count) secrets, \(places.count) places with \(lines) lines, \(hits) hits")
        #expect(cage.canaries.count >= 19 && lines > 1_000)
        #expect(places["the log of gateway"]?.contains("operation") == true, "the logs tell something")
    }

    /// A secret as it is, and as it may be written down.
    private static func forms(_ secret: String) -> [String] {
        let bytes = Data(secret.utf8)
        let escaped = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret
        return [secret, bytes.base64EncodedString(), bytes.map { String(format: "%02x", $0) }.joined(), escaped]
    }

    private func account(_ port: Int, _ cage: inout Cage) async throws -> PublicClient {
        let made = try await PublicClient(port).send(
            "POST", "/auth/register", #"{"username":"walter","password":"\#(Self.password)"}"#)
        try cage.add("the first token", made.json["token"] as? String)
        try cage.add("the first refresh token", made.json["refresh_token"] as? String)
        let refreshed = try await PublicClient(port).send(
            "POST", "/auth/refresh", #"{"refresh_token":"\#(made.json["refresh_token"] as? String ?? "")"}"#)
        try cage.add("the token", refreshed.json["token"] as? String)
        try cage.add("the refresh token", refreshed.json["refresh_token"] as? String)
        return PublicClient(port, token: refreshed.json["token"] as? String)
    }

    private func things(_ client: PublicClient, _ cage: inout Cage, _ answers: Answers) async throws {
        // Under a key, so that the answer is kept.
        let key = try await client.send(
            "POST", "/users/me/api-keys", #"{"name":"Kodi","scopes":["read","scrobble"]}"#,
            headers: ["idempotency-key": "canary-key-1"])
        try cage.add("an API key", key.json["token"] as? String)
        let invite = try await client.send("POST", "/invites", "{}", headers: ["idempotency-key": "canary-key-2"])
        try cage.add("an invitation", invite.json["code"] as? String)
        let hook = try await client.send(
            "POST", "/hooks", #"{"name":"Plex"}"#, headers: ["idempotency-key": "canary-key-3"])
        try cage.add("a hook's secret", hook.json["secret"] as? String)
        let path = try #require(hook.json["path"] as? String)
        let base = client.base.replacing("/api/v1", with: "")
        for body in [#"{"event":"media.play"}"#, "nothing that is JSON", #"{"event":"stop","title":{}}"#] {
            await answers.add(
                try await Wire.send(
                    "POST", base + path, headers: ["content-type": "application/json"], body: body))
        }
        let keyed = PublicClient(Int(base.split(separator: ":").last ?? "") ?? 0, token: key.json["token"] as? String)
        await answers.add(try await keyed.send("GET", "/users/me").answer)
        await answers.add(try await keyed.send("DELETE", "/users/me").answer)
    }

    private func trakt(_ client: PublicClient, _ cage: inout Cage) async throws {
        let port = try #require(Stack.current).upstreams.port
        let invitation = try await client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=demo-walter", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String? { back.queryItems?.first { $0.name == name }?.value }
        try cage.add("a code of Trakt", field("code"))
        try cage.add("a state", field("state"))
        let body = #"{"code":"\#(field("code") ?? "")","state":"\#(field("state") ?? "")"}"#
        let outcome = try await client.send("POST", "/scrobbling/trakt/complete", body)
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        _ = try await client.send(
            "PATCH", "/scrobbling/connections/trakt",
            #"{"enabled":true,"facets":[{"facet":"progress","direction":"receive","conflicts":"ours","deletes":false}]}"#
        )
        let book = try await Wire.send(
            "GET", "http://127.0.0.1:\(port)/trakt/_accounts",
            headers: [
                "authorization": "Bearer demo-walter", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
            ])
        let tokens = (try JSONSerialization.jsonObject(with: book.body) as? [String: Any])?["tokens"] as? [String] ?? []
        for (number, token) in tokens.enumerated() where token.count > 20 {
            try cage.add("token \(number) of Trakt", token)
        }
    }

    /// Secrets in places where they do not belong.
    private func misuse(_ nobody: PublicClient, _ client: PublicClient, _ answers: Answers) async throws {
        for body in [
            #"{"username":"walter","password":"\#(Self.wrong)"}"#,
            #"{"username":"walter","password":["\#(Self.wrong)"]}"#,
            #"{"username":"walter","passwrod":"\#(Self.wrong)"}"#, #"{"username":"walter","password":"\#(Self.wrong)""#,
            #"{"username":{"password":"\#(Self.wrong)"}}"#,
        ] {
            await answers.add(try await nobody.send("POST", "/auth/login", body).answer)
        }
        await answers.add(
            try await client.send(
                "POST", "/auth/password", #"{"current_password":"\#(Self.wrong)","new_password":"another long phrase"}"#
            ).answer)
        let token = client.token ?? ""
        for (method, path, body) in [
            ("GET", "/movies?token=\(token)", nil), ("GET", "/movies/\(token)", nil),
            ("POST", "/auth/refresh", #"{"refresh_token":"\#(token)"}"#), ("GET", "/\(token)/x", nil),
            ("POST", "/movies/resolve", #"{"\#(token)":1}"#),
        ] as [(String, String, String?)] {
            await answers.add(Self.withoutEcho(try await client.send(method, path, body).answer, token))
        }
        await answers.add(
            try await Wire.send("GET", nobody.base + "/users/me", headers: ["authorization": "Bearer \(token)x"]))
    }

    /// Whoever names a place that does not exist is told its name again, which is no leak.
    private static func withoutEcho(_ answer: Wire.Answer, _ token: String) -> Wire.Answer {
        guard answer.status == 404 || answer.status == 400 else { return answer }
        return Wire.Answer(
            status: answer.status, headers: answer.headers,
            body: Data(answer.text.replacing(token, with: "(as it was asked)").utf8))
    }

    /// Everything outside is gone, and the database for a moment.
    private func outage(_ client: PublicClient, _ answers: Answers) async throws {
        let stack = try #require(Stack.current)
        let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let id = try #require(film.json["id"] as? String, "\(film.answer.text)")
        await stack.upstreams.stop()
        await answers.add(try await client.send("POST", "/movies/\(id)/refresh").answer)
        await answers.add(try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100002"}}"#).answer)
        await answers.add(try await client.send("POST", "/scrobbling/trakt/device").answer)
        await answers.add(try await client.send("POST", "/scrobbling/trakt/sync").answer)
        await answers.add(
            try await client.send("POST", "/scrobbling/trakt/complete", #"{"code":"none","state":"none"}"#).answer)
        let session = try await client.send("POST", "/playback/sessions", #"{"title":"\#(id)"}"#)
        _ = try await client.send(
            "POST", "/playback/sessions/\(session.json["id"] as? String ?? "")/stop", #"{"progress_percent":97}"#)
        _ = try await stack.database.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND usename LIKE 'reelay\\_%' AND usename <> current_user
            """)
        for _ in 0..<3 { await answers.add(try await client.send("GET", "/history").answer) }
        try await Task.sleep(for: .seconds(2))
    }
}
