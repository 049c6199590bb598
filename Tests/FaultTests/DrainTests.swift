import Foundation
import Stack
import Testing

extension FaultTests {
    /// Copies stop and start during calls, and callers must not notice.
    @Suite(.serialized)
    struct DrainTests {
        @Test("R3: a rolling restart of both copies fails no call")
        func rollingRestart() async throws {
            var plan = StackPlan()
            plan.copies["ratings"] = 2
            try await Stack.running(plan) { stack in
                let client = try await Client(of: stack)
                let titles = try await stack.makeFilms(16)
                try await client.rate(titles)
                let copies = try #require(stack.copies["ratings"])
                let told = try await FaultMetric("http2_goaways_received_total", of: try stack.service("gateway"))
                let rounds = Form.choose(3, full: 20)
                let load = try Load(on: client, titles: titles, threads: 4, callsPerSecond: Form.choose(200, full: 500))
                for _ in 0..<rounds {
                    for copy in copies {
                        try await Task.sleep(for: .milliseconds(500))
                        // The mutant kills instead of stopping, which proves that this test can fail.
                        if Form.mutant == "kill" { await copy.kill() } else { await copy.stop() }
                        try copy.start()
                        try await copy.awaitReady()
                    }
                }
                try await Task.sleep(for: .milliseconds(500))
                let calls = try await load.stop()
                // A call may move to the other copy if it was certainly not accepted; one that had to be repeated was
                // cut off.
                let (moved, repeated) = try Self.retries(of: try stack.service("gateway"))
                let isHeld = calls.failed.isEmpty && repeated == 0 && calls.count > 100 * rounds
                report(
                    "R3", isHeld: isHeld,
                    "\(rounds) rounds, \(calls.count) calls at \(Int(calls.pace))/s, \(calls.failed.count) failed, "
                        + "\(moved) moved, \(repeated) repeated, longest \(Int(calls.longest)) ms")
                #expect(isHeld, "\(calls.outcomes)")
                try await told.rises()
            }
        }

        @Test("R3: every copy of every service restarted in turn, one more and one less of each: no call fails")
        func everyService() async throws {
            var plan = StackPlan()
            for name in Stack.serviceNames { plan.copies[name] = 3 }
            for name in Stack.serviceNames { plan.absentCopies[name] = 1 }
            try await Stack.running(plan) { stack in
                let client = try await Client(of: stack)
                let titles = try await stack.makeFilms(16)
                try await client.rate(titles)
                let gateways = try #require(stack.copies["gateway"])
                let load = try Load(
                    on: client, titles: titles, threads: 4, callsPerSecond: Form.choose(120, full: 300), writes: true,
                    others: gateways.dropFirst().map { "http://127.0.0.1:\($0.port)" },
                    reads: ["/movies/{title}/rate", "/movies/{title}", "/history?limit=5"])
                let rounds = Form.choose(1, full: 10)
                var restarts = 0
                for _ in 0..<rounds {
                    for name in Stack.serviceNames {
                        let copies = try #require(stack.copies[name])
                        // Starts one more copy, restarts the others one by one, and stops the extra one.
                        try copies[2].start()
                        try await copies[2].awaitReady()
                        for copy in copies.prefix(2) {
                            try await Task.sleep(for: .milliseconds(300))
                            if Form.mutant == "kill" { await copy.kill() } else { await copy.stop() }
                            try copy.start()
                            try await copy.awaitReady()
                            restarts += 1
                        }
                        try await Task.sleep(for: .milliseconds(300))
                        await copies[2].stop()
                    }
                }
                try await Task.sleep(for: .milliseconds(500))
                let calls = try await load.stop()
                let isHeld = calls.failed.isEmpty && calls.count > 300 * rounds
                report(
                    "R3, every service", isHeld: isHeld,
                    "\(restarts) restarts and \(4 * rounds) × one more and one less, \(calls.count) calls at "
                        + "\(Int(calls.pace))/s, \(calls.failed.count) failed, longest \(Int(calls.longest)) ms")
                #expect(isHeld, "\(calls.outcomes)")
            }
        }

        private static func retries(of gateway: StackProcess) throws -> (moved: Int, repeated: Int) {
            let lines = try String(contentsOf: gateway.log, encoding: .utf8).split(separator: "\n").filter {
                $0.contains(#""message":"retried""#)
            }
            let moved = lines.count { $0.contains(#""transparent":"true""#) }
            return (moved, lines.count - moved)
        }
    }
}
