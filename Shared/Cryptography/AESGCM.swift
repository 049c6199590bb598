internal import COpenSSL

/// AES-256-GCM over whole messages: 32-byte key, 12-byte nonce, 16-byte tag, the tag after the ciphertext.
enum AESGCM {
    static func encrypt(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(SealError) -> [UInt8] {
        let cipher = try CipherContext()
        return try cipher.encrypt(plaintext, key: key, nonce: nonce, associatedData: associatedData)
    }

    static func decrypt(
        _ ciphertextAndTag: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(SealError) -> [UInt8] {
        let cipher = try CipherContext()
        return try cipher.decrypt(ciphertextAndTag, key: key, nonce: nonce, associatedData: associatedData)
    }
}

/// Owns one libcrypto cipher context; `deinit` frees it and wipes its key schedule.
@safe private struct CipherContext: ~Copyable {
    private let context: OpaquePointer

    init() throws(SealError) {
        guard let made = unsafe EVP_CIPHER_CTX_new() else { throw .unavailable }
        unsafe context = made
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(context)
    }

    func encrypt(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(SealError) -> [UInt8] {
        try Self.requireSizes(key: key, nonce: nonce)
        var output = [UInt8](repeating: 0, count: plaintext.count + SealLimits.tagBytes)
        var written: Int32 = 0
        var tag = [UInt8](repeating: 0, count: SealLimits.tagBytes)
        let isDone =
            unsafe EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_EncryptUpdate(context, nil, &written, associatedData, Int32(associatedData.count)) == 1
            && EVP_EncryptUpdate(context, &output, &written, plaintext, Int32(plaintext.count)) == 1
            && EVP_EncryptFinal_ex(context, &tag, &written) == 1
            && reelay_gcm_get_tag(context, Int32(SealLimits.tagBytes), &tag) == 1
        guard isDone else { throw .unavailable }
        output.replaceSubrange(plaintext.count..., with: tag)
        return output
    }

    func decrypt(
        _ ciphertextAndTag: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(SealError) -> [UInt8] {
        try Self.requireSizes(key: key, nonce: nonce)
        let ciphertextCount = ciphertextAndTag.count - SealLimits.tagBytes
        guard ciphertextCount >= 0 else { throw .malformed }
        let tag = Array(ciphertextAndTag[ciphertextCount...])
        var output = [UInt8](repeating: 0, count: ciphertextCount)
        var written: Int32 = 0
        let isReady =
            unsafe EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_DecryptUpdate(context, nil, &written, associatedData, Int32(associatedData.count)) == 1
            && EVP_DecryptUpdate(context, &output, &written, ciphertextAndTag, Int32(ciphertextCount)) == 1
            && reelay_gcm_set_tag(context, Int32(SealLimits.tagBytes), tag) == 1
        guard isReady else { throw .unavailable }
        var unused = [UInt8](repeating: 0, count: SealLimits.tagBytes)
        guard unsafe EVP_DecryptFinal_ex(context, &unused, &written) == 1 else {
            // The decrypted bytes are not authentic: nobody may see them.
            unsafe reelay_cleanse(&output, output.count)
            throw .forged
        }
        return output
    }

    private static func requireSizes(key: [UInt8], nonce: [UInt8]) throws(SealError) {
        guard key.count == SealLimits.keyBytes, nonce.count == SealLimits.nonceBytes else { throw .malformed }
    }
}
