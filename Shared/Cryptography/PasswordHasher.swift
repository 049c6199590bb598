/// Hashes and verifies passwords with scrypt, at most two at once by default, on its own threads.
package final class PasswordHasher: Sendable {
    /// Bytes of the longest accepted password; longer ones are refused, never truncated.
    package static let passwordBytesMax = 1024

    /// The hash to verify a password against if there is no account. It matches no password, but verifying it takes as
    /// much work as any other, so that the time does not reveal who exists.
    package let decoy: String

    private let cost: ScryptCost
    private let workers: WorkerThreads

    /// `cost` is the cost of new hashes; tests inject a small one.
    package init(cost: ScryptCost = .standard, limits: WorkerThreadsLimits = WorkerThreadsLimits()) {
        self.cost = cost
        decoy =
            PasswordHash(
                cost: cost, salt: RandomBytes.make(PasswordHash.saltBytes), key: RandomBytes.make(PasswordHash.keyBytes)
            ).text
        self.workers = WorkerThreads(limits: limits)
    }

    /// Hashes a new password with a fresh salt and returns the PHC string to store.
    package func hash(_ password: Secret) async throws(PasswordError) -> String {
        let salt = RandomBytes.make(PasswordHash.saltBytes)
        let key = try await derive(password, salt: salt, cost: cost, count: PasswordHash.keyBytes)
        return PasswordHash(cost: cost, salt: salt, key: key).text
    }

    /// Verifies a password against a stored PHC string.
    package func verify(_ password: Secret, against stored: String) async throws(PasswordError) -> PasswordVerdict {
        guard let expected = PasswordHash(parsing: stored) else { throw .malformedHash }
        let key = try await derive(password, salt: expected.salt, cost: expected.cost, count: expected.key.count)
        guard ConstantTime.equal(key, expected.key) else { return .mismatch }
        return .match(needsRehash: needsRehash(expected))
    }

    private func needsRehash(_ hash: PasswordHash) -> Bool {
        hash.cost != cost || hash.salt.count != PasswordHash.saltBytes || hash.key.count != PasswordHash.keyBytes
    }

    private func derive(
        _ password: Secret, salt: [UInt8], cost: ScryptCost, count: Int
    ) async throws(PasswordError) -> [UInt8] {
        let bytes = Array(password.revealed.utf8)
        guard bytes.count <= Self.passwordBytesMax else { throw .tooLong }
        // HMAC pads short keys with NUL: passwords that differ only by trailing NULs would be equal.
        guard !bytes.contains(0) else { throw .containsNUL }
        let key: [UInt8]?
        do {
            key = try await workers.run { Scrypt.derive(bytes, salt: salt, cost: cost, count: count) }
        } catch {
            switch error {
            case .busy: throw .busy
            case .cancelled: throw .cancelled
            }
        }
        guard let key else { throw .unavailable }
        return key
    }
}

/// The outcome of verifying a password.
package enum PasswordVerdict: Sendable, Equatable {
    /// The password is right; with `needsRehash`, store a new hash, as its parameters are not the current ones.
    case match(needsRehash: Bool)
    case mismatch
}

/// The reason a password could not be hashed or verified.
package enum PasswordError: Error, Sendable, Equatable {
    /// As many as allowed run and wait already: try again later.
    case busy
    /// The task was cancelled before its turn.
    case cancelled
    /// Longer than `PasswordHasher.passwordBytesMax`.
    case tooLong
    /// Contains U+0000.
    case containsNUL
    /// The stored text is not an scrypt hash within bounds.
    case malformedHash
    /// libcrypto failed for lack of memory.
    case unavailable
}
