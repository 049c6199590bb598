internal import COpenSSL

/// A SHA-256 digest (FIPS 180-4), 32 bytes; compared in constant time.
package struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
    /// The 32 bytes.
    package let bytes: [UInt8]

    /// Wraps a stored digest; nil unless it has 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == SHA256.digestBytes else { return nil }
        self.bytes = bytes
    }

    fileprivate init(trusted bytes: [UInt8]) {
        self.bytes = bytes
    }

    package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        ConstantTime.equal(left.bytes, right.bytes)
    }

    /// The digest as 64 lowercase hexadecimal digits.
    package var description: String { Hex.encode(bytes) }
}

/// An incremental SHA-256 computation that owns its libcrypto context; used by one task at a time.
@safe package struct SHA256: ~Copyable {
    package static let digestBytes = 32

    /// Fetched once: libcrypto looks up `EVP_sha256()` by name, under locks, for each digest.
    // SAFETY: nobody changes it after it was made, and libcrypto counts its holders with atomics.
    private nonisolated(unsafe) static let algorithm: OpaquePointer? = unsafe EVP_MD_fetch(nil, "SHA2-256", nil)

    private let context: OpaquePointer

    package init() {
        let made = unsafe EVP_MD_CTX_new()
        guard let made = unsafe made, unsafe EVP_DigestInit_ex(made, Self.algorithm, nil) == 1 else {
            // libcrypto fails here only for lack of memory, in which case Swift's own allocation stops too.
            preconditionFailure("no memory for a digest")
        }
        unsafe context = made
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    /// Appends bytes to the message.
    package mutating func update(_ bytes: [UInt8]) {
        let outcome = unsafe EVP_DigestUpdate(context, bytes, bytes.count)
        precondition(outcome == 1, "a digest was used after its end")
    }

    /// Ends the message and returns its digest.
    package consuming func finish() -> SHA256Digest {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.digestBytes) { buffer, initializedCount in
            let outcome = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            precondition(outcome == 1, "a digest was used after its end")
            initializedCount = Self.digestBytes
        }
        return SHA256Digest(trusted: bytes)
    }

    /// Returns the digest of a whole message.
    package static func hash(_ bytes: [UInt8]) -> SHA256Digest {
        var running = SHA256()
        running.update(bytes)
        return running.finish()
    }

    /// Returns the digest of a text's UTF-8 form.
    package static func hash(_ text: String) -> SHA256Digest {
        hash(Array(text.utf8))
    }
}

/// HMAC-SHA256 (RFC 2104).
package enum HMAC {
    /// Returns the 32-byte authentication code of `message` under `key` (of any length).
    package static func sha256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: SHA256.digestBytes) { buffer, initializedCount in
            // libcrypto takes a null key for "the previous key": an empty key needs an address too.
            let keyBytes = key.isEmpty ? [0] : key
            let outcome = unsafe COpenSSL.HMAC(
                EVP_sha256(), keyBytes, Int32(key.count), message, message.count, buffer.baseAddress, nil)
            precondition(unsafe outcome != nil, "no memory for an authentication code")
            initializedCount = SHA256.digestBytes
        }
    }

    /// Whether `code` authenticates `message`; compared in constant time.
    package static func isValid(_ code: [UInt8], key: [UInt8], message: [UInt8]) -> Bool {
        ConstantTime.equal(code, sha256(key: key, message: message))
    }
}
