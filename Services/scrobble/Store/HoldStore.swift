import Contracts
import Postgres
package import Store

/// Providers that nobody may call for a while, shared by all replicas.
package struct HoldStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// How long a provider may not be called; nil if it may be now.
    func left(
        of provider: SyncProvider, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Duration? {
        try await database.rows(HoldQueries.left, [.word(provider)], until: deadline).first.map { .seconds($0) }
    }

    func hold(
        _ provider: SyncProvider, for time: Duration, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(HoldQueries.hold, [.word(provider), .double(time.inSeconds)], until: deadline)
    }
}
