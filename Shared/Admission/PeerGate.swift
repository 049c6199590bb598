package import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Passes on data only from peers that are admitted, by the DNS names in their certificate. Sits right after TLS, which
/// decides whether a certificate is trusted. Confined to the connection's event loop.
package final class PeerGate: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    private let admits: @Sendable ([String]) -> Bool
    private let onRefusal: () -> Void
    private var isOpen = false

    /// `admits` decides by the names of a peer; `onRefusal` is called once for a peer that is turned away, whose
    /// connection is closed.
    package init(admits: @escaping @Sendable ([String]) -> Bool, onRefusal: @escaping () -> Void) {
        self.admits = admits
        self.onRefusal = onRefusal
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
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

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Otherwise it arrived in the same turn as a rejected handshake.
        if isOpen { context.fireChannelRead(data) }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
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
