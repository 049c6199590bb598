package import Contracts
internal import Glibc
internal import Hummingbird
internal import HummingbirdCore
package import Logging
package import NIOCore
internal import RPC

/// What the web framework tells of a request beside the request itself.
struct EdgeRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The address at the other end of the connection, a proxy's perhaps.
    let peerAddress: String
    let connection: ObjectIdentifier
    let loop: any EventLoop

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peerAddress = source.channel.remoteAddress?.ipAddress ?? ""
        connection = ObjectIdentifier(source.channel)
        loop = source.channel.eventLoop
    }

    /// Waits until the connection has seen what was written to it, and knows whether there is room for more.
    func settle() async throws { try await loop.submit {}.get() }
}

/// The public HTTP side: the table of operations, bound to the web framework. Nothing else knows the framework.
package struct EdgeServer: Sendable {
    private let responder: EdgeResponder
    private let host: String
    private let port: Int
    private let group: any EventLoopGroup
    private let logger: Logger
    private let limits: EdgeLimits
    private let proxies: TrustedProxies
    private let certificate: EdgeCertificate?
    private let connections = OpenConnections()
    private let executors: LoopExecutors

    package init(
        routes: [EdgeRoute], cors: CORSPolicy, proxies: TrustedProxies = TrustedProxies(),
        limits: EdgeLimits = EdgeLimits(), limiter: RateLimiter? = nil, certificate: EdgeCertificate? = nil,
        conditions: (any ConditionBook)? = nil, host: String, port: Int, group: any EventLoopGroup, logger: Logger,
        authenticate: @escaping EdgeAuthenticator,
        observe: @escaping @Sendable (EdgeRecord) -> Void
    ) {
        executors = LoopExecutors(group)
        responder = EdgeResponder(
            table: RouteTable(routes), cors: cors, proxies: proxies, limits: limits, connections: connections,
            limiter: limiter, executors: executors, sweeper: DeadlineSweeper(eventLoop: group.next()),
            room: BodyRoom(limits: limits), isSecure: certificate != nil, conditions: conditions,
            authenticate: authenticate, observe: observe)
        self.host = host
        self.port = port
        self.group = group
        self.logger = logger
        self.limits = limits
        self.proxies = proxies
        self.certificate = certificate
    }

    /// Files that this process may have open, after it has taken as many as the system lets it.
    private static func descriptors() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var found = rlimit()
        guard getrlimit(resource, &found) == 0 else { return 1_024 }
        var raised = found
        raised.rlim_cur = found.rlim_max
        return Int(clamping: setrlimit(resource, &raised) == 0 ? raised.rlim_cur : found.rlim_cur)
    }

    /// Serves until graceful shutdown, then finishes what is in flight; throws what binding throws. `onListening` is told
    /// the port, which the system chooses where 0 was asked for.
    package func run(onListening: @escaping @Sendable (_ port: Int) -> Void) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let configuration = ApplicationConfiguration(
            address: .hostname(host, port: port), serverName: nil, backlog: 1_024,
            availableConnectionsDelegate: MaximumAvailableConnections(
                limits.connections(descriptors: Self.descriptors()), logger: quiet))
        let requests = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestGuard(
                    limits: limits, connections: connections, takesUpload: responder.takesUpload,
                    answer: responder.refuse)
            ],
            idleTimeout: TimeAmount(limits.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax,
                maxHeaderFieldCount: limits.headerFieldsMax))
        let counts = ConnectionCounts(limit: limits.addressConnectionsMax)
        let server = HTTPServerBuilder { [certificate, proxies, limits, executors] responder in
            EdgeChannel(
                responder: responder, requests: requests, certificate: certificate, proxies: proxies, counts: counts,
                limits: limits, executors: executors)
        }
        let application = Application(
            responder: responder,
            server: server,
            configuration: configuration,
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(group), logger: quiet)
        try await application.run()
    }
}
