/// The kind of a token, its prefix, so that leak scanners and people can tell what they found.
package struct TokenPrefix: Sendable, Hashable {
    /// Ends in `_`, for example `reelay_st_`.
    package let text: String

    package init(_ text: StaticString) {
        self.text = text.description
    }
}

/// A bearer token of 256 random bits: a prefix and base64url text. Only its digest may be stored.
package struct OpaqueToken: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let secretBytes = 32
    /// The number of leading bytes shared by the tokens of a line.
    static let lineBytes = 16

    /// The text that the owner keeps; shown once.
    package let text: Secret
    /// The first bytes of the token, shared by every token that continues it.
    private let line: [UInt8]

    /// Makes a new token.
    package init(prefix: TokenPrefix) {
        self.init(prefix: prefix, bits: RandomBytes.make(Self.secretBytes))
    }

    private init(prefix: TokenPrefix, bits: [UInt8]) {
        text = Secret(prefix.text + Base64.encodeURL(bits))
        line = Array(bits.prefix(Self.lineBytes))
    }

    /// Derives a token from another one and a salt of 256 random bits: always the same, and as good as random to anyone
    /// who lacks either.
    package init(prefix: TokenPrefix, after token: OpaqueToken, salt: [UInt8]) {
        let message = Array("reelay.token.v1\n\(prefix.text)\n".utf8) + salt
        self.init(prefix: prefix, bits: HMAC.sha256(key: Array(token.text.revealed.utf8), message: message))
    }

    /// Derives a token in the line of `token`: it begins with the same bytes, and 128 bits follow from `token` and the
    /// salt. So whoever presents a token of the line can be recognized by it, but knows nothing of the later ones.
    package init(prefix: TokenPrefix, continuing token: OpaqueToken, salt: [UInt8]) {
        let message = Array("reelay.token.v2\n\(prefix.text)\n".utf8) + salt
        let code = HMAC.sha256(key: Array(token.text.revealed.utf8), message: message)
        self.init(prefix: prefix, bits: token.line + code.prefix(Self.secretBytes - Self.lineBytes))
    }

    /// Parses a presented text; nil unless it has this prefix and 256 bits, so that junk costs no query.
    package init?(presented text: Secret, prefix: TokenPrefix) {
        guard text.revealed.hasPrefix(prefix.text),
            let bits = Base64.decodeURL(text.revealed.utf8.dropFirst(prefix.text.utf8.count)),
            bits.count == Self.secretBytes
        else { return nil }
        self.text = text
        line = Array(bits.prefix(Self.lineBytes))
    }

    /// The SHA-256 of the whole text, which is stored and looked up. A fast hash suffices for 256 random bits.
    package var digest: SHA256Digest { SHA256.hash(text.revealed) }

    /// The SHA-256 of the bytes that the tokens of a line share. It reveals no token.
    package var lineDigest: SHA256Digest { SHA256.hash(Array("reelay.line.v1\n".utf8) + line) }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// An API key: `prefix`, an id of 16 hexadecimal digits, `_`, 256 random bits in base64url.
///
/// The id is public (it names the key in lists and logs); only the digest of the whole text may be stored.
package struct APIKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let idBytes = 8

    /// 16 lowercase hexadecimal digits.
    package let id: String
    /// The text that the owner keeps; shown once.
    package let text: Secret

    /// Makes a new key.
    package init(prefix: TokenPrefix) {
        id = Hex.encode(RandomBytes.make(Self.idBytes))
        text = Secret("\(prefix.text)\(id)_\(Base64.encodeURL(RandomBytes.make(OpaqueToken.secretBytes)))")
    }

    /// Parses a presented text; nil unless it has the form above.
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

    /// The SHA-256 of the whole text, which is stored and compared.
    package var digest: SHA256Digest { SHA256.hash(text.revealed) }

    package var description: String { "APIKey(\(id), ***)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
