import Foundation
import Stack
import Testing

extension FaultTests {
    /// A copy that is added later, and one that dies.
    struct ScaleTests {
        @Test("R5: a third copy takes its share; the death of one is felt for 2 s at most")
        func thirdCopy() async throws {
            var plan = StackPlan()
            plan.copies["ratings"] = 3
            plan.absentCopies["ratings"] = 1
            try await Stack.running(plan) { stack in
                let client = try await Client(of: stack)
                let titles = try await stack.makeFilms(16)
                try await client.rate(titles)
                let copies = try #require(stack.copies["ratings"])
                let third = copies[2]
                let load = try Load(on: client, titles: titles, threads: 8, callsPerSecond: 200)
                try await Task.sleep(for: Form.choose(.seconds(4), full: .seconds(60)))
                try third.start()
                try await third.awaitReady()
                let ready = ContinuousClock.now
                let limit = Form.choose(Duration.seconds(20), full: .seconds(60))
                var share = 0.0
                let takesShare = try await holds(within: limit) {
                    let before = try await Self.served(copies)
                    try await Task.sleep(for: .seconds(1))
                    let gained = zip(try await Self.served(copies), before).map { $0 - $1 }
                    share = Double(gained[2]) / Double(max(1, gained.reduce(0, +)))
                    return share >= 0.2
                }
                let joined = ready.duration(to: .now)
                let killedAt = wallClock()
                await copies[0].kill()
                try await Task.sleep(for: .seconds(4))
                let calls = try await load.stop()
                let late = calls.begun(in: (killedAt + 2_000)...(.infinity)).failed
                let isHeld = takesShare && late.isEmpty && calls.begun(in: 0...killedAt).failed.isEmpty
                report(
                    "R5", isHeld: isHeld,
                    "share \(Int(share * 100)) % after \(joined.components.seconds) s; SIGKILL: \(calls.failed.count) of "
                        + "\(calls.count) calls failed, the last \(Int((calls.failed.last?.end ?? killedAt) - killedAt)) ms "
                        + "after it; longest \(Int(calls.longest)) ms")
                #expect(isHeld, "\(calls.outcomes)")
            }
        }

        private static func served(_ copies: [StackProcess]) async throws -> [Int] {
            var counts: [Int] = []
            for copy in copies { counts.append(try await copy.served("ratings.getRating")) }
            return counts
        }
    }
}
