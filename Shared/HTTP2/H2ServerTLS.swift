package import NIOSSL

/// A server's TLS configuration, requested anew for each connection, so that certificates can change while it runs.
package struct H2ServerTLS: Sendable {
    let context: @Sendable () -> NIOSSLContext
    /// Returns whether a peer whose certificate has these DNS names is admitted; nil if peers need no certificate.
    let admits: (@Sendable ([String]) -> Bool)?

    /// `context` decides which certificates are trusted, `admits` which of their owners are admitted. Both are called
    /// on event loops.
    package init(
        admits: (@Sendable ([String]) -> Bool)? = nil, context: @escaping @Sendable () -> NIOSSLContext
    ) {
        self.context = context
        self.admits = admits
    }

    /// Uses one context for the server's lifetime.
    package init(_ context: NIOSSLContext) { self.init { context } }
}
