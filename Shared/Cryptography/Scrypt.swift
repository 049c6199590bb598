internal import COpenSSL

/// The cost of one scrypt derivation (RFC 7914).
package struct ScryptCost: Sendable, Hashable {
    /// The binary logarithm of N, 1 … 20.
    package let logN: Int
    /// Block size, 1 … 32.
    package let blockSize: Int
    /// Parallelisation, 1 … 16.
    package let parallelism: Int

    /// N = 2^15, r = 8, p = 3: about 32 MiB, as strong as OWASP's first choice for scrypt.
    package static let standard = ScryptCost(uncheckedLogN: 15, blockSize: 8, parallelism: 3)

    /// Accepts parameters within the bounds above; nil for any others, so that a stored hash cannot demand gigabytes.
    package init?(logN: Int, blockSize: Int, parallelism: Int) {
        guard (1...20).contains(logN), (1...32).contains(blockSize), (1...16).contains(parallelism) else { return nil }
        self.init(uncheckedLogN: logN, blockSize: blockSize, parallelism: parallelism)
        guard memoryBytes <= Self.memoryBytesMax else { return nil }
    }

    private init(uncheckedLogN logN: Int, blockSize: Int, parallelism: Int) {
        self.logN = logN
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// The memory that one derivation needs, in bytes; libcrypto compares the same sum with its limit.
    var memoryBytes: Int { 128 * blockSize * (1 << logN + parallelism + 2) }

    /// The memory that one hash may need, in bytes; a stored hash that needs more is refused.
    private static let memoryBytesMax = 256 << 20
}

/// The scrypt function (RFC 7914) on the calling thread; blocks for the whole derivation.
enum Scrypt {
    /// Derives `count` bytes; nil if libcrypto fails for lack of memory.
    static func derive(_ password: [UInt8], salt: [UInt8], cost: ScryptCost, count: Int) -> [UInt8]? {
        var key = [UInt8](repeating: 0, count: count)
        let outcome = unsafe EVP_PBE_scrypt(
            password.map { CChar(bitPattern: $0) }, password.count, salt, salt.count,
            UInt64(1) << UInt64(cost.logN), UInt64(cost.blockSize), UInt64(cost.parallelism),
            UInt64(cost.memoryBytes + 1024), &key, key.count)
        guard outcome == 1 else {
            ERR_clear_error()
            return nil
        }
        return key
    }
}
