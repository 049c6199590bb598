import Stack
import TestSupport
import Testing
import UpstreamEmulators

extension FaultTests {
    /// Queue workers are killed at every point of a delivery and at random, with a provider that accepts duplicates.
    /// Three records must agree: what was queued, its outcome in the database, and what has arrived.
    struct QueueCrashTests {
        private static let points = [
            "before_intent", "after_intent", "after_bytes", "after_commit", "after_reply", "after_settle",
        ]

        /// How a round of two workers ends.
        private typealias Round =
            @Sendable (_ round: Int, _ random: inout SeededRandom) -> (deaths: [(String, Int)], life: Duration)

        @Test("Queue: two workers killed at six points, replies and requests lost: nothing lost, nothing doubled")
        func points() async throws {
            let rounds = Form.choose(4, full: 50) * Self.points.count / 2
            try await Self.hold("Queue crashes at points", jobs: Form.choose((20, 15), full: (200, 50)), rounds: rounds)
            {
                round, random in
                let deaths = (0..<2).map { side in
                    (Self.points[(round * 2 + side) % Self.points.count], 1 + Int(random.next() % 4))
                }
                return (deaths, .milliseconds(700))
            }
        }

        @Test("Queue: two workers killed at random moments while jobs flow: nothing lost, nothing doubled")
        func moments() async throws {
            let rounds = Form.choose(4, full: 25)
            try await Self.hold("Queue crashes at random", jobs: Form.choose((20, 15), full: (200, 50)), rounds: rounds)
            {
                _, random in ([("none", 1), ("none", 1)], .milliseconds(Int64(100 + random.next() % 900)))
            }
        }

        @Test("Queue: two workers asked to end at random moments: nothing lost, nothing doubled, no attempt counted")
        func asked() async throws {
            let rounds = Form.choose(4, full: 25)
            try await Self.hold(
                "Queue asked to end", jobs: Form.choose((20, 15), full: (200, 50)), rounds: rounds, isAsked: true
            ) {
                _, random in ([("none", 1), ("none", 1)], .milliseconds(Int64(100 + random.next() % 900)))
            }
        }

        /// Kills the workers at the end of each round, or asks them to end while nothing goes wrong at the provider, so
        /// that only their shutdown could count as an attempt.
        private static func hold(
            _ name: String, jobs: (people: Int, each: Int), rounds: Int, isAsked: Bool = false,
            _ round: @escaping Round
        ) async throws {
            let seed = UInt64.random(in: 0 ... .max)
            try await QueueFaults.withPlace("queue_crash") { place in
                var behaviour = TraktAccounts.Behaviour()
                behaviour.writeMilliseconds = 0
                for percent in [
                    \TraktAccounts.Behaviour.lostReplyPercent, \.lostRequestPercent, \.busyPercent,
                ] {
                    behaviour[keyPath: percent] = isAsked ? 0 : 2
                }
                place.accounts.behave(behaviour)
                var random = SeededRandom(seed: seed)
                var (queued, kills) = (Set<Int>(), 0)
                // Jobs keep coming while workers die: some before each round.
                for number in 0..<rounds {
                    let (from, to) = (jobs.people * number / rounds, jobs.people * (number + 1) / rounds)
                    queued.formUnion(try await place.fill(people: to - from, jobs: jobs.each))
                    let (deaths, life) = round(number, &random)
                    let workers = try deaths.map {
                        try QueueWorkerProcess(place.database, place.trakt, $0.0, $0.1)
                    }
                    let end = ContinuousClock.now + life
                    while workers.contains(where: \.isRunning), ContinuousClock.now < end {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    for worker in workers { if isAsked { worker.stop() } else { worker.kill() } }
                    kills += workers.count
                }
                let begun = ContinuousClock.now
                let last = try (0..<2).map { _ in try QueueWorkerProcess(place.database, place.trakt, "none", 1) }
                defer { for worker in last { worker.kill() } }
                let isDrained = try await holds(within: Form.choose(.seconds(60), full: .seconds(600))) {
                    try await place.waiting() == 0
                }
                let took = begun.duration(to: .now)
                let book = place.compare(queued)
                let outcomes = try await place.outcomes()
                let counted = isAsked ? try await place.counted() : 0
                let isHeld =
                    counted == 0 && isDrained && book.lost == 0 && book.doubled == 0 && book.strange == 0
                    && outcomes == ["done": queued.count]
                report(
                    name, isHeld: isHeld,
                    "seed \(seed): \(kills) ends, attempts counted \(counted), \(queued.count) jobs; lost \(book.lost), doubled \(book.doubled), never "
                        + "queued \(book.strange); outcomes \(outcomes); drained in \(took)")
                #expect(isHeld)
            }
        }
    }
}
