import Contracts
import JSON
import Logging
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Closed accounts, and the data that other services hold about them.
@Suite struct AccountErasureTests {
    /// A service that cannot erase some people.
    private final class Keeper: PersonKeeper {
        private let refused: Set<UserID>
        private let erased = Mutex<Set<UserID>>([])

        init(refusing refused: Set<UserID>) { self.refused = refused }

        var erasedPeople: Set<UserID> { erased.withLock { $0 } }

        func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError) {
            if refused.contains(person) { throw .internal("this one cannot be erased") }
            erased.withLock { _ = $0.insert(person) }
        }
    }

    /// A ratings service that erases in three batches.
    private final class Portions: RPCCaller {
        private let left = Mutex(3)

        var isEmpty: Bool { left.withLock { $0 == 0 } }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            let isDone = left.withLock { left in
                left -= 1
                return left == 0
            }
            guard let answer = RemovedRatings(removed: 50_000, done: isDone) as? Result else {
                throw .internal("only people are erased here")
            }
            return answer
        }
    }

    /// The remaining ratings of an account with very many used to stay forever.
    @Test("A person is erased to the last portion")
    func portions() async throws {
        let portions = Portions()
        let person = UserID(SystemIDSource().next())
        try await RatingsClient(portions).erase(person, RPCCall(deadline: .now + .seconds(20)))
        #expect(portions.isEmpty)
    }

    private static let close = PGCommand(
        "tests.close",
        """
        INSERT INTO account_deletions (user_id, requested_at, due_at)
        VALUES ($1, now(), now() - $2 * interval '1 second')
        """)

    private static let waiting = PGStatement("tests.waiting", "SELECT user_id FROM account_deletions") {
        row throws(PGError) in
        try row.next(UserID.self)
    }

    /// The account that came first used to be retried again and again, and none behind it was ever erased.
    @Test("An account that cannot be erased does not hold up the others")
    func apart() async throws {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            let pool = pools[0]
            let ids = SystemIDSource()
            let people = (0..<10).map { _ in UserID(ids.next()) }
            for (place, person) in people.enumerated() {
                try await pool.execute(Self.close, [.id(person), .int(100 - place)])
            }
            // All but the last one due and one in the middle.
            let well: Set<UserID> = [people[5], people[9]]
            let keeper = Keeper(refusing: Set(people).subtracting(well))
            let erasure = AccountErasure(
                store: GatewayStore(database: Database(pool: pool)), keepers: [keeper], logger: Logger(label: "tests"))
            let deadline = ContinuousClock.now + .seconds(20)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await erasure.run() }
                while try await pool.query(Self.waiting).count > people.count - well.count,
                    ContinuousClock.now < deadline
                {
                    try await Task.sleep(for: .milliseconds(10))
                }
                group.cancelAll()
            }
            #expect(keeper.erasedPeople == well)
            #expect(Set(try await pool.query(Self.waiting)) == Set(people).subtracting(well))
        }
    }
}
