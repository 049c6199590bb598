import Foundation
import Stack
import Testing

/// A person connects Trakt by both flows, as a frontend and a browser perform them.
@Suite(.stack, .serialized)
struct TraktConnectionTests {
    private func client() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        let open = PublicClient(try stack.service("gateway").port)
        // Only the first person may register freely.
        if let first = try? await open.registered("alice-of-trakt") { return first }
        return try await open.loggedIn("alice-of-trakt")
    }

    private func upstreams(_ path: String) async throws -> Wire.Answer {
        let port = try #require(Stack.current).upstreams.port
        return try await Wire.send("GET", "http://127.0.0.1:\(port)\(path)", headers: ["user-agent": "a browser"])
    }

    private func connection(_ client: PublicClient) async throws -> [String: Any] {
        let list = try await client.send("GET", "/scrobbling/connections")
        let all = list.json["connections"] as? [[String: Any]] ?? []
        return try #require(all.first { $0["provider"] as? String == "trakt" })
    }

    @Test("Browser there and back, the callback page, complete with the bearer; nothing secret in any log")
    func codeFlow() async throws {
        let stack = try #require(Stack.current)
        let client = try await client()
        let before = try await connection(client)
        #expect(before["state"] as? String == "disconnected" && before["is_available"] as? Bool == true)
        #expect(before["enabled"] as? Bool == false)

        let invitation = try await client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=alice", headers: ["user-agent": "a browser"])
        #expect(browser.status == 302)
        let location = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        let code = try #require(location.queryItems?.first { $0.name == "code" }?.value)
        let state = try #require(location.queryItems?.first { $0.name == "state" }?.value)

        let port = try stack.service("gateway").port
        let page = try await Wire.send("GET", "http://127.0.0.1:\(port)\(location.path)?code=\(code)&state=\(state)")
        #expect(page.status == 200 && page.headers["content-type"]?.hasPrefix("text/html") == true)
        #expect(page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(page.headers["referrer-policy"] == "no-referrer" && page.headers["cache-control"] == "no-store")
        #expect(!page.text.contains(code) && !page.text.contains(state), "the page shows nothing of what it was given")

        let body = #"{"code":"\#(code)","state":"\#(state)"}"#
        let nobody = try await PublicClient(port).send("POST", "/scrobbling/trakt/complete", body)
        #expect(nobody.status == 401, "without a bearer")
        let outcome = try await client.send("POST", "/scrobbling/trakt/complete", body)
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        let replay = try await client.send("POST", "/scrobbling/trakt/complete", body)
        #expect(replay.json["result"] as? String == "unknown")
        let after = try await connection(client)
        #expect(after["state"] as? String == "connected" && after["account"] as? String == "alice")

        let changed = try await client.send(
            "PATCH", "/scrobbling/connections/trakt",
            #"{"enabled":true,"facets":[{"facet":"ratings","direction":"both","conflicts":"ask","deletes":false}]}"#)
        #expect(changed.status == 200 && changed.json["enabled"] as? Bool == true)

        // Codes, states and tokens appear in no service's log.
        let tokens = try await stack.database.query(
            "SELECT encode(access_token_encrypted, 'hex') FROM scrobble.scrobble_connections")
        #expect(tokens.count == 1)
        for name in Stack.serviceNames {
            let log = try String(contentsOf: try stack.service(name).log, encoding: .utf8)
            for secret in [code, state] { #expect(!log.contains(secret), "\(name) logs what it must not") }
        }
    }

    @Test("A code for a device: entered elsewhere, polled here, disconnected again")
    func deviceFlow() async throws {
        let stack = try #require(Stack.current)
        let client = try await client()
        let invitation = try await client.send("POST", "/scrobbling/trakt/device")
        let flow = try #require(invitation.json["flow"] as? String, "\(invitation.answer.text)")
        let code = try #require(invitation.json["user_code"] as? String)
        let early = try await client.send("POST", "/scrobbling/trakt/device/\(flow)")
        #expect(early.json["result"] as? String == "pending" && early.json["retry_after_seconds"] as? Int != nil)
        _ = try await upstreams("/trakt/auth/activate/\(code)?as=alice")
        _ = try await stack.database.query("UPDATE scrobble.oauth_flows SET next_poll_at = now() - interval '1 second'")
        let outcome = try await client.send("POST", "/scrobbling/trakt/device/\(flow)")
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        let ended = try await client.send("DELETE", "/scrobbling/connections/trakt")
        #expect(ended.json["disconnected"] as? Bool == true)
        #expect(try await connection(client)["state"] as? String == "disconnected")
    }

    @Test("Trakt that is away, that breaks off and that blocks the application shows at the admin port")
    func troubles() async throws {
        let stack = try #require(Stack.current)
        let scrobble = try stack.service("scrobble")
        let client = try await client()
        let troubles = [
            (
                #""kind":"status","status":503"#,
                try await FaultMetric(#"upstream_call_duration_seconds{outcome="5xx"}"#, of: scrobble)
            ),
            (
                #""kind":"drop""#,
                try await FaultMetric(#"upstream_call_duration_seconds{outcome="none"}"#, of: scrobble)
            ),
            (#""kind":"status","status":403"#, try await FaultMetric("upstream_turned_away_total", of: scrobble)),
        ]
        for (kind, metric) in troubles {
            _ = try await Wire.send(
                "POST", "http://127.0.0.1:\(stack.upstreams.port)/control/faults",
                body: #"{"provider":"trakt","path":"/auth/oauth/device","times":1,\#(kind)}"#)
            let none = try await client.send("POST", "/scrobbling/trakt/device")
            #expect(none.status == 503, "\(kind): \(none.answer.text)")
            try await metric.rises()
        }
        #expect(try await client.send("POST", "/scrobbling/trakt/device").status == 200, "and then it is as ever")
    }
}
