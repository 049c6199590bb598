internal import COpenSSL

/// Bytes from libcrypto's seeded generator; safe to call from any thread.
package enum RandomBytes {
    /// Returns `count` unpredictable bytes (0 … 2^31 − 1).
    package static func make(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            let outcome = unsafe RAND_bytes(buffer.baseAddress, Int32(count))
            // Without entropy nothing that follows is safe: stop, as the system's own generator does.
            precondition(outcome == 1, "the random generator has no entropy")
            initializedCount = count
        }
    }

    /// Returns an unpredictable 64-bit number.
    package static func makeUInt64() -> UInt64 {
        make(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
