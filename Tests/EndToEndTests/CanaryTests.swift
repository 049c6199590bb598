import Cryptography
import Foundation
import Stack
import Testing

/// Feeds secrets of every kind to an installation that logs and exports all it can, during normal operation and
/// failures; none may appear anywhere that can be read afterwards.
@Suite(.serialized)
struct CanaryTests {
    /// The secrets, each with a description.
    private struct Cage {
        var canaries: [String: String] = [:]

        mutating func add(_ what: String, _ secret: String?) throws {
            let secret = try #require(secret, "\(what) is missing")
            #expect(secret.utf8.count >= 8, "\(what) is too short to be told from chance")
            canaries[secret] = what
        }
    }

    /// Answers to anyone but the one person who is to see the secret.
    private actor Answers {
        private(set) var all: [String] = []
        func add(_ answer: Wire.Answer) { all.append("\(answer.status) \(answer.headers) \(answer.text)") }
    }

    private static let password = "canary phrase of nobody 4711"
    private static let wrong = "canary phrase that is wrong 0815"

    @Test("Passwords, tokens, keys, codes and secrets are in no log, metric, span, error or dump")
    func everywhere() async throws {
        let collector = try Collector()
        var plan = StackPlan()
        plan.settings = collector.settings
        plan.settings["REELAY_OTLP_SECONDS"] = "1"
        plan.settings["REELAY_LOG_LEVEL"] = "trace"
        try await Stack.running(plan) { stack in try await search(stack, collector) }
    }

    private func search(_ stack: Stack, _ collector: Collector) async throws {
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
        try cage.add("the key at TVDb", "reelay-demo-tvdb")
        try cage.add("a token of TVDb", "demo-tvdb-token-")
        try cage.add("the secret at Letterboxd", "reelay-demo-letterboxd-secret")
        try cage.add("a token of Letterboxd", "demo-letterboxd-token-")
        try cage.add("the client at AniDB", "reelaydemo/1")
        try cage.add("the key at MyAnimeList", "reelay-demo-myanimelist")

        let client = try await account(port, &cage)
        try await things(client, &cage, answers)
        let factor = try await client.enrolled()
        try cage.add("the secret of a second factor", Base32.encode(factor.totp.secret))
        try cage.add("a recovery code", factor.codes[0])
        try await trakt(stack, client, &cage)
        try await simkl(stack, client, &cage)
        try await providers(stack, client, answers)
        try cage.add("a password that an administrator has made", try await administration(stack))
        try await misuse(PublicClient(port), client, answers)
        try await outage(stack, client, answers)

        var places: [String: String] = [:]
        for name in Stack.serviceNames {
            let service = try stack.service(name)
            places["the log of \(name)"] = try String(contentsOf: service.log, encoding: .utf8)
            places["what commands of \(name) log"] = try String(contentsOf: service.commandLog, encoding: .utf8)
            for path in ["/metrics", "/readyz"] {
                places["\(path) of \(name)"] =
                    try await Wire.send("GET", "http://127.0.0.1:\(service.adminPort)\(path)").text
            }
            let pid = try #require(service.pid)
            places["the command line of \(name)"] = try String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        }
        let exported = try collector.text().split(separator: "\n")
        for signal in ["traces", "logs", "metrics"] {
            let lines = exported.filter { $0.hasPrefix("{\"path\": \"/v1/\(signal)\"") }
            #expect(lines.count >= Stack.serviceNames.count, "\(signal) are exported")
            // Every export of metrics is complete, so the last one of each service suffices.
            let last = signal == "metrics" ? lines.suffix(4 * Stack.serviceNames.count) : lines[...]
            places["\(signal) at the collector"] = last.joined(separator: "\n")
        }
        places["a dump of the database"] = try await stack.database.dump()
        for (number, text) in await answers.all.enumerated() { places["answer \(number)"] = text }
        let lines = places.values.reduce(0) { $0 + $1.split(separator: "\n").count }
        var hits = 0
        // Searching bytes is four times as fast as searching text.
        let forms = cage.canaries.flatMap { secret, what in Self.forms(secret).map { (Data($0.utf8), what) } }
        for (place, text) in places.sorted(by: { $0.key < $1.key }) {
            let bytes = Data(text.utf8)
            for (form, what) in forms where bytes.range(of: form) != nil {
                hits += 1
                Issue.record("\(what) stands in \(place)")
            }
        }
        print("canaries: \(cage.canaries.count) secrets, \(places.count) places with \(lines) lines, \(hits) hits")
        #expect(cage.canaries.count >= 29 && lines > 1_000)
        #expect(places["traces at the collector"]?.contains("scrobble.completeTrakt") == true, "calls are exported")
        #expect(places["what commands of gateway log"]?.contains("reset-password") == true, "commands are written")
        #expect(places["the log of gateway"]?.contains("operation") == true, "the logs tell something")
    }

    /// A secret as it is and in the encodings in which it may be written.
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
        // With an idempotency key, so that the answer is stored.
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
            let fields = [
                "content-type": "application/json", "authorization": "Bearer \(hook.json["secret"] as? String ?? "")",
            ]
            await answers.add(
                try await Wire.send("POST", "\(client.base)/hooks/deliver", headers: fields, body: body))
        }
        let keyed = PublicClient(Int(base.split(separator: ":").last ?? "") ?? 0, token: key.json["token"] as? String)
        await answers.add(try await keyed.send("GET", "/users/me").answer)
        await answers.add(try await keyed.send("DELETE", "/users/me").answer)
    }

    private func trakt(_ stack: Stack, _ client: PublicClient, _ cage: inout Cage) async throws {
        let port = stack.upstreams.port
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

    private func simkl(_ stack: Stack, _ client: PublicClient, _ cage: inout Cage) async throws {
        let port = stack.upstreams.port
        let invitation = try await client.send("POST", "/scrobbling/simkl/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=walter")
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String? { back.queryItems?.first { $0.name == name }?.value }
        try cage.add("a code of Simkl", field("code"))
        try cage.add("a state for Simkl", field("state"))
        let body = #"{"code":"\#(field("code") ?? "")","state":"\#(field("state") ?? "")"}"#
        let outcome = try await client.send("POST", "/scrobbling/simkl/complete", body)
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        let book = try await Wire.send(
            "GET",
            "http://127.0.0.1:\(port)/simkl/_accounts?client_id=reelay-demo-simkl&app-name=browser&app-version=1")
        let tokens = (try JSONSerialization.jsonObject(with: book.body) as? [String: Any])?["tokens"] as? [String] ?? []
        #expect(tokens.count >= 2, "\(book.text)")
        for (number, token) in tokens.enumerated() { try cage.add("token \(number) of Simkl", token) }
    }

    /// Every provider that needs a key answers, aborts, and rejects the key.
    private func providers(_ stack: Stack, _ client: PublicClient, _ answers: Answers) async throws {
        let control = "http://127.0.0.1:\(stack.upstreams.port)/control"
        let keyed = ["tmdb", "omdb", "tvdb", "letterboxd", "anidb", "myanimelist"]
        // A film, a series and a title that the anime providers have.
        var titles: [String] = []
        for (kind, ids) in [
            ("movies", #"{"imdb":"tt9100001"}"#), ("shows", #"{"imdb":"tt9100102"}"#), ("movies", #"{"tmdb":910203}"#),
        ] {
            let found = try await client.send("POST", "/\(kind)/resolve", #"{"ids":\#(ids)}"#)
            let id = try #require(found.json["id"] as? String, "\(found.answer.text)")
            titles.append("/\(kind)/\(id)")
        }
        for provider in keyed {
            let book = try await Wire.send("GET", "\(control)/book?provider=\(provider)")
            #expect(book.text.contains(#""sequence""#), "nobody has asked \(provider)")
        }
        for fault in [#""kind":"drop""#, #""kind":"status","status":401"#] {
            for provider in keyed {
                let made = try await Wire.send(
                    "POST", "\(control)/faults", body: #"{"provider":"\#(provider)",\#(fault),"times":4}"#)
                #expect(made.status == 201, "\(made.text)")
            }
            for title in titles { await answers.add(try await client.send("POST", "\(title)/refresh").answer) }
            _ = try await Wire.send("DELETE", "\(control)/faults")
        }
        await answers.add(try await client.send("GET", "/sources/health").answer)
    }

    /// Runs administrator commands and returns the password that is printed.
    private func administration(_ stack: Stack) async throws -> String {
        try await stack.service("gateway").command(["add-user", "second"])
        try await stack.service("scrobble").command(["rotate-keys"])
        return try await stack.service("gateway").command(["reset-password", "second"])
            .trimmingCharacters(in: .newlines)
    }

    /// Sends secrets in places where they do not belong.
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

    /// Removes the token from an answer that repeats the requested path, which is not a leak.
    private static func withoutEcho(_ answer: Wire.Answer, _ token: String) -> Wire.Answer {
        guard answer.status == 404 || answer.status == 400 else { return answer }
        return Wire.Answer(
            status: answer.status, headers: answer.headers,
            body: Data(answer.text.replacing(token, with: "(as it was asked)").utf8))
    }

    /// All providers go down, and the database for a moment.
    private func outage(_ stack: Stack, _ client: PublicClient, _ answers: Answers) async throws {
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
