import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// How often an account elsewhere may be read, in a real Postgres.
@Suite struct ReadAllowanceTests {
    /// Once a full allowance was taken at once and came back as often within the same five minutes: Trakt refused the rest, and a
    /// long history was begun anew each time.
    @Test("However greedily an account is read, five minutes see no more reads than are allowed, and not much fewer")
    func fiveMinutes() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let values: [PGValue] = [
                .id(UserID(SystemIDSource().next())), .word(SyncProvider.trakt), .double(Double(SyncLimits().readsMax)),
            ]
            let goOn = PGCommand(
                "tests.goOn", "UPDATE rate_buckets SET refilled_at = refilled_at - interval '5 seconds'")
            var taken = 0
            // What the test itself takes comes on top: less than the ten seconds that are left out.
            for _ in 0..<59 {
                while try await !pools[0].query(SyncQueries.takeRead, values, deadline: QueueTest.deadline()).isEmpty {
                    taken += 1
                }
                try await pools[0].execute(goOn, [], deadline: QueueTest.deadline())
            }
            #expect(taken <= SyncLimits().readsMax, "\(taken)")
            #expect(taken >= SyncLimits().readsMax * 9 / 10, "\(taken)")
        }
    }
}
