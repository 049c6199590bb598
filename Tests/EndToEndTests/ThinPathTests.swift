import Foundation
import Stack
import Testing

/// The basic path through all four services, as a frontend would take it.
@Suite(.stack, .serialized)
struct ThinPathTests {
    private struct Gateway {
        let base: String
        var token: String?

        func send(_ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]) async throws
            -> (status: Int, json: [String: Any], answer: Wire.Answer)
        {
            var fields = headers
            if let token { fields["authorization"] = "Bearer \(token)" }
            if body != nil { fields["content-type"] = fields["content-type"] ?? "application/json" }
            let answer = try await Wire.send(method, base + "/api/v1" + path, headers: fields, body: body)
            let json = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any] ?? [:]
            return (answer.status, json, answer)
        }
    }

    private func gateway() throws -> Gateway {
        let stack = try #require(Stack.current)
        return Gateway(base: "http://127.0.0.1:\(try stack.service("gateway").port)", token: nil)
    }

    private static let film = "tt9100001"

    @Test("Register, resolve, rate, watch, and find it all in the history")
    func path() async throws {
        var gateway = try gateway()
        let registered = try await gateway.send(
            "POST", "/auth/register", #"{"username":"Alice","password":"a long and odd phrase"}"#)
        #expect(registered.status == 201, "\(registered.answer.text)")
        let user = try #require(registered.json["user"] as? [String: Any])
        #expect(user["role"] as? String == "admin")

        let second = try await gateway.send(
            "POST", "/auth/register", #"{"username":"bob","password":"another odd phrase"}"#)
        #expect(second.status == 403)
        #expect(second.json["code"] as? String == "registrationClosed")
        #expect(second.answer.headers["content-type"]?.hasPrefix("application/problem+json") == true)

        let login = try await gateway.send(
            "POST", "/auth/login", #"{"username":"alice","password":"a long and odd phrase"}"#)
        #expect(login.status == 200)
        gateway.token = try #require(login.json["token"] as? String)
        let me = try await gateway.send("GET", "/users/me")
        #expect(me.json["username"] as? String == "Alice")

        let resolved = try await gateway.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(Self.film)"}}"#)
        #expect(resolved.status == 200, "\(resolved.answer.text)")
        let id = try #require(resolved.json["id"] as? String)
        let sources = (resolved.json["external_ratings"] as? [[String: Any]] ?? []).compactMap {
            $0["source"] as? String
        }
        #expect(Set(sources).isSuperset(of: ["imdb", "tmdb"]), "\(resolved.answer.text)")
        let again = try await gateway.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(Self.film)"}}"#)
        #expect(again.json["id"] as? String == id)

        let rated = try await gateway.send("POST", "/movies/\(id)/rate", #"{"rating":8.5,"review":"Wunderbar 🎬"}"#)
        #expect(rated.status == 200, "\(rated.answer.text)")
        let refused = try await gateway.send("POST", "/movies/\(id)/rate", #"{"rating":10.4}"#)
        #expect(refused.status == 400)
        #expect(refused.json["detail"] as? String == "rating: 10.4 is above 10")

        let movie = try await gateway.send("GET", "/movies/\(id)")
        #expect((movie.json["my_rating"] as? [String: Any])?["rating"] as? Double == 8.5)
        #expect((movie.json["external_ratings"] as? [Any])?.isEmpty == false)

        let started = try await gateway.send("POST", "/playback/sessions", #"{"title":"\#(id)"}"#)
        #expect(started.status == 201, "\(started.answer.text)")
        let session = try #require(started.json["id"] as? String)
        let stopped = try await gateway.send(
            "POST", "/playback/sessions/\(session)/stop", #"{"progress_percent":96.5}"#)
        #expect(stopped.status == 200, "\(stopped.answer.text)")
        let play = try #require((stopped.json["play"] as? [String: Any])?["id"] as? String)
        let stoppedAgain = try await gateway.send(
            "POST", "/playback/sessions/\(session)/stop", #"{"progress_percent":10}"#)
        #expect((stoppedAgain.json["play"] as? [String: Any])?["id"] as? String == play)

        let history = try await gateway.send("GET", "/history")
        let items = try #require(history.json["items"] as? [[String: Any]])
        #expect(items.count == 1)
        #expect((items.first?["play"] as? [String: Any])?["id"] as? String == play)
        #expect((items.first?["my_rating"] as? [String: Any])?["rating"] as? Double == 8.5)
        #expect((items.first?["external_ratings"] as? [Any])?.isEmpty == false)

        let unrated = try await gateway.send("DELETE", "/movies/\(id)/rate")
        #expect(unrated.status == 204)
        #expect(try await gateway.send("GET", "/movies/\(id)/rate").json["code"] as? String == "ratingNotFound")

        #expect(try await gateway.send("POST", "/auth/logout").status == 204)
        let gone = try await gateway.send("GET", "/users/me")
        #expect(gone.status == 401)
        #expect(gone.answer.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
    }

    @Test("A browser page may call from exactly the origins that are set")
    func cors() async throws {
        let gateway = try gateway()
        let preflight = try await gateway.send(
            "OPTIONS", "/movies/resolve",
            headers: [
                "origin": "https://app.example", "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type",
            ])
        #expect(preflight.status == 204)
        #expect(preflight.answer.headers["access-control-allow-origin"] == "https://app.example")
        #expect(preflight.answer.headers["access-control-allow-methods"]?.contains("POST") == true)
        for origin in [
            "https://app.example.evil.test", "https://evil.test", "null", "http://app.example",
            "https://app.example:8443",
        ] {
            let answer = try await gateway.send("GET", "/users/me", headers: ["origin": origin])
            #expect(answer.answer.headers["access-control-allow-origin"] == nil, "\(origin)")
        }
        let allowed = try await gateway.send("GET", "/users/me", headers: ["origin": "https://app.example"])
        #expect(allowed.status == 401)
        #expect(allowed.answer.headers["access-control-allow-origin"] == "https://app.example")
        #expect(allowed.answer.headers["vary"]?.contains("Origin") == true)
    }

    @Test("What is wrong with a request is said in a problem document")
    func problems() async throws {
        let gateway = try gateway()
        let cases: [(String, String, String?, [String: String], Int, String)] = [
            ("GET", "/nowhere", nil, [:], 404, "routeNotFound"),
            ("PUT", "/auth/login", "{}", [:], 405, "methodNotAllowed"),
            ("POST", "/auth/login", "{", [:], 400, "invalidRequest"),
            ("POST", "/auth/login", #"{"username":"alice"}"#, [:], 400, "invalidRequest"),
            (
                "POST", "/auth/login", #"{"username":"alice","password":"12345678","extra":1}"#, [:], 400,
                "invalidRequest"
            ),
            (
                "POST", "/auth/login", "username=alice", ["content-type": "application/x-www-form-urlencoded"], 415,
                "unsupportedMediaType"
            ),
            ("GET", "/users/me", nil, [:], 401, "unauthenticated"),
            ("GET", "/users/me", nil, ["authorization": "Bearer nonsense"], 401, "unauthenticated"),
            (
                "POST", "/auth/login", #"{"username":"nobody","password":"not this one"}"#, [:], 401,
                "invalidCredentials"
            ),
            (
                "POST", "/auth/login", "{\"username\":\"" + String(repeating: "a", count: 1_100_000) + "\"}", [:], 413,
                "payloadTooLarge"
            ),
        ]
        for (method, path, body, headers, status, code) in cases {
            let answer = try await gateway.send(method, path, body, headers: headers)
            #expect(answer.status == status, "\(method) \(path): \(answer.answer.text)")
            #expect(answer.json["code"] as? String == code, "\(method) \(path): \(answer.answer.text)")
            #expect(answer.answer.headers["content-type"] == "application/problem+json", "\(method) \(path)")
        }
    }
}
