import Testing
import TestSupport

@testable import Postgres

/// Every call gets an answer, at the end of a pool and while its state is being read.
@Suite struct PGShutDownTests {
    /// A waiting call used to be given a connection at the moment that closed, and was then forgotten.
    @Test func whatWasAboutToRunIsRefused() async throws {
        var limits = PGLimits()
        limits.connectionsMax = 2
        limits.leasesMax = 2
        try await TestDatabase.withSchema("ends") { database in
            let pool = try PGPool(database.configuration(limits: limits))
            let first = try await pool.lease(deadline: .now + .seconds(60))
            let second = try await pool.lease(deadline: .now + .seconds(60))
            let ends = SharedList<PGError.Kind?>([])
            Task {
                ends.append(
                    await failureOf { () throws(PGError) in try await pool.query(Statements.add, [.int(1), .int(1)]) }?
                        .kind)
            }
            Task {
                ends.append(
                    await failureOf { () throws(PGError) in try await pool.lease(deadline: .now + .seconds(60)) }?.kind)
            }
            #expect(try await eventually { pool.snapshot.waitingCount == 2 })
            pool.engine.together {
                pool.engine.send(.release(first.token))
                pool.engine.send(.release(second.token))
                pool.engine.send(.shutDown)
            }
            #expect(try await eventually(within: .seconds(10)) { ends.all.count == 2 })
            #expect(ends.all.allSatisfy { $0 == .closed }, "\(ends.all)")
            await pool.shutDown()
        }
    }

    /// A LISTEN connection in the middle of its heartbeat used to keep the pool open until its task was cancelled.
    @Test func aListenerThatIsBeingAskedGoesToo() async throws {
        try await TestDatabase.withSchema("ends") { database in
            let pool = try PGPool(database.configuration())
            let sink = PGNotificationSink(countMax: 1)
            let lease = try await pool.lease(deadline: .now + .seconds(60), sink: sink)
            let beat = Task {
                await failureOf { () throws(PGError) in
                    try await lease.run(
                        [Statements.sleep.bound([.double(0.5)])], isLossUnknown: false, deadline: .now + .seconds(60))
                }
            }
            #expect(try await eventually { pool.snapshot.inFlightCount == 1 })
            let ends = SharedList<Bool>([])
            let end = Task {
                await pool.shutDown()
                ends.append(true)
            }
            #expect(try await eventually(within: .seconds(10)) { ends.all.count == 1 })
            #expect(await beat.value == nil)
            pool.engine.send(.release(lease.token))
            await end.value
        }
    }

    /// A statement that arrived while a snapshot was taken used to wait until another one arrived.
    @Test func aSnapshotLosesNoStatement() async throws {
        var limits = PGLimits()
        limits.laneStall = .milliseconds(1)
        try await TestDatabase.withSchema("ends") { database in
            let pool = try PGPool(database.configuration(limits: limits))
            let (ledger, pause) = (Ledger(), limits.laneStall * 5)
            let looking = Task.detached {
                while !ledger.isOver { _ = pool.snapshot }
            }
            let asking = Task {
                for number in 0..<200 {
                    // Longer than the loop keeps waking up by itself after a statement.
                    try? await Task.sleep(for: pause)
                    if (try? await pool.first(Statements.add, [.int(number), .int(1)])) == number + 1 {
                        ledger.acknowledge(number)
                    }
                }
            }
            #expect(try await eventually(within: .seconds(20)) { ledger.ids.count == 200 })
            ledger.end()
            await looking.value
            await pool.shutDown()
            await asking.value
        }
    }
}
