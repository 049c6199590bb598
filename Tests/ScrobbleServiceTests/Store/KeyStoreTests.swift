import Contracts
import JSON
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Calls under idempotency keys, in a real Postgres.
@Suite struct KeyStoreTests {
    private static let params = GetListParams(
        user: UserID(UUIDBits(high: 1, low: 1)), list: ListID(UUIDBits(high: 1, low: 2)))

    /// Collects the ids that calls were given for their effects.
    private final class Names: Sendable {
        private let names = Mutex<Set<BatchID>>([])
        var count: Int { names.withLock { $0.count } }
        func note(_ call: KeyedCall?) {
            guard let call else { return }
            names.withLock { _ = $0.insert(call.id("batch")) }
        }
    }

    private static func context(_ key: String?) -> RPCContext {
        RPCContext(deadline: LedgerFixture.deadline(), trace: .root(), idempotencyKey: key)
    }

    @Test("Under one key a call is answered as the first was, at whichever copy; another request is refused")
    func answers() async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            let once = pools.map {
                OnceUnderKey(keys: KeyStore(database: Database(pool: $0)), clock: SystemWallClock())
            }
            let user = UserID(LedgerFixture.ids.next())
            let names = Names()
            // Each run would return something different; every caller gets the same result.
            let told = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...100 {
                    group.addTask {
                        try await once[number % 2].run("m", of: user, Self.params, Self.context("k")) {
                            (call) throws(RPCError) -> WatchedChange in
                            names.note(call)
                            return WatchedChange(added: number, removed: 0)
                        }.added
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(told.count == 1)
            #expect(names.count == 1, "the effect has one name")
            await #expect(throws: RPCError.idempotencyKeyReused("this Idempotency-Key was used for another request")) {
                _ = try await once[0].run("other", of: user, Self.params, Self.context("k")) {
                    (_) throws(RPCError) -> WatchedChange in WatchedChange(added: 0, removed: 0)
                }
            }
            // Another person's key, or no key, is independent.
            for (user, key) in [(UserID(LedgerFixture.ids.next()), "k"), (user, nil)] {
                let own = try await once[0].run("other", of: user, Self.params, Self.context(key)) {
                    (_) throws(RPCError) -> WatchedChange in WatchedChange(added: 1_000, removed: 0)
                }
                #expect(own.added == 1_000)
            }
        }
    }

    @Test(
        "What is refused leaves no key; what may have happened keeps it; a day later the key is free, under another name"
    )
    func release() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let keys = KeyStore(database: Database(pool: pools[0]))
            let once = OnceUnderKey(keys: keys, clock: SystemWallClock())
            let user = UserID(LedgerFixture.ids.next())
            func run(_ method: String, _ key: String, failing error: RPCError? = nil) async -> RPCError? {
                do throws(RPCError) {
                    _ = try await once.run(method, of: user, Self.params, Self.context(key)) {
                        (_) throws(RPCError) -> WatchedChange in
                        if let error { throw error }
                        return WatchedChange(added: 1, removed: 0)
                    }
                    return nil
                } catch { return error }
            }
            #expect(await run("a", "refused", failing: .titleNotFound("none")) == .titleNotFound("none"))
            #expect(await run("b", "refused") == nil)
            #expect(await run("a", "lost", failing: .outcomeUnknown("gone")) == .outcomeUnknown("gone"))
            #expect(await run("b", "lost")?.code == RPCError.idempotencyKeyReused("").code)
            #expect(await run("a", "lost") == nil)
            let now = SystemWallClock().now
            let first = try await keys.claim("old", of: user, [1], at: now, until: LedgerFixture.deadline())
            let later = now.advanced(by: KeyStore.life + .seconds(1))
            let second = try await keys.claim("old", of: user, [2], at: later, until: LedgerFixture.deadline())
            #expect(first.digest == [1])
            #expect(second.digest == [2])
            let names = [first, second].map { KeyedCall(user: user, key: "old", at: $0.at).id("batch") as BatchID }
            #expect(names[0] != names[1])
            while try await keys.sweep(at: later.advanced(by: KeyStore.life), until: LedgerFixture.deadline()) {}
            let left = PGStatement("tests.keys", "SELECT count(*) FROM idempotency_keys") { row throws(PGError) in
                try row.next(Int.self)
            }
            #expect(try await pools[0].query(left) == [1])
        }
    }
}
