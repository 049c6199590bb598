import Contracts
package import Cryptography
import JSON
import Postgres
import RPC
package import Store

/// Writes of the gateway itself that take effect once per Idempotency-Key: the key, the effect and its answer are one
/// transaction. Answers are sealed, since some show a secret, and requests are identified by keyed digests, since some
/// have a password.
package struct OnceStore: Sendable {
    let database: Database
    private let sealer: Sealer
    /// The first is what requests are stored under; the others are what earlier ones may be stored under.
    private let fingerprintKeys: [[UInt8]]

    /// `secret` is shared by all copies of the gateway, with the previous ones while it is being changed; the keys that
    /// seal answers and digest requests are derived from it.
    package init(database: Database, secret: Secret) {
        self.database = database
        sealer = Sealer(following: secret, for: "reelay.once.v1")
        fingerprintKeys = secret.derivedKeys(for: "reelay.once.fingerprint.v1")
    }

    /// Identifies a write.
    struct Mark: Sendable {
        let user: UserID
        let keyHash: [UInt8]
        fileprivate let fingerprint: [UInt8]

        /// Nil if the request has no key.
        init?(_ context: EdgeContext, _ caller: EdgeCaller) {
            guard let once = context.once else { return nil }
            user = caller.user
            keyHash = SHA256.hash(once.key).bytes
            fingerprint = once.fingerprint
        }
    }

    /// Returns what is stored for a request: whoever reads only the database cannot try passwords on it.
    func fingerprint(_ request: [UInt8]) -> [UInt8] { HMAC.sha256(key: fingerprintKeys[0], message: request) }

    /// Returns everything that a request may be stored as: with the current secret, with previous ones, and without
    /// any, as gateways did until now, whose rows are gone after a day.
    func fingerprints(_ request: [UInt8]) -> [[UInt8]] {
        fingerprintKeys.map { HMAC.sha256(key: $0, message: request) } + [request]
    }

    private enum Outcome<Answer: Sendable>: Sendable {
        case done(Answer)
        case refused(RPCError)
        /// The key was used before.
        case taken
    }

    /// Runs `effect` and stores its answer under the key, or returns the stored answer. An effect that is refused
    /// leaves nothing, so that the same key can be tried again. `effect` may run more than once; only one run counts.
    func write<Answer: JSONCodable & Sendable>(
        _ mark: Mark?, until deadline: ContinuousClock.Instant,
        _ effect: (PGTransaction) async throws(PGError) -> Result<Answer, RPCError>
    ) async throws(RPCError) -> Answer {
        let outcome: Outcome<Answer> = try await asking { () throws(StoreError) in
            try await database.transaction(until: deadline) { transaction throws(PGError) in
                try await run(mark, transaction, effect)
            }
        }
        switch outcome {
        case .done(let answer): return answer
        case .refused(let error): throw error
        case .taken:
            guard let kept: Answer = try await kept(mark, until: deadline) else {
                throw .unavailable("the first request with this key is still in progress; try again in a moment")
            }
            return kept
        }
    }

    private func run<Answer: JSONCodable & Sendable>(
        _ mark: Mark?, _ transaction: PGTransaction,
        _ effect: (PGTransaction) async throws(PGError) -> Result<Answer, RPCError>
    ) async throws(PGError) -> Outcome<Answer> {
        if let mark {
            let claimed = try await transaction.first(
                GatewayQueries.claimKey, [.id(mark.user), .bytea(mark.keyHash), .bytea(fingerprint(mark.fingerprint))])
            guard claimed != nil else {
                try await transaction.rollBack()
                return .taken
            }
        }
        switch try await effect(transaction) {
        case .failure(let error):
            try await transaction.rollBack()
            return .refused(error)
        case .success(let answer):
            if let mark {
                let sealed = try seal(encodeJSON(answer), for: mark)
                _ = try await transaction.commit(
                    with: GatewayQueries.keepAnswer, [.id(mark.user), .bytea(mark.keyHash), .bytea(sealed)])
            }
            return .done(answer)
        }
    }

    /// Returns the answer stored under a key; nil if there is none. Throws `idempotencyKeyReused` for another request.
    func kept<Answer: JSONDecodable & Sendable>(
        _ mark: Mark?, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> Answer? {
        guard let mark else { return nil }
        let rows = try await asking { () throws(StoreError) in
            try await database.rows(
                GatewayQueries.keptAnswer, [.id(mark.user), .bytea(mark.keyHash)], until: deadline)
        }
        guard let kept = rows.first, let sealed = kept.answer else { return nil }
        // First: an answer of a secret that is no longer known says nothing of its request, which may be this one.
        let answer: [UInt8]
        do throws(SealError) {
            answer = try sealer.open(sealed, in: Self.place(mark))
        } catch {
            throw Self.unreadable
        }
        guard fingerprints(mark.fingerprint).contains(kept.fingerprint) else {
            throw .idempotencyKeyReused("this Idempotency-Key was used for another request")
        }
        do {
            return try decodeJSON(Answer.self, from: answer)
        } catch {
            throw Self.unreadable
        }
    }

    private static var unreadable: RPCError {
        .internal("the stored answer can no longer be read; the write took effect")
    }

    private func seal(_ answer: [UInt8], for mark: Mark) throws(PGError) -> [UInt8] {
        do throws(SealError) {
            return try sealer.seal(answer, in: Self.place(mark))
        } catch {
            throw PGError(.invalidParameter, "an answer cannot be sealed: \(error)")
        }
    }

    private static func place(_ mark: Mark) -> SealContext {
        SealContext(
            service: "gateway", table: "idempotency_keys", column: "answer", rowID: Hex.encode(mark.keyHash),
            userID: mark.user.description)
    }
}
