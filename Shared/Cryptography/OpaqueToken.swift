/// The kind of a token, written in front of it so that leak scanners and people can tell what they found.
package struct TokenPrefix: Sendable, Hashable {
    /// Ends in `_`, for example `reelay_st_`.
    package let text: String

    package init(_ text: StaticString) {
        self.text = text.description
    }
}

/// A bearer token of 256 random bits: prefix and base64url text. Only its digest may be stored.
package struct OpaqueToken: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let secretBytes = 32
    /// How many of them the tokens of a line have in common.
    static let lineBytes = 16

    /// The text that its owner keeps; shown once.
    package let text: Secret
    /// How the token's bits begin, and those of every token that continues it.
    private let line: [UInt8]

    /// Makes a new token.
    package init(prefix: TokenPrefix) {
        self.init(prefix: prefix, bits: RandomBytes.make(Self.secretBytes))
    }

    private init(prefix: TokenPrefix, bits: [UInt8]) {
        text = Secret(prefix.text + Base64.encodeURL(bits))
        line = Array(bits.prefix(Self.lineBytes))
    }

    /// The token that follows from another one and a salt of 256 random bits: always the same, and as good as a random one
    /// to whoever lacks either.
    package init(prefix: TokenPrefix, after token: OpaqueToken, salt: [UInt8]) {
        let message = Array("reelay.token.v1\n\(prefix.text)\n".utf8) + salt
        self.init(prefix: prefix, bits: HMAC.sha256(key: Array(token.text.revealed.utf8), message: message))
    }

    /// The same in the line of that token: it begins as that one does, and 128 bits follow from that one and the salt. So
    /// who has had one token of a line is recognised by it, and knows nothing of the later ones.
    package init(prefix: TokenPrefix, continuing token: OpaqueToken, salt: [UInt8]) {
        let message = Array("reelay.token.v2\n\(prefix.text)\n".utf8) + salt
        let code = HMAC.sha256(key: Array(token.text.revealed.utf8), message: message)
        self.init(prefix: prefix, bits: token.line + code.prefix(Self.secretBytes - Self.lineBytes))
    }

    /// Takes a text that somebody presents; nil unless it has this prefix and 256 bits, so that junk costs no query.
    package init?(presented text: Secret, prefix: TokenPrefix) {
        guard text.revealed.hasPrefix(prefix.text),
            let bits = Base64.decodeURL(text.revealed.utf8.dropFirst(prefix.text.utf8.count)),
            bits.count == Self.secretBytes
        else { return nil }
        self.text = text
        line = Array(bits.prefix(Self.lineBytes))
    }

    /// SHA-256 of the whole text: what is stored and looked up. A fast hash suffices for 256 random bits.
    package var digest: SHA256Digest { SHA256.hash(text.revealed) }

    /// SHA-256 of what the tokens of a line have in common. It tells no token.
    package var lineDigest: SHA256Digest { SHA256.hash(Array("reelay.line.v1\n".utf8) + line) }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// An API key: `prefix`, 16 hexadecimal digits of id, `_`, 256 random bits in base64url.
///
/// The id is public (it names the key in lists and logs); only the digest of the whole text may be stored.
package struct APIKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let idBytes = 8

    /// 16 lower-case hexadecimal digits.
    package let id: String
    /// The text that its owner keeps; shown once.
    package let text: Secret

    /// Makes a new key.
    package init(prefix: TokenPrefix) {
        id = Hex.encode(RandomBytes.make(Self.idBytes))
        text = Secret("\(prefix.text)\(id)_\(Base64.encodeURL(RandomBytes.make(OpaqueToken.secretBytes)))")
    }

    /// Takes a text that somebody presents; nil unless it has the form above.
    package init?(presented text: Secret, prefix: TokenPrefix) {
        guard text.revealed.hasPrefix(prefix.text) else { return nil }
        let rest = text.revealed.dropFirst(prefix.text.count)
        let id = String(rest.prefix(Self.idBytes * 2))
        let tail = rest.dropFirst(Self.idBytes * 2)
        guard let idBytes = Hex.decode(id), idBytes.count == Self.idBytes, Hex.encode(idBytes) == id,
            tail.first == "_", Base64.decodeURL(String(tail.dropFirst()))?.count == OpaqueToken.secretBytes
        else { return nil }
        self.id = id
        self.text = text
    }

    /// SHA-256 of the whole text: what is stored and compared.
    package var digest: SHA256Digest { SHA256.hash(text.revealed) }

    package var description: String { "APIKey(\(id), ***)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
