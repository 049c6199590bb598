import Contracts
import Cryptography
import JSON
import RPC
import Store

/// Makes a call take effect once under its idempotency key, and answers it the same way each time.
///
/// The effect itself carries the key, as a play's source or as the name of a list or a batch. So it may run again,
/// concurrently or after a crash, and still takes place once. What is stored here is which request has the key, and the
/// first answer.
struct OnceUnderKey: Sendable {
    let keys: KeyStore
    let clock: any WallClock

    func run<Params: JSONEncodable, Answer: JSONEncodable & JSONDecodable>(
        _ method: String, of user: UserID, _ params: Params, _ context: RPCContext,
        _ work: (KeyedCall?) async throws(RPCError) -> Answer
    ) async throws(RPCError) -> Answer {
        guard let key = context.idempotencyKey else { return try await work(nil) }
        let digest = Self.digest(method, params)
        let claim = try await claim(key, of: user, digest, context)
        if let answer = claim.answer { return try Self.read(answer) }
        let call = KeyedCall(user: user, key: key, at: claim.at)
        let answer = try await releasing(key, of: user, digest, context) { () throws(RPCError) in try await work(call) }
        let kept = try await writing { () throws(StoreError) in
            try await keys.keep(encodeJSON(answer), under: key, of: user, digest, until: context.deadline)
        }
        guard let kept else { return answer }
        return try Self.read(kept)
    }

    /// Like `run`, for an answer that shows a secret: the answer is not stored, because the secret is derived from the
    /// key.
    func runUnkept<Params: JSONEncodable, Answer: Sendable>(
        _ method: String, of user: UserID, _ params: Params, _ context: RPCContext,
        _ work: () async throws(RPCError) -> Answer
    ) async throws(RPCError) -> Answer {
        guard let key = context.idempotencyKey else { return try await work() }
        let digest = Self.digest(method, params)
        _ = try await claim(key, of: user, digest, context)
        return try await releasing(key, of: user, digest, context) { () throws(RPCError) in try await work() }
    }

    private func claim(
        _ key: String, of user: UserID, _ digest: [UInt8], _ context: RPCContext
    ) async throws(RPCError) -> KeyClaim {
        let claim = try await writing { () throws(StoreError) in
            try await keys.claim(key, of: user, digest, at: clock.now, until: context.deadline)
        }
        guard claim.digest == digest else {
            throw .idempotencyKeyReused("this Idempotency-Key was used for another request")
        }
        return claim
    }

    /// Runs `work` and releases the key if the call is refused.
    private func releasing<Answer>(
        _ key: String, of user: UserID, _ digest: [UInt8], _ context: RPCContext,
        _ work: () async throws(RPCError) -> Answer
    ) async throws(RPCError) -> Answer {
        do throws(RPCError) {
            return try await work()
        } catch {
            // Whatever may have taken effect keeps its key.
            if !error.isRetryable, error.code != RPCError.Code.outcomeUnknown {
                try? await keys.release(key, of: user, digest, until: context.deadline)
            }
            throw error
        }
    }

    private static func digest(_ method: String, _ params: some JSONEncodable) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(method.utf8) + [0])
        hash.update(encodeJSON(params))
        return hash.finish().bytes
    }

    private static func read<Answer: JSONDecodable>(_ bytes: [UInt8]) throws(RPCError) -> Answer {
        do throws(JSONError) {
            return try decodeJSON(Answer.self, from: bytes)
        } catch {
            throw .internal("a stored answer cannot be read")
        }
    }
}

/// A call under a key, which names what the call creates.
struct KeyedCall: Sendable {
    let user: UserID
    let key: String
    /// When the key was first claimed: reused after it has expired, it names something else.
    let at: Timestamp

    /// The id of what the call creates, the same each time.
    func id<ID: UUIDIdentifier>(_ purpose: String) -> ID {
        var hash = SHA256()
        hash.update(Array("\(purpose)\n\(user)\n\(at.microsecondsSinceEpoch)\n\(key)".utf8))
        let bytes = hash.finish().bytes
        let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = bytes[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Version 8 and the variant of RFC 9562 §5.8.
        return ID(
            UUIDBits(
                high: high & ~0xF000 | 0x8000, low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000))
    }
}
