import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let replicas: StackPlan = {
        var plan = StackPlan()
        plan.copies["scrobble"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// Playback over HTTP, while the processes that handle it come and go.
@Suite(.stack(.replicas), .serialized)
struct PlaybackTests {
    private func person() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        return try await PublicClient(stack.service("gateway").port).registered(
            "p" + UUID().uuidString.prefix(10).lowercased())
    }

    private func begin(_ client: PublicClient, _ film: String, at percent: Double) async throws -> String {
        let title = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(film)"}}"#)
        let begun = try await client.send(
            "POST", "/playback/sessions", #"{"title":"\#(title.json["id"] ?? "")","progress_percent":\#(percent)}"#)
        #expect(begun.status == 201, "\(begun.answer.text)")
        return try #require(begun.json["id"] as? String)
    }

    private func tell(
        _ client: PublicClient, _ session: String, _ word: String, at percent: Double
    ) async throws -> [String: Any] {
        let told = try await client.send(
            "POST", "/playback/sessions/\(session)/\(word)", #"{"progress_percent":\#(percent)}"#)
        #expect(told.status == 200, "\(word): \(told.answer.text)")
        return told.json
    }

    private func percents(_ client: PublicClient) async throws -> [Double] {
        let page = try await client.send("GET", "/history")
        return (page.json["items"] as? [[String: Any]] ?? []).compactMap {
            ($0["play"] as? [String: Any])?["percent"] as? Double
        }
    }

    @Test("A sitting outlives every process that heard of it, and ends as one play with its place")
    func outlives() async throws {
        let stack = try #require(Stack.current)
        let copies = try #require(stack.copies["scrobble"])
        let alice = try await person()
        let session = try await begin(alice, "tt9100001", at: 12.5)
        _ = try await tell(alice, session, "heartbeat", at: 40)
        _ = try await tell(alice, session, "pause", at: 55.5)
        for process in copies + [try stack.service("gateway")] { await process.kill() }
        for process in copies + [try stack.service("gateway")] {
            try process.start()
            try await process.awaitReady()
        }
        let open = try await alice.nowPlaying()
        #expect(open.map { $0["id"] as? String } == [session])
        #expect(open.map { $0["state"] as? String } == ["paused"])
        #expect(open.map { $0["progress_percent"] as? Double } == [55.5])
        // Each copy can continue it alone.
        await copies[0].kill()
        #expect(try await tell(alice, session, "resume", at: 56)["state"] as? String == "playing")
        try copies[0].start()
        try await copies[0].awaitReady()
        await copies[1].kill()
        for percent in [91.0, 97] { _ = try await tell(alice, session, "stop", at: percent) }
        #expect(try await alice.nowPlaying().isEmpty)
        #expect(try await percents(alice) == [91], "the second stop changes nothing")
        try copies[1].start()
        try await copies[1].awaitReady()
        let late = try await alice.send("POST", "/playback/sessions/\(session)/resume", #"{"progress_percent":98}"#)
        #expect(late.json["code"] as? String == "sessionEnded", "\(late.answer.text)")
        #expect(try await percents(alice) == [91])
    }

    @Test("Who falls silent has stopped at the last place: a play beyond the threshold, progress below it")
    func silence() async throws {
        let stack = try #require(Stack.current)
        let alice = try await person()
        let (most, some) = (try await begin(alice, "tt9100001", at: 0), try await begin(alice, "tt9100002", at: 0))
        _ = try await tell(alice, most, "heartbeat", at: 84)
        _ = try await tell(alice, some, "heartbeat", at: 31)
        #expect(try await alice.nowPlaying().count == 2)
        // The time that a player may be silent is over.
        _ = try await stack.database.query(
            """
            SET search_path = scrobble;
            UPDATE playback_sessions SET started_at = started_at - interval '3 hours',
                updated_at = updated_at - interval '1 hour', expires_at = now() - interval '1 second'
            WHERE id IN ('\(most)', '\(some)')
            """)
        // Expired sessions are looked for every half minute.
        let end = ContinuousClock.now + .seconds(60)
        let states = "SELECT DISTINCT state FROM scrobble.playback_sessions WHERE id IN ('\(most)', '\(some)')"
        while try await stack.database.query(states) != ["stopped"] {
            try #require(ContinuousClock.now < end, "they are still open")
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(try await alice.nowPlaying().isEmpty)
        #expect(try await percents(alice) == [84])
        let begun = try await alice.send("GET", "/continue-watching").json["items"] as? [[String: Any]] ?? []
        #expect(begun.compactMap { $0["percent"] as? Double } == [31], "\(begun)")
    }
}
