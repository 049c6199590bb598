/// Seals single values for storage with AES-256-GCM (NIST SP 800-38D).
///
/// Layout: version 1 (one byte) | length of the key id (one byte) | key id | nonce (12 bytes, random) | ciphertext |
/// tag (16 bytes). With random nonces a key may seal at most 2^32 values: rotate long before.
package struct Sealer: Sendable {
    private static let version: UInt8 = 1

    private let ring: KeyRing

    package init(_ ring: KeyRing) {
        self.ring = ring
    }

    /// The id of the key that seals.
    package var writerID: String { ring.writerID }

    /// The first bytes of everything sealed with the sealing key, and of nothing else.
    package var writerPrefix: [UInt8] { [Self.version, UInt8(ring.writerID.utf8.count)] + Array(ring.writerID.utf8) }

    /// Seals `plaintext` (at most 1 MiB) for one place with the sealing key.
    package func seal(_ plaintext: [UInt8], in context: SealContext) throws(SealError) -> [UInt8] {
        guard plaintext.count <= SealLimits.plaintextBytesMax else { throw .tooLong }
        guard let key = ring.key(ring.writerID) else { throw .unknownKey(id: ring.writerID) }
        let nonce = RandomBytes.make(SealLimits.nonceBytes)
        var sealed = writerPrefix
        sealed.append(contentsOf: nonce)
        sealed.append(
            contentsOf: try AESGCM.encrypt(
                plaintext, key: key.bytes, nonce: nonce, associatedData: context.associatedData(keyID: ring.writerID)))
        return sealed
    }

    /// Seals a secret text for one place.
    package func seal(_ secret: Secret, in context: SealContext) throws(SealError) -> [UInt8] {
        try seal(Array(secret.revealed.utf8), in: context)
    }

    /// Opens a value sealed for this place with any key of the ring; throws `forged` if a single bit of value, place or
    /// key differs.
    package func open(_ sealed: [UInt8], in context: SealContext) throws(SealError) -> [UInt8] {
        let parts = try SealedParts(sealed, version: Self.version)
        guard let key = ring.key(parts.keyID) else { throw .unknownKey(id: parts.keyID) }
        return try AESGCM.decrypt(
            Array(parts.ciphertextAndTag), key: key.bytes, nonce: Array(parts.nonce),
            associatedData: context.associatedData(keyID: parts.keyID))
    }

    /// Opens a sealed text.
    package func openSecret(_ sealed: [UInt8], in context: SealContext) throws(SealError) -> Secret {
        guard let text = String(validating: try open(sealed, in: context), as: UTF8.self) else { throw .malformed }
        return Secret(text)
    }

    /// Reseals a value with the sealing key; nil if that key sealed it already.
    package func reseal(_ sealed: [UInt8], in context: SealContext) throws(SealError) -> [UInt8]? {
        guard try Self.keyID(of: sealed) != ring.writerID else { return nil }
        return try seal(open(sealed, in: context), in: context)
    }

    /// Returns the id of the key that sealed a value, without opening it.
    package static func keyID(of sealed: [UInt8]) throws(SealError) -> String {
        try SealedParts(sealed, version: version).keyID
    }
}

/// The reason a value could not be sealed or opened.
package enum SealError: Error, Sendable, Equatable {
    /// Not in the layout of a sealed value.
    case malformed
    /// Sealed with a key that the ring does not have.
    case unknownKey(id: String)
    /// The value, place or key differs from what was sealed.
    case forged
    /// Longer than `SealLimits.plaintextBytesMax`.
    case tooLong
    /// libcrypto failed for lack of memory.
    case unavailable
}

private struct SealedParts {
    let keyID: String
    let nonce: ArraySlice<UInt8>
    let ciphertextAndTag: ArraySlice<UInt8>

    init(_ sealed: [UInt8], version: UInt8) throws(SealError) {
        guard sealed.count >= 2, sealed[0] == version else { throw .malformed }
        let nonceStart = 2 + Int(sealed[1])
        let ciphertextStart = nonceStart + SealLimits.nonceBytes
        guard sealed.count >= ciphertextStart + SealLimits.tagBytes,
            sealed.count <= ciphertextStart + SealLimits.tagBytes + SealLimits.plaintextBytesMax,
            let keyID = String(validating: sealed[2..<nonceStart], as: UTF8.self), SealLimits.isKeyID(keyID)
        else { throw .malformed }
        self.keyID = keyID
        nonce = sealed[nonceStart..<ciphertextStart]
        ciphertextAndTag = sealed[ciphertextStart...]
    }
}
