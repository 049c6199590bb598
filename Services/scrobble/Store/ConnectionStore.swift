package import Contracts
package import Cryptography
import Postgres
package import Store

/// The accounts elsewhere, with their tokens sealed.
package struct ConnectionStore: Sendable {
    private let database: Database
    private let sealer: Sealer

    package init(database: Database, sealer: Sealer) {
        self.database = database
        self.sealer = sealer
    }

    /// The token with which a connection's calls are made; nil where there is none that can be opened.
    package func token(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Secret? {
        let sealed = try await database.rows(
            ConnectionQueries.token, [.id(lane.user), .word(lane.provider)], until: deadline)
        return sealed.first.flatMap { try? sealer.openSecret($0, in: Self.place(of: lane)) }
    }

    /// Connects an account, or gives it another token.
    package func connect(
        _ lane: LaneKey, token: Secret, thresholdPercent: Double, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let sealed: [UInt8]
        do {
            sealed = try sealer.seal(token, in: Self.place(of: lane))
        } catch {
            throw .fault("a token cannot be sealed: \(error)")
        }
        try await database.run(
            ConnectionQueries.put,
            [.id(lane.user), .word(lane.provider), .bytea(sealed), .double(thresholdPercent), .moment(moment)],
            until: deadline)
    }

    /// A token opens in its own row only.
    private static func place(of lane: LaneKey) -> SealContext {
        SealContext(
            service: "scrobble", table: "scrobble_connections", column: "access_token_encrypted",
            rowID: "\(lane.user) \(lane.provider.rawValue)", userID: "\(lane.user)", provider: lane.provider.rawValue)
    }
}
