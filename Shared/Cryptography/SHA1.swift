internal import COpenSSL

/// SHA-1 (FIPS 180-4), only for the range protocol of Pwned Passwords, which is defined by it. It is broken for
/// anything that has to withstand collisions: nothing here may rely on it.
package enum SHA1 {
    package static let digestBytes = 20

    /// Returns the 20-byte digest of a text's UTF-8 form.
    package static func hash(_ text: String) -> [UInt8] {
        let message = Array(text.utf8)
        return unsafe [UInt8](unsafeUninitializedCapacity: Self.digestBytes) { buffer, initializedCount in
            let outcome = unsafe EVP_Digest(message, message.count, buffer.baseAddress, nil, EVP_sha1(), nil)
            precondition(outcome == 1, "no memory for a digest")
            initializedCount = Self.digestBytes
        }
    }
}
