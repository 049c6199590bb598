internal import COpenSSL

/// Comparison of secrets without a timing side channel.
package enum ConstantTime {
    /// Whether both are equal; the time depends only on the lengths, which are not secret.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        guard !left.isEmpty else { return true }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }
}
