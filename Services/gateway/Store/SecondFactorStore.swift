package import Contracts
package import Cryptography
import Postgres
import RPC
package import Store

/// Second factors in Postgres, sealed to their person with keys derived from the service secret, which all copies of
/// the gateway share.
package struct SecondFactorStore: Sendable {
    let database: Database
    private let sealer: Sealer
    private let codeLife: CodeLife

    package init(database: Database, secret: Secret, codeLife: CodeLife) {
        self.database = database
        self.codeLife = codeLife
        sealer = Sealer(following: secret, for: "reelay.second-factor.v1")
    }

    /// The verdict on a code.
    enum Verdict: Sendable, Hashable {
        /// No factor is on.
        case absent
        /// A factor is on, and no code was shown.
        case missing
        /// The code is not the person's, was taken before, or comes after too many wrong ones.
        case wrong
        /// The code is taken, and worthless from now on; its factor was turned on at `of`.
        case taken(of: Timestamp)
    }

    /// Stores a new secret until it is confirmed.
    func begin(
        _ totp: TOTP, of user: UserID, asking session: SessionID, freshSince: Timestamp, at now: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> FactorBeginning {
        let sealed: [UInt8]
        do throws(SealError) {
            sealed = try sealer.seal(totp.secret, in: Self.place(user))
        } catch {
            throw .fault("a second factor cannot be sealed: \(error)")
        }
        let outcome = try await database.rows(
            GatewayQueries.beginFactor,
            [.id(user), .id(session), .moment(freshSince), .bytea(sealed), .moment(now)], until: deadline
        ).first
        guard let outcome else { throw .fault("beginning a second factor returned no row") }
        return outcome
    }

    /// Takes a code for a login. A taken code stays taken, whatever becomes of the login. `wrongMax`: as below.
    func take(
        _ code: String?, of user: UserID, at now: Timestamp, wrongMax: Int?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Verdict {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await take(code, of: user, at: now, wrongMax: wrongMax, transaction)
        }
    }

    /// Takes a code of the device or a recovery code in the caller's transaction. `wrongMax` is how many consecutive
    /// wrong codes of the device may come before none is accepted any more; nil if they do not count.
    func take(
        _ code: String?, of user: UserID, at now: Timestamp, wrongMax: Int?, _ transaction: PGTransaction
    ) async throws(PGError) -> Verdict {
        guard let stored = try await transaction.first(GatewayQueries.factor, [.id(user)]),
            let confirmedAt = stored.confirmedAt
        else { return .absent }
        guard let code else { return .missing }
        if let recovery = RecoveryCode(presented: Secret(code)) {
            let isTheirs = try await transaction.first(
                GatewayQueries.takeRecoveryCode, [.id(user), .bytea(recovery.digest.bytes)])
            guard isTheirs != nil else { return .wrong }
            try await transaction.execute(GatewayQueries.forgetWrongCodes, [.id(user)])
            return .taken(of: confirmedAt)
        }
        let step = try acceptedStep(of: code, sealed: stored.secret, by: user, at: now, after: stored.lastStep)
        if let wrongMax, stored.wrongCodes >= wrongMax { return .wrong }
        if let step, try await transaction.first(GatewayQueries.takeStep, [.id(user), .int(step)]) != nil {
            return .taken(of: confirmedAt)
        }
        if wrongMax != nil { try await transaction.execute(GatewayQueries.noteWrongCode, [.id(user)]) }
        return .wrong
    }

    /// Turns on the factor that was begun after `begunSince`, given one of its codes; returns its recovery codes.
    func confirm(
        _ code: String, of user: UserID, at now: Timestamp, begunSince: Timestamp, codesCount: Int,
        _ transaction: PGTransaction
    ) async throws(PGError) -> Result<RecoveryCodes, RPCError> {
        guard let stored = try await transaction.first(GatewayQueries.factor, [.id(user)]) else {
            return .failure(.noSecondFactor)
        }
        guard stored.confirmedAt == nil else { return .failure(.hasSecondFactor) }
        guard stored.begunAt > begunSince else { return .failure(.noSecondFactor) }
        let step = try acceptedStep(of: code, sealed: stored.secret, by: user, at: now, after: 0)
        guard let step else { return .failure(.codeIsWrong) }
        guard
            try await transaction.first(GatewayQueries.confirmFactor, [.id(user), .moment(now), .int(step)]) != nil
        else { return .failure(.hasSecondFactor) }
        let codes = (0..<codesCount).map { _ in RecoveryCode() }
        try await transaction.execute(
            GatewayQueries.addRecoveryCodes,
            [.id(user), .byteaArray(codes.map { Optional($0.digest.bytes) })])
        return .success(RecoveryCodes(recoveryCodes: codes.map(\.text.revealed)))
    }

    /// Reseals what another key has sealed. Returns how many were resealed, and how many no known key can open.
    func reseal(
        pageRows: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (sealed: Int, lost: Int) {
        var outcome = (sealed: 0, lost: 0)
        var last = UserID(UUIDBits(high: 0, low: 0))
        while true {
            let page = try await database.rows(
                GatewayQueries.factorsOfOtherKeys,
                [.bytea(sealer.writerPrefix), .id(last), .int(pageRows)], until: deadline)
            for factor in page {
                last = factor.user
                guard let again = try? sealer.reseal(factor.secret, in: Self.place(factor.user)) else {
                    outcome.lost += 1
                    continue
                }
                try await database.run(
                    GatewayQueries.sealFactor, [.id(factor.user), .bytea(factor.secret), .bytea(again)],
                    until: deadline)
                outcome.sealed += 1
            }
            if page.count < pageRows { return outcome }
        }
    }

    private func open(_ sealed: [UInt8], of user: UserID) throws(PGError) -> TOTP {
        do throws(SealError) {
            if let totp = TOTP(try sealer.open(sealed, in: Self.place(user))) { return totp }
            throw SealError.malformed
        } catch {
            throw PGError(.decoding, "a second factor cannot be opened: \(error)")
        }
    }

    /// Returns the step of a code that is accepted at `now`; nil for any other. `sealed` is the secret of the factor.
    private func acceptedStep(
        of code: String, sealed: [UInt8], by user: UserID, at now: Timestamp, after last: Int
    ) throws(PGError) -> Int? {
        let present = TOTP.step(atUnixSeconds: now.microsecondsSinceEpoch / 1_000_000)
        return try open(sealed, of: user).step(of: code, around: present, within: codeLife.driftSteps, after: last)
    }

    private static func place(_ user: UserID) -> SealContext {
        SealContext(
            service: "gateway", table: "second_factors", column: "secret", rowID: user.description,
            userID: user.description)
    }
}

extension GatewayStore {
    /// Removes a person's second factor, ends all of their sessions and forgets their idempotency keys, such as those
    /// with codes of that factor; nil if nobody has that name.
    package func removeFactor(
        of name: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (user: UserID, hadOne: Bool)? {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let found = try await transaction.first(
                GatewayQueries.lockPersonNamed, [.text(Username(name).key)])
            guard let found else { return nil }
            let removed = try await transaction.first(GatewayQueries.removeFactor, [.id(found)])
            try await transaction.execute(GatewayQueries.endSessions, [.id(found)])
            try await transaction.execute(GatewayQueries.forgetKeys, [.id(found)])
            return (user: found, hadOne: removed != nil)
        }
    }
}
