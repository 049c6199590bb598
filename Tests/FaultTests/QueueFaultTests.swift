import Contracts
import Foundation
import Postgres
import ScrobbleService
import Stack
import Store
import TestSupport
import Testing
import UpstreamEmulators

extension FaultTests {
    /// Failures of the queue's workers and their database other than sudden death.
    struct QueueFaultTests {
        @Test(
            "Queue: workers that are stopped as they are about to send wake when their leases are over: nothing doubled"
        )
        func stopped() async throws {
            try await QueueFaults.withPlace("queue_stop") { place in
                let rounds = Form.choose(2, full: 100)
                var queued = Set<Int>()
                var stops = 0
                for round in 0..<rounds {
                    // As many lanes as a worker holds at once: all of them are somewhere between claim and call.
                    queued.formUnion(try await place.fill(people: 8, jobs: 1, action: .stop))
                    let first = try QueueWorkerProcess(place.database, place.trakt, "stopped", 1 + round % 5)
                    _ = try await holds(within: .seconds(10)) { first.isStopped }
                    stops += first.isStopped ? 1 : 0
                    let second = try QueueWorkerProcess(place.database, place.trakt, "none", 1)
                    let isTakenOver = try await holds(within: .seconds(30)) { try await place.waiting() == 0 }
                    #expect(isTakenOver)
                    first.wake()
                    // The job it was holding is sent now, if ever.
                    try await Task.sleep(for: .milliseconds(500))
                    first.kill()
                    second.kill()
                }
                let book = place.compare(queued)
                let isHeld = book.lost == 0 && book.doubled == 0 && stops == rounds
                report(
                    "Stopped workers", isHeld: isHeld,
                    "\(stops) stops, \(queued.count) jobs; lost \(book.lost), doubled \(book.doubled)")
                #expect(isHeld)
            }
        }

        @Test("Queue: a job of which workers die is given up; the others go on")
        func poison() async throws {
            try await QueueFaults.withPlace("queue_poison") { place in
                let queued = try await place.fill(people: 10, jobs: 4, action: .start)
                var deaths = 0
                var worker = try QueueWorkerProcess(place.database, place.trakt, "poison", 6)
                let end = ContinuousClock.now + .seconds(90)
                while try await place.waiting() > 0, ContinuousClock.now < end {
                    if !worker.isRunning {
                        deaths += 1
                        worker = try QueueWorkerProcess(place.database, place.trakt, "poison", 6)
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
                worker.kill()
                let outcomes = try await place.outcomes()
                let isHeld =
                    outcomes == ["dead: it crashes workers": 1, "done": queued.count - 1] && (1...60).contains(deaths)
                report("Poison job", isHeld: isHeld, "\(deaths) deaths; outcomes \(outcomes)")
                #expect(isHeld)
            }
        }

        @Test("Queue: Postgres crashes and ends sessions under load: nothing lost, nothing doubled, nobody ends")
        func database() async throws {
            let server = try await OwnPostgres.start()
            do {
                try await QueueFaults.withPlace("queue_postgres", on: server.url) { place in
                    try await Self.crash(place, server)
                }
            } catch {
                await server.remove()
                throw error
            }
            await server.remove()
        }

        private static func crash(_ place: QueueFaults.Place, _ server: OwnPostgres) async throws {
            let workers = try (0..<2).map { _ in try QueueWorkerProcess(place.database, place.trakt, "none", 1) }
            defer { for worker in workers { worker.kill() } }
            let (crashes, kills) = Form.choose((2, 10), full: (10, 300))
            // Only what was acknowledged counts as queued; the rest may or may not be there.
            let acknowledged = AcknowledgedJobs()
            let filler = Task {
                while !Task.isCancelled {
                    if let numbers = try? await place.fill(people: 4, jobs: 2, action: .stop) {
                        acknowledged.add(numbers)
                    }
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
            var slowest = Duration.zero
            for _ in 0..<crashes {
                try await server.crash()
                try await Task.sleep(for: .seconds(1))
                try await server.launch()
                let (back, before) = (ContinuousClock.now, place.arrived)
                _ = try await holds(within: .seconds(20)) { place.arrived > before }
                slowest = max(slowest, .now - back)
                try await Task.sleep(for: .seconds(1))
            }
            for _ in 0..<kills {
                _ = try? await place.endSessions()
                try await Task.sleep(for: .milliseconds(200))
            }
            filler.cancel()
            await filler.value
            let isDrained = try await holds(within: .seconds(60)) { try await place.waiting() == 0 }
            let book = place.compare(acknowledged.numbers)
            let outcomes = try await place.outcomes()
            let isHeld =
                isDrained && book.lost == 0 && book.doubled == 0 && workers.allSatisfy(\.isRunning)
                && slowest <= .seconds(10) && acknowledged.numbers.count > 100
            report(
                "Queue and Postgres", isHeld: isHeld,
                "\(crashes) crashes, \(kills) × all sessions ended; \(acknowledged.numbers.count) jobs acknowledged; "
                    + "lost \(book.lost), doubled \(book.doubled); working again after at most \(slowest); outcomes \(outcomes)"
            )
            #expect(isHeld)
        }
    }
}
