internal import Admission
package import NIOCore
internal import NIOPosix
internal import NIOSSL

/// The address of a listener or a peer.
package struct H2Address: Sendable, Hashable {
    /// A name or an address; "0.0.0.0" and "::" mean all interfaces.
    package var host: String
    /// From 0 to 65 535; 0 lets the system choose, see `H2Server.boundPort`.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// Runs work that serves several requests at once, so that their own requests to others can be sent together at its
/// end.
package typealias H2Together = @Sendable (_ work: () -> Void) -> Void

/// An HTTP/2 server: listeners, their connections, and one handler that answers every request.
///
/// The handler runs on the event loop of its connection, so that answers made in one turn leave in one write: it must
/// not block, and long computations belong elsewhere. If the peer resets the stream, or the connection ends, the
/// handler's task is cancelled; it keeps its slot until it returns.
package final class H2Server: Sendable {
    private let listeners: [any Channel]
    private let ledger: H2ConnectionLedger
    private let limits: H2Limits

    private init(listeners: [any Channel], ledger: H2ConnectionLedger, limits: H2Limits) {
        self.listeners = listeners
        self.ledger = ledger
        self.limits = limits
    }

    /// Listens on every address; with `tls` the peer must negotiate "h2" by ALPN.
    ///
    /// `together` is called around handlers that start or resume in the same turn of a loop. Throws `connectFailed` if
    /// an address cannot be bound; no listener stays open then.
    package static func start(
        on addresses: [H2Address], limits: H2Limits = H2Limits(), tls: H2ServerTLS? = nil,
        group: any EventLoopGroup, observe: H2Sink? = nil, together: H2Together? = nil,
        handler: @escaping @Sendable (H2Request) async -> H2Response
    ) async throws(H2Error) -> H2Server {
        let ledger = H2ConnectionLedger(limits: limits)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: CInt(limits.backlogMax))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(
                        channel, limits: limits, tls: tls, ledger: ledger, observe: observe, together: together,
                        handler: handler)
                }
            }
        var listeners: [any Channel] = []
        for address in addresses {
            do {
                listeners.append(try await bootstrap.bind(host: address.host, port: address.port).get())
            } catch {
                for listener in listeners { try? await listener.close() }
                throw H2Error(.connectFailed("\(address.host):\(address.port): \(error)"))
            }
        }
        return H2Server(listeners: listeners, ledger: ledger, limits: limits)
    }

    private static func accept(
        _ channel: any Channel, limits: H2Limits, tls: H2ServerTLS?, ledger: H2ConnectionLedger, observe: H2Sink?,
        together: H2Together?, handler: @escaping @Sendable (H2Request) async -> H2Response
    ) throws {
        let remoteAddress = channel.remoteAddress?.ipAddress ?? ""
        if let refusal = ledger.admit(channel, from: remoteAddress, now: .now) {
            observe?(.connectionRefused(remoteAddress: remoteAddress, refusal))
            channel.close(promise: nil)
            return
        }
        do {
            let session = try H2Session(
                .server, limits: limits, remoteAddress: remoteAddress, requestBudget: ledger.requestBudget, now: .now)
            let side = H2ServerSide(loop: channel.eventLoop, together: together, handler: handler) {
                ledger.release(channel, from: remoteAddress)
            }
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context())) }
            if let admits = tls?.admits {
                try pipeline.addHandler(
                    PeerGate(admits: admits) {
                        observe?(.connectionRefused(remoteAddress: remoteAddress, .wrongPeer))
                    })
            }
            let watch: H2Sink = { observation in
                if observation.isFlood { ledger.punish(remoteAddress, now: .now) }
                observe?(observation)
            }
            let connection = H2ChannelHandler(
                session: session, side: side, remoteAddress: remoteAddress, requiresALPN: tls != nil, observe: watch)
            try pipeline.addHandler(connection)
            observe?(.connectionOpened(remoteAddress: remoteAddress))
        } catch {
            ledger.release(channel, from: remoteAddress)
            throw error
        }
    }

    /// The port of the first listener.
    package var boundPort: Int { boundPorts.first ?? 0 }

    /// The port of each listener, in the order of the given addresses.
    package var boundPorts: [Int] { listeners.map { $0.localAddress?.port ?? 0 } }

    /// The number of connections that are open or whose handlers still run.
    package var connectionCount: Int { ledger.count }

    /// Shuts down gracefully: no new connections; GOAWAY, a round trip, the last GOAWAY; open streams finish. After
    /// `grace` connections are closed and their handlers cancelled; returns at most `H2Limits.lingerTimeout` × 2 later.
    package func shutdown(grace: Duration) async {
        ledger.startDraining()
        for listener in listeners { try? await listener.close() }
        guard let loop = listeners.first?.eventLoop else { return }
        let ledger = ledger
        ledger.signal(.drain)
        let terminate = loop.scheduleTask(in: TimeAmount(grace)) { ledger.signal(.terminate) }
        let giveUp = loop.scheduleTask(in: TimeAmount(grace + limits.lingerTimeout * 2)) { ledger.stopWaiting() }
        await ledger.waitUntilEmpty()
        terminate.cancel()
        giveUp.cancel()
    }
}
