package import Contracts
package import Cryptography

/// The tokens of an account on another side, as received.
package struct AccountTokens: Sendable, Equatable {
    package let access: Secret
    /// Nil if there is none: the access token is then valid until the person revokes it or it expires.
    package let refresh: Secret?
    package let issuedAt: Timestamp
    package let expiresAt: Timestamp

    package init(access: Secret, refresh: Secret?, issuedAt: Timestamp, expiresAt: Timestamp) {
        self.access = access
        self.refresh = refresh
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }
}
