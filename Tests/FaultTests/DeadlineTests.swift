import Foundation
import Stack
import Testing

extension FaultTests {
    /// A caller's deadline applies at every hop, down to the statement in Postgres.
    @Suite(.serialized)
    struct DeadlineTests {
        @Test("R1: 500 ms over three hops with a stuck last one")
        func threeHops() async throws {
            try await Self.measure("R1", StackPlan())
        }

        @Test(
            "R1: the same where the services' clock is an hour ahead",
            .enabled(if: FakeClock.library != nil, "libfaketime is missing"))
        func clockAhead() async throws {
            let library = try #require(FakeClock.library)
            var plan = StackPlan()
            for service in ["metadata", "scrobble"] {
                plan.settingsOf[service] = [
                    "LD_PRELOAD": library, "FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                ]
            }
            try await Self.measure("R1, clock +1 h", plan, ahead: 3_600)
        }

        private static let budget = 500.0
        /// The longest time until the answer, in milliseconds: the budget and what a busy machine may add.
        private static let answerMax = 600.0
        private static let ageMax = 700.0

        private struct Measured {
            var answer = 0.0
            var code = ""
            /// The age of the statement when it was last seen, or nil if it was never seen.
            var age: Double?
        }

        /// Measures with the services' clock `ahead` seconds ahead.
        private static func measure(_ bar: String, _ plan: StackPlan, ahead: Double = 0) async throws {
            var plan = plan
            plan.settings["REELAY_LOG_LEVEL"] = "debug"
            try await Stack.running(plan) { stack in
                let film = try #require(try await stack.makeFilms(1).first)
                let scrobble = try stack.service("scrobble")
                // The first call opens the connections.
                let first = try await Wire.call(scrobble, "scrobble.startPlayback", params: params(film))
                #expect(first.status == 200 && first.text.contains("result"), "\(first.text)")
                let clock = try await FaultMetric("clock_offset_seconds", of: scrobble, before: 0)
                if ahead > 0 { try await clock.rises(by: ahead - 60) }
                let late = try await FaultMetric(#"rpc_server_duration_seconds{code="1002"}"#, of: scrobble)
                var worst = Measured()
                var seen = 0
                let rounds = Form.choose(4, full: 30)
                for _ in 0..<rounds {
                    let one = try await stuckCall(stack, scrobble, film)
                    #expect(one.code == "1002")
                    if one.code != "1002" { worst.code = one.code }
                    worst.answer = max(worst.answer, one.answer)
                    if let age = one.age {
                        seen += 1
                        worst.age = max(worst.age ?? 0, age)
                    }
                }
                try await late.rises()
                let hops = try await cancellations(stack, rounds)
                let isHeld =
                    worst.code.isEmpty && worst.answer <= answerMax && seen * 2 >= rounds
                    && (worst.age ?? .infinity) <= ageMax && hops.allSatisfy { $0 == rounds }
                report(
                    bar, isHeld: isHeld,
                    "\(rounds) calls of 500 ms: answer after at most \(Int(worst.answer)) ms, statement at most "
                        + "\(Int(worst.age ?? -1)) ms old (seen in \(seen)); ended by deadline or cancellation in "
                        + "scrobble \(hops[0]), in metadata \(hops[1])")
                #expect(isHeld)
            }
        }

        private static func params(_ film: String) -> String {
            #"{"user":"01920000-0000-7000-8000-000000000001","title":"\#(film)"}"#
        }

        /// Makes one call while the table of titles is locked, and watches the statement in Postgres meanwhile.
        private static func stuckCall(_ stack: Stack, _ scrobble: StackProcess, _ film: String) async throws -> Measured
        {
            let url = stack.database.adminURL
            async let locked = Command.run(
                "psql",
                ["-qXAt", url, "-c", "BEGIN; LOCK TABLE metadata.titles; SELECT pg_sleep(30); COMMIT"])
            let isLocked = try await holds(within: .seconds(5)) {
                try await stack.database.query(
                    "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'metadata.titles'::regclass"
                ) == ["1"]
            }
            #expect(isLocked)
            // Each command is its own transaction and so sees the current state; together they outlast the longest a
            // statement may take.
            let look = """
                SELECT extract(epoch FROM clock_timestamp() - query_start) * 1000 FROM pg_stat_activity
                WHERE datname = current_database() AND usename = 'reelay_metadata' AND state = 'active'
                """
            async let sights = Command.run(
                "psql",
                ["-qXAt", url] + Array(repeating: ["-c", look, "-c", "SELECT pg_sleep(0.01)"], count: 100).joined())
            // Measured by curl itself, which leaves out the time to start it.
            let printed = try await Command.run(
                "curl",
                [
                    "-sS", "--http2-prior-knowledge", "--max-time", "30", "http://127.0.0.1:\(scrobble.port)/rpc",
                    "-H", "content-type: application/json", "-H", "authorization: Bearer \(Stack.serviceSecret)",
                    "-H", "rpc-timeout-ms: 500", "-w", "\n%{time_total}", "--data-binary",
                    #"{"jsonrpc":"2.0","id":1,"method":"scrobble.startPlayback","params":\#(params(film))}"#,
                ]
            ).split(separator: "\n")
            var measured = Measured()
            measured.answer = (printed.last.flatMap { Double($0) } ?? .infinity) * 1_000
            let json = try JSONSerialization.jsonObject(with: Data((printed.first ?? "").utf8)) as? [String: Any]
            measured.code = ((json?["error"] as? [String: Any])?["code"] as? Int).map(String.init) ?? printed.joined()
            measured.age = try await sights.split(separator: "\n").compactMap { Double($0) }.max()
            // Unlocks the table once there is nothing more to see.
            _ = try await stack.database.query(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'BEGIN; LOCK TABLE%'"
            )
            _ = try? await locked
            return measured
        }

        /// The number of calls that each hop's log reports as ended by deadline or cancellation.
        private static func cancellations(_ stack: Stack, _ rounds: Int) async throws -> [Int] {
            var counts: [Int] = []
            for (service, method) in [("scrobble", "scrobble.startPlayback"), ("metadata", "metadata.getTitle")] {
                let log = try stack.service(service).log
                let text = try String(contentsOf: log, encoding: .utf8)
                let ended = text.split(separator: "\n").filter { line in
                    line.contains(#""served""#) && line.contains(method)
                        && (line.contains(#""code":"1002""#) || line.contains(#""code":"1004""#))
                }
                counts.append(ended.count)
            }
            return counts
        }
    }
}
