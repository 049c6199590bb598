import Foundation
import Stack
import Testing

extension FaultTests {
    /// The database's disk fills up under load and is then given space again.
    struct DiskTests {
        @Test("Disk full: writes are refused, nothing acknowledged is lost, and all go on by themselves")
        func full() async throws {
            let server: OwnPostgres
            do {
                server = try await OwnPostgres.start(
                    settings: "min_wal_size = 32MB\nmax_wal_size = 48MB\nwal_recycle = off\nshared_buffers = 16MB",
                    diskMegabytes: 224)
            } catch is OwnPostgres.NoDisk {
                print("bar Disk full: skipped, it needs the right to mount")
                return
            }
            do {
                var plan = StackPlan()
                plan.server = server.url
                try await Stack.running(plan) { try await Self.fill($0, server) }
            } catch {
                await server.remove()
                throw error
            }
            await server.remove()
        }

        private static func fill(_ stack: Stack, _ server: OwnPostgres) async throws {
            let client = try await Client(of: stack)
            let titles = try await stack.makeFilms(40)
            try await client.rate(titles)
            let load = try Load(on: client, titles: titles, threads: 8, callsPerSecond: 150, writes: true)
            try await Task.sleep(for: .seconds(1))
            let failing = try await FaultMetric(
                #"postgres_statement_duration_seconds{outcome="error"}"#, of: try stack.service("ratings"))
            let begin = wallClock()
            try await server.fillDisk()
            // Postgres crashes because its WAL finds no space.
            let isRefused = try await holds(within: .seconds(40)) {
                try await client.send("POST", "/movies/\(titles[0])/rate", #"{"rating":7.5}"#).status == 503
            }
            try await failing.rises()
            try await Task.sleep(for: .seconds(2))
            try await server.emptyDisk()
            // An operator restarts a database that has given up, but no service is restarted.
            if await !server.isRunning() { try await server.launch() }
            let back = wallClock()
            let answers = try await holds(within: .seconds(15)) {
                try await client.send("POST", "/movies/\(titles[0])/rate", #"{"rating":7.5}"#).status == 200
            }
            try await Task.sleep(for: .seconds(2))
            let calls = try await load.stop()
            let recovery = (calls.begun(in: back...(.infinity)).failed.last?.begin ?? back) - back
            let honest = calls.failed.allSatisfy {
                $0.status == 503 && ["unavailable", "outcomeUnknown", "overloaded"].contains($0.code)
            }
            // Leaves out the title that is also written beside the load, since the journal does not tell its last
            // value.
            let others = calls.filter { $0.title != titles[0] }
            let (acknowledged, wrong) = try await DatabaseTests.compare(others, with: stack)
            let isHeld =
                isRefused && answers && honest && wrong.isEmpty && recovery <= 10_000 && acknowledged > 50
                && stack.fallen.isEmpty
            report(
                "Disk full", isHeld: isHeld,
                "full for \(Int(back - begin)) ms; \(calls.count) calls, \(calls.failed.outcomes); recovered after "
                    + "\(Int(recovery)) ms; \(acknowledged) acknowledged ratings, \(wrong.count) lost; "
                    + "\(stack.fallen.count) processes ended")
            #expect(isHeld, "refused \(isRefused), answers \(answers), \(calls.outcomes) \(wrong.prefix(5))")
        }
    }
}
