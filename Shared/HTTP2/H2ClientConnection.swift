package import NIOCore
internal import NIOPosix
package import NIOSSL

/// One connection of a client, shared by calls from any thread, each on its own stream.
package final class H2ClientConnection: Sendable {
    /// A change that is reported to the connection's owner at most once, on the connection's loop.
    package enum Change: Sendable, Hashable {
        /// No new calls are taken; those in flight continue.
        case draining
        /// The connection has ended; the error is nil if it ended in an orderly way.
        case closed(H2Error?)
    }

    private let channel: any Channel
    private let inbox: H2Inbox
    private let wake: @Sendable () -> Void

    private init(channel: any Channel, inbox: H2Inbox, wake: @escaping @Sendable () -> Void) {
        self.channel = channel
        self.inbox = inbox
        self.wake = wake
    }

    /// Connects and waits for the peer's SETTINGS, which prove that it speaks HTTP/2 and takes calls.
    ///
    /// `host` may be an address or a name, which is resolved off the loop. `serverName` is the name that the
    /// certificate must match; nil uses the host. Takes at most `H2Limits.connectTimeout` for TCP and as long again for
    /// TLS and SETTINGS. Throws `connectFailed` or `connectTimedOut`.
    package static func connect(
        host: String, port: Int, limits: H2Limits = .client, tls: NIOSSLContext? = nil, serverName: String? = nil,
        group: any EventLoopGroup, observe: H2Sink? = nil, onChange: @escaping @Sendable (Change) -> Void = { _ in }
    ) async throws(H2Error) -> H2ClientConnection {
        var limits = limits
        limits.prefaceTimeout = limits.connectTimeout
        let parts = Parts(
            limits: limits, tls: tls, serverName: serverName ?? host, host: host, observe: observe, onChange: onChange)
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(limits.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        do {
            let (channel, connection) = try await bootstrap.connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    (channel, try parts.assemble(on: channel))
                }
            }
            try await connection.ready.get()
            observe?(.connectionOpened(remoteAddress: host))
            return H2ClientConnection(channel: channel, inbox: connection.inbox, wake: connection.wake)
        } catch let error as H2Error {
            if error.code == .settingsTimeout { throw H2Error(.connectTimedOut, wasNotProcessed: true) }
            throw H2Error(.connectFailed(error.description), code: error.code, wasNotProcessed: true)
        } catch ChannelError.connectTimeout {
            throw H2Error(.connectTimedOut, wasNotProcessed: true)
        } catch {
            throw H2Error(.connectFailed("\(host):\(port): \(error)"), wasNotProcessed: true)
        }
    }

    /// The parts of a connection, until it is ready.
    private struct Parts: Sendable {
        let limits: H2Limits
        let tls: NIOSSLContext?
        let serverName: String
        let host: String
        let observe: H2Sink?
        let onChange: @Sendable (Change) -> Void

        func assemble(on channel: any Channel) throws -> Assembled {
            let inbox = H2Inbox()
            let loop = channel.eventLoop
            let ready = loop.makePromise(of: Void.self)
            do {
                let session = try H2Session(.client, limits: limits, remoteAddress: host, now: .now)
                let side = H2ClientSide(limits: limits, loop: loop, inbox: inbox, ready: ready, onChange: onChange)
                let pipeline = channel.pipeline.syncOperations
                if let tls { try pipeline.addHandler(tlsHandler(tls)) }
                let connection = H2ChannelHandler(
                    session: session, side: side, remoteAddress: host, requiresALPN: tls != nil, observe: observe)
                try pipeline.addHandler(connection)
                let bound = NIOLoopBound((side: side, connection: connection), eventLoop: loop)
                return Assembled(inbox: inbox, ready: ready.futureResult) {
                    loop.execute { bound.value.side.takeCommands(bound.value.connection) }
                }
            } catch {
                ready.fail(error)
                throw error
            }
        }

        private func tlsHandler(_ tls: NIOSSLContext) throws -> NIOSSLClientHandler {
            do {
                return try NIOSSLClientHandler(context: tls, serverHostname: serverName)
            } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
                // The certificate is checked against the address in that case.
                return try NIOSSLClientHandler(context: tls, serverHostname: nil)
            }
        }
    }

    private struct Assembled: Sendable {
        let inbox: H2Inbox
        let ready: EventLoopFuture<Void>
        let wake: @Sendable () -> Void
    }

    // MARK: Calls

    /// Sends a request and waits for the whole response.
    ///
    /// Beyond the peer's limit of streams the call waits in a queue of at most `H2Limits.queuedCallsMax`. If the task
    /// is cancelled or the deadline passes, the stream is reset and the call fails with `cancelled` or
    /// `deadlineExceeded`. `wasNotProcessed` of any error tells whether the call may be sent again elsewhere.
    package func send(
        _ request: consuming H2Request, deadline: ContinuousClock.Instant
    ) async throws(H2Error) -> H2Response {
        inbox.enter()
        defer { inbox.leave() }
        let call = H2Call(request, deadline: deadline)
        // The parameter is taken as concurrent: another closure would be wrapped, and look up its executor twice.
        await withTaskCancellationHandler { @concurrent in
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let pending = unsafe H2PendingCall(call: call, continuation: continuation)
                switch inbox.put(.start(pending)) {
                case .wake: wake()
                case .put: break
                case .closed: pending.fail(H2Error(.connectionClosed, wasNotProcessed: true))
                }
            }
        } onCancel: {
            call.setCancelled()
            tell(.cancel(call))
        }
        return try call.outcome.get()
    }

    /// The number of calls that have been sent or wait for a stream.
    package var inFlightCount: Int { inbox.callCount }

    /// Whether new calls are refused, because the peer sent GOAWAY or `drain` was called.
    package var isDraining: Bool { inbox.isDraining }

    package var isClosed: Bool { inbox.isClosed }

    /// Refuses new calls and closes after the last one in flight.
    package func drain() { tell(.drain) }

    /// Closes at once; calls in flight fail with `connectionClosed`.
    package func close() { tell(.close) }

    /// Returns when the connection has ended.
    package func waitUntilClosed() async { try? await channel.closeFuture.get() }

    private func tell(_ command: H2Inbox.Command) {
        if case .wake = inbox.put(command) { wake() }
    }
}
