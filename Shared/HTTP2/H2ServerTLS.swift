internal import NIOCore
package import NIOSSL
internal import NIOTLS

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

/// Passes on data only from peers that are admitted, by the names in their certificate. Sits after TLS.
final class H2PeerGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let admits: @Sendable ([String]) -> Bool
    private let onRefusal: () -> Void
    private var isOpen = false

    init(admits: @escaping @Sendable ([String]) -> Bool, onRefusal: @escaping () -> Void) {
        self.admits = admits
        self.onRefusal = onRefusal
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            let certificate = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()
            guard let certificate, admits(Self.names(certificate)) else {
                onRefusal()
                context.close(promise: nil)
                return
            }
            isOpen = true
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Otherwise it arrived in the same turn as a rejected handshake.
        if isOpen { context.fireChannelRead(data) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // No trusted certificate, or no TLS at all. A peer that only probes the port is not a caller, and is not
        // reported.
        if !isOpen, case .handshakeFailed(.sslError(let causes))? = error as? NIOSSLError,
            causes != [.eofDuringHandshake]
        {
            onRefusal()
        }
        context.fireErrorCaught(error)
    }

    private static func names(_ certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            name.nameType == .dnsName ? String(decoding: Array(name.contents), as: UTF8.self) : nil
        }
    }
}
