import Contracts
import Cryptography
import Postgres
import Store

extension GatewayStore {
    func keys(
        of user: UserID, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ApiKey] {
        try await database.rows(GatewayQueries.keys, [.id(user), .int(limits.apiKeysMax)], until: deadline)
    }

    /// Deletes a key; returns whether the person had it.
    func deleteKey(
        _ key: APIKeyID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.deleteKey, [.id(user), .id(key)], until: deadline).isEmpty
    }

    func invites(
        at now: Timestamp, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Invite] {
        try await database.rows(GatewayQueries.invites, [.int(limits.invitesMax), .moment(now)], until: deadline)
    }

    func deleteInvite(
        _ invite: InviteID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.deleteInvite, [.id(invite)], until: deadline).isEmpty
    }

    // MARK: Guards

    /// Counts an attempt; returns the seconds that it must wait, nil if it may be made.
    func admit(
        _ attempt: LoginAttempt, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int? {
        try await database.rows(
            GatewayQueries.admit,
            [
                .byteaArray(attempt.subjects.map { Optional($0.digest) }), .intArray(attempt.subjects.map(\.allowance)),
                .intArray(attempt.subjects.map(\.waitMaxSeconds)), .intArray(LoginAttempt.waits(limits)),
                .int(Int(limits.failureMemory.components.seconds)),
                .boolArray(attempt.subjects.map { Optional($0.isShared) }),
            ], until: deadline
        ).first
    }

    /// Takes back an attempt that was counted but did not fail.
    func refund(_ attempt: LoginAttempt, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            GatewayQueries.refundFailures, [.byteaArray(attempt.subjects.map { Optional($0.digest) })], until: deadline)
    }

    /// Clears what was counted for an attempt that succeeded.
    func clearFailures(_ attempt: LoginAttempt, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(GatewayQueries.clearFailures, [.bytea(attempt.cleared.digest)], until: deadline)
    }

    // MARK: Erasure and sweeping

    func claimErasures(
        limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [UserID] {
        try await database.rows(
            GatewayQueries.claimErasures,
            [.int(Int(limits.erasureLease.components.seconds)), .int(limits.erasuresMax)], until: deadline)
    }

    func finishErasure(of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(GatewayQueries.finishErasure, [.id(user)], until: deadline)
    }

    /// Deletes some of what has expired.
    func sweep(limits: GatewayLimits, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        let values: [PGValue] = [.int(limits.sweepRowsMax), .int(Int(limits.onceLife.components.seconds))]
        for sweep in GatewayQueries.sweeps { try await database.run(sweep, values, until: deadline) }
    }
}
