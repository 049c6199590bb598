/// Hashes and checks passwords with scrypt, at most two at once, on threads of its own.
package final class PasswordHasher: Sendable {
    /// The longest accepted password; longer ones are refused, never cut.
    package static let passwordBytesMax = 1024

    /// What a password is checked against where there is no account: a hash of nothing, whose check is as much work as that
    /// of any other, so that the time tells nobody who exists.
    package let decoy: String

    private let cost: ScryptCost
    private let workers: WorkerThreads

    /// `cost` is what new hashes get; tests inject a small one.
    package init(cost: ScryptCost = .standard, limits: WorkerThreadsLimits = WorkerThreadsLimits()) {
        self.cost = cost
        decoy =
            PasswordHash(
                cost: cost, salt: RandomBytes.make(PasswordHash.saltBytes), key: RandomBytes.make(PasswordHash.keyBytes)
            ).text
        self.workers = WorkerThreads(limits: limits)
    }

    /// Hashes a new password with a fresh salt into the PHC string to store.
    package func hash(_ password: Secret) async throws(PasswordError) -> String {
        let salt = RandomBytes.make(PasswordHash.saltBytes)
        let key = try await derive(password, salt: salt, cost: cost, count: PasswordHash.keyBytes)
        return PasswordHash(cost: cost, salt: salt, key: key).text
    }

    /// Checks a password against a stored PHC string.
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
        // HMAC pads short keys with NUL: with it at the end, two different passwords would be one.
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

/// What a password check found.
package enum PasswordVerdict: Sendable, Equatable {
    /// The password is right; `needsRehash` advises to store a new hash, for its parameters are not today's.
    case match(needsRehash: Bool)
    case mismatch
}

/// Why a password could not be hashed or checked.
package enum PasswordError: Error, Sendable, Equatable {
    /// Two run and fifty wait already: try again later.
    case busy
    /// The task was cancelled before its turn.
    case cancelled
    /// Above `PasswordHasher.passwordBytesMax`.
    case tooLong
    /// Has a character U+0000.
    case containsNUL
    /// The stored text is no scrypt hash within bounds.
    case malformedHash
    /// libcrypto refused, for want of memory.
    case unavailable
}
