package import Contracts
package import Cryptography

/// The tokens of an account elsewhere, as they came.
package struct AccountTokens: Sendable, Equatable {
    package let access: Secret
    /// Nil where there is none: the access token is good until its person withdraws it or it ends.
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
