import Foundation
import Stack
import Testing

/// Simkl through the public API: a code, a connection, and scrobbles of what is watched in the living room.
@Suite(.stack(.openToAll), .serialized)
struct SimklConnectionTests {
    private func upstreams(_ path: String) async throws -> Wire.Answer {
        let stack = try #require(Stack.current)
        return try await Wire.send("GET", "http://127.0.0.1:\(stack.upstreams.port)\(path)")
    }

    private func connection(_ client: PublicClient) async throws -> [String: Any] {
        let found = try await client.send("GET", "/scrobbling/connections")
        let all = found.json["connections"] as? [[String: Any]] ?? []
        return try #require(all.first { $0["provider"] as? String == "simkl" }, "\(found.answer.text)")
    }

    @Test(
        "In the browser, with a state that is good once and for its person only; a refusal and a strange sender connect nobody"
    )
    func browser() async throws {
        let stack = try #require(Stack.current)
        let gateway = try stack.service("gateway").port
        let client = try await PublicClient(gateway).registered("b" + UUID().uuidString.prefix(12).lowercased())
        let page = try await Wire.send("GET", "http://127.0.0.1:\(gateway)/oauth/simkl/callback")
        #expect(page.status == 200 && page.text.contains("reelay-"))
        /// Returns what the browser is redirected with.
        func agree(_ query: String) async throws -> (code: String, state: String) {
            let invitation = try await client.send("POST", "/scrobbling/simkl/connect")
            let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
            #expect(address.contains("scope=media%3Aread%20media%3Awrite"))
            let browser = try await Wire.send("GET", "\(address)&\(query)")
            let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
            func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "none" }
            return (field("code"), field("state"))
        }
        func complete(_ client: PublicClient, _ code: String, _ state: String, _ more: String = "") async throws
            -> String?
        {
            let body = #"{"code":"\#(code)","state":"\#(state)"\#(more)}"#
            return try await client.send("POST", "/scrobbling/simkl/complete", body).json["result"] as? String
        }
        let denied = try await agree("deny=1")
        #expect(try await complete(client, denied.code, denied.state) == "refused")
        let strange = try await agree("as=alice")
        #expect(try await complete(client, strange.code, strange.state, #","iss":"https://evil.example""#) == "refused")
        let other = try await PublicClient(gateway).registered("o" + UUID().uuidString.prefix(12).lowercased())
        let good = try await agree("as=alice")
        #expect(try await complete(other, good.code, good.state) == "unknown")
        #expect(try await complete(client, good.code, good.state) == "connected")
        #expect(try await complete(client, good.code, good.state) == "unknown", "once")
        let view = try await connection(client)
        #expect(view["state"] as? String == "connected" && view["account"] as? String == "demo-alice")
        let ended = try await client.send("DELETE", "/scrobbling/connections/simkl")
        #expect(ended.json["disconnected"] as? Bool == true)
        let book = try await upstreams("/control/book?provider=simkl").text
        #expect(book.contains("oauth2/revoke"))
    }

    @Test("By a code that is entered there; then a film that is watched is told there, once")
    func pin() async throws {
        let stack = try #require(Stack.current)
        let client = try await PublicClient(try stack.service("gateway").port)
            .registered("k" + UUID().uuidString.prefix(12).lowercased())
        #expect(try await connection(client)["is_available"] as? Bool == true)
        let invitation = try await client.send("POST", "/scrobbling/simkl/pin")
        let flow = try #require(invitation.json["flow"] as? String, "\(invitation.answer.text)")
        let code = try #require(invitation.json["user_code"] as? String)
        #expect(invitation.json["verification_url"] as? String == "https://simkl.com/pin/\(code)")
        let early = try await client.send("POST", "/scrobbling/simkl/pin/\(flow)")
        #expect(early.json["result"] as? String == "pending" && early.json["retry_after_seconds"] as? Int != nil)
        _ = try await upstreams("/simkl/pin/\(code)?as=alice")
        _ = try await stack.database.query("UPDATE scrobble.oauth_flows SET next_poll_at = now() - interval '1 second'")
        let outcome = try await client.send("POST", "/scrobbling/simkl/pin/\(flow)")
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        let view = try await connection(client)
        #expect(view["state"] as? String == "connected" && view["account"] as? String == "demo-alice")
        #expect(view["enabled"] as? Bool == false, "nothing is told before its person says so")
        #expect(
            (view["limits"] as? [String])?.first?.contains("sync_library") == true, "what does nothing there says so")

        let on = try await client.send(
            "PATCH", "/scrobbling/connections/simkl",
            #"{"enabled":true,"facets":[{"facet":"history","direction":"send","conflicts":"ours","deletes":false}]}"#)
        #expect(on.json["enabled"] as? Bool == true, "\(on.answer.text)")
        let found = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let film = try #require(found.json["id"] as? String)
        let session = try await client.send("POST", "/playback/sessions", #"{"title":"\#(film)"}"#)
        let id = try #require(session.json["id"] as? String, "\(session.answer.text)")
        let stopped = try await client.send("POST", "/playback/sessions/\(id)/stop", #"{"progress_percent":96.5}"#)
        #expect(stopped.json["play"] is [String: Any], "\(stopped.answer.text)")
        let end = ContinuousClock.now + .seconds(30)
        var told: [String] = []
        while told.isEmpty, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            told = try await stack.database.query(
                "SELECT reason FROM scrobble.queue_outcomes WHERE provider = 'simkl' AND action = 'stop'")
        }
        #expect(told == ["delivered"])

        let other = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100002"}}"#)
        let second = try #require(other.json["id"] as? String)
        let checkIn = #"{"title":"\#(second)","check_in":true}"#
        let checked = try await client.send("POST", "/playback/sessions", checkIn)
        let endsAt = try #require(checked.json["ends_at"] as? String, "\(checked.answer.text)")
        let again = try await client.send("POST", "/playback/sessions", checkIn)
        #expect(again.json["id"] as? String == checked.json["id"] as? String)
        #expect(again.json["ends_at"] as? String == endsAt, "it goes on as it is")
        told = []
        let soon = ContinuousClock.now + .seconds(30)
        while told.isEmpty, ContinuousClock.now < soon {
            try await Task.sleep(for: .milliseconds(100))
            told = try await stack.database.query(
                "SELECT reason FROM scrobble.queue_outcomes WHERE provider = 'simkl' AND action = 'check_in'")
        }
        #expect(told == ["delivered"])

        let ended = try await client.send("DELETE", "/scrobbling/connections/simkl")
        #expect(ended.json["disconnected"] as? Bool == true)
        #expect(try await connection(client)["state"] as? String == "disconnected")
    }
}
