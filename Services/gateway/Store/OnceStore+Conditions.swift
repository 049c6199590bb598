package import Contracts
import Cryptography
import Edge
import Postgres
package import RPC
import Store

/// Notes are stored next to the keys, under names of their own, and live as long.
extension OnceStore: ConditionBook {
    package func note(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        _ = try await asking { () throws(StoreError) in
            try await database.rows(
                GatewayQueries.claimKey, [.id(user), Self.name(once), .bytea(fingerprint(once.fingerprint))],
                until: deadline)
        }
    }

    package func isNoted(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> Bool {
        let rows = try await asking { () throws(StoreError) in
            try await database.rows(GatewayQueries.keptAnswer, [.id(user), Self.name(once)], until: deadline)
        }
        return rows.first.map { fingerprints(once.fingerprint).contains($0.fingerprint) } ?? false
    }

    package func forget(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        try await asking { () throws(StoreError) in
            try await database.run(
                GatewayQueries.forgetKey,
                [.id(user), Self.name(once), .byteaArray(fingerprints(once.fingerprint).map { Optional($0) })],
                until: deadline)
        }
    }

    /// Distinct from all keys, which have no line breaks.
    private static func name(_ once: EdgeOnce) -> PGValue { .bytea(SHA256.hash("conditions\n" + once.key).bytes) }
}
