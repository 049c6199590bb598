import Foundation
import Stack
import Testing

extension FaultTests {
    /// Postgres ends sessions, crashes and restarts under load: no acknowledged write is lost, and no service needs a
    /// restart.
    struct DatabaseTests {
        @Test("Postgres: sessions ended again and again, then crashes and restarts")
        func crashes() async throws {
            // The mutant acknowledges commits before they are durable, which proves that this test can fail.
            let server = try await OwnPostgres.start(
                settings: Form.mutant == "commit"
                    ? "synchronous_commit = off\nwal_writer_delay = 10s\nwal_writer_flush_after = 0" : "")
            do {
                var plan = StackPlan()
                plan.server = server.url
                try await Stack.running(plan) { try await Self.crash($0, server) }
            } catch {
                await server.remove()
                throw error
            }
            await server.remove()
        }

        private static func crash(_ stack: Stack, _ server: OwnPostgres) async throws {
            let client = try await Client(of: stack)
            let titles = try await stack.makeFilms(40)
            try await client.rate(titles)
            let load = try Load(on: client, titles: titles, threads: 8, callsPerSecond: 150, writes: true)
            try await Task.sleep(for: .seconds(1))
            let rounds = Form.choose(10, full: 100)
            for _ in 0..<rounds {
                _ = try await stack.database.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename LIKE 'reelay\\_%' AND usename <> 'reelay_admin'
                    """)
                try await Task.sleep(for: .milliseconds(300))
            }
            var slowest = 0.0
            var outages: [ClosedRange<Double>] = []
            var ends: [Double] = []
            for _ in 0..<Form.choose(2, full: 8) {
                let lost = try await FaultMetric("postgres_connection_faults_total", of: try stack.service("ratings"))
                let troubled = try await FaultMetric("queue_troubled_total", of: try stack.service("scrobble"))
                let begin = wallClock()
                try await server.crash()
                try await Task.sleep(for: Form.choose(.milliseconds(1_500), full: .seconds(3)))
                try await lost.rises()
                try await troubled.rises()
                try await server.launch()
                let back = wallClock()
                outages.append(begin...back)
                let answers = try await holds(within: .seconds(10)) {
                    try await client.send("GET", "/movies/\(titles[0])/rate").status == 200
                }
                #expect(answers)
                // Long enough to see whether it lasts.
                try await Task.sleep(for: Form.choose(.seconds(2), full: .seconds(10)))
                ends.append(wallClock())
                // Calls that have begun finish before the next crash, whose failures would otherwise count as a failed
                // recovery.
                try await Task.sleep(for: .seconds(2))
            }
            let calls = try await load.stop()
            var recovers = true
            for (outage, end) in zip(outages, ends) {
                let back = outage.upperBound
                // The database has recovered once no call that begins later fails.
                let after = calls.begun(in: back...end)
                let recovery = (after.failed.last?.begin ?? back) - back
                slowest = max(slowest, recovery)
                recovers = recovers && recovery <= 10_000 && after.contains { $0.isAnswered }
            }
            let allowed = calls.failed.allSatisfy {
                $0.status == 503 && ["unavailable", "outcomeUnknown", "overloaded"].contains($0.code)
            }
            let isRefused = outages.allSatisfy { !calls.begun(in: $0).failed.isEmpty }
            let (acknowledged, wrong) = try await compare(calls, with: stack)
            let isHeld = recovers && allowed && isRefused && wrong.isEmpty && acknowledged > 100 && stack.fallen.isEmpty
            report(
                "Postgres", isHeld: isHeld,
                "\(rounds) × sessions ended, \(outages.count) crashes; \(calls.count) calls, \(calls.failed.outcomes); "
                    + "recovered after at most \(Int(slowest)) ms; \(acknowledged) acknowledged ratings, \(wrong.count) lost; "
                    + "\(stack.fallen.count) processes ended; longest call \(Int(calls.longest)) ms")
            #expect(isHeld, "\(wrong.prefix(5)) \(stack.fallen)")
        }

        /// Compares the client's records with the table: each title must hold the last acknowledged value, or one sent
        /// later without a definite answer.
        static func compare(_ calls: [Load.Call], with stack: Stack) async throws -> (Int, [String]) {
            var stored: [String: Double] = [:]
            for row in try await stack.database.query("SELECT media_id || '=' || rating FROM ratings.user_ratings") {
                let parts = row.split(separator: "=")
                stored[String(parts[0])] = Double(parts[1])
            }
            var possible: [String: Set<Double>] = [:]
            var acknowledged = 0
            var wrong: [String] = []
            for call in calls {
                guard let value = Double(call.value) else { continue }
                if call.isWrite, call.isAnswered {
                    acknowledged += 1
                    possible[call.title] = [value]
                } else if call.isWrite {
                    possible[call.title, default: [7.5]].insert(value)
                } else if call.isAnswered, let values = possible[call.title], !values.contains(value) {
                    wrong.append("\(call.title) read as \(value), not as one of \(values)")
                }
            }
            for (title, values) in possible where !values.contains(stored[title] ?? -1) {
                wrong.append("\(title) holds \(stored[title] ?? -1), not one of \(values)")
            }
            return (acknowledged, wrong)
        }
    }
}
