package import Cryptography

/// A single attempt to connect with the authorization code flow (RFC 6749 §4.1), PKCE (RFC 7636) and state.
package struct CodeAuthorization: Sendable {
    /// 256 random bits, handed out once; only its digest is stored.
    package let state: Secret
    /// 256 random bits in 43 characters; leaves this machine only along with the code.
    package let verifier: Secret

    /// Both arguments hold at least 32 random bytes.
    package init(state: [UInt8], verifier: [UInt8]) {
        self.state = Secret(Base64.encodeURL(state))
        self.verifier = Secret(Base64.encodeURL(verifier))
    }

    /// Returns the URL to send the browser to for Trakt. The challenge is always present, and always S256.
    package func url(at authURL: String, clientID: Secret, redirectURI: String) -> String {
        "\(authURL)/oauth/authorize?\(query(clientID, redirectURI).joined(separator: "&"))"
    }

    /// Returns the URL for Simkl (V2), which would otherwise silently issue a token without the right to write.
    package func url(atSimkl siteURL: String, clientID: Secret, redirectURI: String) -> String {
        let fields = query(clientID, redirectURI) + ["scope=\(Self.escaped("media:read media:write"))"]
        return "\(siteURL)/oauth2/authorize?\(fields.joined(separator: "&"))"
    }

    private func query(_ clientID: Secret, _ redirectURI: String) -> [String] {
        let fields = [
            ("response_type", "code"), ("client_id", clientID.revealed), ("redirect_uri", redirectURI),
            ("state", state.revealed), ("code_challenge", Self.challenge(verifier)), ("code_challenge_method", "S256"),
        ]
        return fields.map { "\($0)=\(Self.escaped($1))" }
    }

    package static func challenge(_ verifier: Secret) -> String {
        Base64.encodeURL(SHA256.hash(verifier.revealed).bytes)
    }

    /// Whether the browser was sent back by the issuer it was sent to (RFC 9207). Trakt and Simkl send no `iss`, so nil
    /// passes too.
    package static func isIssuer(_ iss: String?, of authURL: String) -> Bool { iss.map { $0 == authURL } ?? true }

    /// Encodes a form as `application/x-www-form-urlencoded`.
    static func form(_ members: [(String, String)]) -> String {
        members.map { "\($0)=\(escaped($1))" }.joined(separator: "&")
    }

    static func escaped(_ text: String) -> String {
        let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        return text.utf8.reduce(into: "") { result, byte in
            if plain.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + Hex.encode([byte]).uppercased()
            }
        }
    }
}
