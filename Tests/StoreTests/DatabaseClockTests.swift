import Contracts
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Store

/// One clock for all services: how it follows the database's answers, and that it asks for them.
@Suite struct DatabaseClockTests {
    private static let start = ContinuousClock.now
    private static let noon = Timestamp(clampingMicrosecondsSinceEpoch: 1_760_000_000_000_000)

    /// A look that began `after` the start, took `taking`, and returned noon plus `later`.
    private static func look(
        after: Duration, taking: Duration = .zero, later: Duration
    ) -> DatabaseClock.Course {
        DatabaseClock.Course(
            noon.advanced(by: later), asked: start + after, answered: start + after + taking)
    }

    @Test("Between two looks it goes on with the monotonic clock, from the middle of what the answer took")
    func course() {
        let course = Self.look(after: .seconds(1), taking: .milliseconds(10), later: .zero)
        #expect(course.moment(at: Self.start + .milliseconds(1_005)) == Self.noon)
        #expect(course.moment(at: Self.start + .seconds(61)) == Self.noon.advanced(by: .milliseconds(59_995)))
        #expect(course.moment(at: Self.start) == Self.noon.advanced(by: .milliseconds(-1_005)))
    }

    @Test(
        "A later look counts where it shows for sure that the clock is off",
        arguments: [
            // How far off the clock is, how long the answer took, and whether it counts; times in milliseconds.
            (0, 0, false), (24, 0, false), (25, 0, false), (26, 0, true), (-25, 0, false), (-26, 0, true),
            (60, 100, false), (76, 100, true), (7_200_000, 100, true), (-7_200_000, 100, true), (900, 2_000, false),
        ])
    func corrected(off: Int, taking: Int, counts: Bool) {
        let first = Self.look(after: .zero, later: .zero)
        let middle = Duration.seconds(10) + .milliseconds(taking) / 2
        let later = Self.look(
            after: .seconds(10), taking: .milliseconds(taking), later: middle + .milliseconds(off))
        #expect(first.corrected(by: later) == (counts ? later : first))
    }

    @Test("It tells what the database says, and goes on where it is away")
    func asked() async throws {
        try await TestDatabase.withSchema("clock") { database in
            let pool = try PGPool(database.configuration())
            let offsets = Mutex<[Duration]>([])
            let clock = DatabaseClock(database: Database(pool: pool)) { offset in
                offsets.withLock { $0.append(offset) }
            }
            func apart() -> Duration {
                let apart = SystemWallClock().now.duration(to: clock.now)
                return apart < .zero ? .zero - apart : apart
            }
            #expect(apart() < .seconds(1), "nobody was asked yet")
            await clock.look()
            // Both clocks are on one machine.
            #expect(apart() < .seconds(1))
            let told = offsets.withLock { $0 }
            #expect(told.count == 1 && told.allSatisfy { (.seconds(-1)...(.seconds(1))).contains($0) }, "\(told)")
            let before = clock.now
            await pool.shutDown()
            await clock.look()
            #expect(clock.now >= before && apart() < .seconds(1))
        }
    }
}
