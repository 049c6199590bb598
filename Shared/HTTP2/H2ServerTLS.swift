internal import NIOCore
package import NIOSSL
internal import NIOTLS

/// How a server speaks TLS: asked for each connection anew, so that certificates can change while it runs.
package struct H2ServerTLS: Sendable {
    let context: @Sendable () -> NIOSSLContext
    /// Whether a peer whose certificate has these DNS names may come in; nil where certificates of peers are not asked for.
    let admits: (@Sendable ([String]) -> Bool)?

    /// `context` decides which certificates are believed, `admits` whom of these is let in. Both are called on event loops.
    package init(
        admits: (@Sendable ([String]) -> Bool)? = nil, context: @escaping @Sendable () -> NIOSSLContext
    ) {
        self.context = context
        self.admits = admits
    }

    /// One context for as long as the server lives.
    package init(_ context: NIOSSLContext) { self.init { context } }
}

/// Lets nothing through but from peers that are admitted, by the names in their certificate. Stands behind TLS.
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
        // What came in the same turn as a handshake that was refused.
        if isOpen { context.fireChannelRead(data) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Without a certificate that is believed, or without TLS at all; who only looks whether anybody is there is no caller.
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
