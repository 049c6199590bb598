import Foundation
import Stack
import Testing

extension FaultTests {
    /// A failing service is not overwhelmed by retries.
    struct RetryTests {
        @Test("R2: calls to a service that always fails are hardly more than were asked for")
        func retryBudget() async throws {
            try await Stack.running(StackPlan()) { stack in
                let client = try await Client(of: stack)
                let titles = try await stack.makeFilms(8)
                try await client.rate(titles)
                let metadata = try stack.service("metadata")
                let failing = try await FaultMetric(
                    #"http_server_duration_seconds{status="503"}"#, of: try stack.service("gateway"))
                // Metadata stays up and answers, but its database no longer lets it in.
                try await stack.shutMetadataOut()
                let isOut = try await holds(within: .seconds(20)) {
                    try await client.send("POST", "/movies/\(titles[0])/rate", #"{"rating":7}"#).text.contains(
                        "unavailable")
                }
                #expect(isOut)
                try await failing.rises()
                let before = try await metadata.served("metadata.getTitle")
                let load = try Load(
                    on: client, titles: titles, threads: 4, callsPerSecond: Form.choose(120, full: 40), writes: true)
                try await Task.sleep(for: Form.choose(.seconds(5), full: .seconds(60)))
                let calls = try await load.stop().filter(\.isWrite)
                let attempts = try await metadata.served("metadata.getTitle") - before
                let burst = 10
                let isHeld =
                    Double(attempts) <= 1.1 * Double(calls.count) + Double(burst) && attempts >= calls.count
                    && calls.allSatisfy { $0.status == 503 } && calls.count > 120
                report(
                    "R2", isHeld: isHeld,
                    "\(calls.count) calls, \(attempts) attempts, factor "
                        + String(format: "%.3f", Double(attempts - burst) / Double(max(1, calls.count)))
                        + " after the first \(burst); \(calls.outcomes)")
                #expect(isHeld)
                #expect(stack.fallen.isEmpty)

                try await stack.letMetadataIn()
                let isBack = try await holds(within: .seconds(10)) {
                    try await client.send("POST", "/movies/\(titles[0])/rate", #"{"rating":7}"#).status == 200
                }
                #expect(isBack, "metadata recovers by itself")
            }
        }

        @Test("R2: two layers that both may retry do not multiply")
        func twoLayers() async throws {
            try await Stack.running(StackPlan()) { stack in
                let client = try await Client(of: stack)
                let film = try #require(try await stack.makeFilms(1).first)
                let metadata = try stack.service("metadata")
                let body = #"{"title":"\#(film)"}"#
                #expect(try await client.send("POST", "/playback/sessions", body).status == 201)
                try await stack.shutMetadataOut()
                let isOut = try await holds(within: .seconds(20)) {
                    try await client.send("POST", "/playback/sessions", body).text.contains("unavailable")
                }
                #expect(isOut)
                let before = try await metadata.served("metadata.getTitle")
                let calls = Form.choose(100, full: 1_500)
                for _ in 0..<calls { _ = try await client.send("POST", "/playback/sessions", body) }
                let attempts = try await metadata.served("metadata.getTitle") - before
                let burst = 20
                let isHeld = Double(attempts) <= 1.2 * Double(calls) + Double(burst) && attempts >= calls
                report(
                    "R2, two layers", isHeld: isHeld,
                    "\(calls) calls through gateway and scrobble, \(attempts) attempts at metadata")
                #expect(isHeld)
            }
        }
    }
}

extension Stack {
    /// Ends the metadata service's sessions and prevents new ones.
    fileprivate func shutMetadataOut() async throws {
        _ = try await database.query("REVOKE CONNECT ON DATABASE \(database.name) FROM reelay_metadata")
        _ = try await database.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND usename = 'reelay_metadata'
            """)
    }

    fileprivate func letMetadataIn() async throws {
        _ = try await database.query("GRANT CONNECT ON DATABASE \(database.name) TO reelay_metadata")
    }
}
