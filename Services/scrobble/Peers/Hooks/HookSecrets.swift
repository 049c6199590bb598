package import Cryptography
import Contracts

/// The secrets of hooks: the last part of their addresses, or sent in a header field.
package struct HookSecrets: Sendable {
    static let prefix = TokenPrefix("reelay_hk_")

    /// The key from which secrets requested under an Idempotency-Key are derived; the same in all copies of the
    /// service.
    private let seed: [UInt8]

    /// `secret` is the service's own; if it is a list, its first element is used.
    package init(seed secret: Secret) {
        let first = secret.revealed.split(separator: ",").first.map(String.init) ?? ""
        seed = HMAC.sha256(key: Array(first.utf8), message: Array("reelay.hooks.v1".utf8))
    }

    /// Returns a new secret. The same call under the same key gets the same one, because its first answer may have been
    /// lost.
    func make(_ purpose: String, of user: UserID, under key: String?) -> OpaqueToken {
        guard let key else { return OpaqueToken(prefix: Self.prefix) }
        let bits = HMAC.sha256(key: seed, message: Array("\(purpose)\n\(user)\n\(key)".utf8))
        let text = Secret(Self.prefix.text + Base64.encodeURL(bits))
        return OpaqueToken(presented: text, prefix: Self.prefix) ?? OpaqueToken(prefix: Self.prefix)
    }

    /// The digest of a presented secret; nil if it is malformed.
    func digest(of text: String) -> SHA256Digest? {
        OpaqueToken(presented: Secret(text), prefix: Self.prefix)?.digest
    }
}

extension NewHook {
    init(_ hook: Hook, _ secret: OpaqueToken) {
        let text = secret.text.revealed
        self.init(hook: hook, secret: text, path: "/api/v1/hooks/\(text)")
    }
}
