package import Contracts
internal import Glibc
internal import Hummingbird
internal import HummingbirdCore
package import Logging
package import NIOCore
internal import RPC

/// The context that the web framework passes along with a request.
struct EdgeRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    var connection: ObjectIdentifier { ObjectIdentifier(channel) }
    var loop: any EventLoop { channel.eventLoop }

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// Waits until the event loop has processed what was written to the connection, and knows whether there is room for
    /// more.
    func settle() async throws { try await loop.submit {}.get() }
}

/// The public HTTP side: the table of operations, bound to the web framework. No other part of the public side
/// depends on the framework.
package struct EdgeServer: Sendable {
    private let responder: EdgeResponder
    private let host: String
    private let port: Int
    private let group: any EventLoopGroup
    private let logger: Logger
    private let limits: EdgeLimits
    private let counts: ConnectionCounts
    private let lines: StreamLines
    /// Connections and lines together.
    private let connectionsMax: Int
    private let certificate: EdgeCertificate?
    private let connections = OpenConnections()
    private let executors: LoopExecutors
    private let turns: TurnLines
    private let turnedAway: EdgeRefusalSink
    private let waited: EdgeWaitSink

    /// `securesSubdomains` tells browsers that came over TLS to use nothing else for names below this one either.
    package init(
        routes: [EdgeRoute], cors: CORSPolicy, proxies: TrustedProxies = TrustedProxies(),
        limits: EdgeLimits = EdgeLimits(), limiter: RateLimiter? = nil, certificate: EdgeCertificate? = nil,
        securesSubdomains: Bool = false, conditions: (any ConditionBook)? = nil, host: String, port: Int,
        group: any EventLoopGroup, logger: Logger, authenticate: @escaping EdgeAuthenticator,
        observe: @escaping @Sendable (EdgeRecord) -> Void, turnedAway: @escaping EdgeRefusalSink,
        waited: @escaping EdgeWaitSink
    ) {
        executors = LoopExecutors(group)
        turns = TurnLines(
            group, pauses: limits.pipelinedPause...max(limits.pipelinedPause, limits.pipelinedPauseMax))
        connectionsMax = limits.connections(descriptors: Self.descriptors())
        counts = ConnectionCounts(limit: limits.addressConnectionsMax, proxies: proxies)
        // Never all connections: ordinary requests need some as well.
        lines = StreamLines(
            limits: limits, counts: counts, connections: connections, countMax: connectionsMax * 3 / 4)
        responder = EdgeResponder(
            table: RouteTable(routes), cors: cors, proxies: proxies, limits: limits, connections: connections,
            lines: lines,
            limiter: limiter, executors: executors, sweeper: DeadlineSweeper(eventLoop: group.next()),
            room: BodyRoom(limits: limits), packer: AnswerPacker(limits: limits, fixed: FixedForms()),
            transport: certificate.map { _ in TransportSecurity(coversSubdomains: securesSubdomains) },
            conditions: conditions,
            authenticate: authenticate, observe: observe)
        self.host = host
        self.port = port
        self.group = group
        self.logger = logger
        self.limits = limits
        self.certificate = certificate
        self.turnedAway = turnedAway
        self.waited = waited
    }

    /// Returns the number of files that this process may open, after raising it to the system's maximum.
    private static func descriptors() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var found = rlimit()
        guard getrlimit(resource, &found) == 0 else { return 1_024 }
        var raised = found
        raised.rlim_cur = found.rlim_max
        return Int(clamping: setrlimit(resource, &raised) == 0 ? raised.rlim_cur : found.rlim_cur)
    }

    /// Serves until graceful shutdown, then finishes what is in flight. Throws errors of binding. `onListening`
    /// receives the port, which the system chooses if 0 was requested.
    package func run(onListening: @escaping @Sendable (_ port: Int) -> Void) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let configuration = ApplicationConfiguration(
            address: .hostname(host, port: port), serverName: nil, backlog: 1_024,
            availableConnectionsDelegate: RoomForConnections(
                countMax: connectionsMax, lines: lines, turnedAway: turnedAway))
        let requests = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestGuard(
                    limits: limits, connections: connections, takesUpload: responder.takesUpload,
                    answer: responder.refuse, turnedAway: turnedAway)
            ],
            idleTimeout: TimeAmount(limits.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax,
                maxHeaderFieldCount: limits.headerFieldsMax))
        let room = responder.room
        let server = HTTPServerBuilder {
            [certificate, counts, limits, executors, turns, turnedAway, waited] responder in
            EdgeChannel(
                responder: responder, requests: requests, certificate: certificate, counts: counts,
                limits: limits, executors: executors, lines: turns, room: room, turnedAway: turnedAway, waited: waited)
        }
        let application = Application(
            responder: responder,
            server: server,
            configuration: configuration,
            onServerRunning: { [lines] channel in
                lines.serve(channel)
                onListening(channel.localAddress?.port ?? 0)
            },
            eventLoopGroupProvider: .shared(group), logger: quiet)
        do {
            try await application.run()
        } catch {
            await lines.end(within: .zero)
            throw error
        }
        await lines.end(within: limits.farewellTimeout)
    }
}

/// Decides whether one more connection may be accepted: connections that continue as lines hold a file each as well.
private struct RoomForConnections: AvailableConnectionsDelegate {
    let countMax: Int
    let lines: StreamLines
    let turnedAway: EdgeRefusalSink
    private var count = 0

    init(countMax: Int, lines: StreamLines, turnedAway: @escaping EdgeRefusalSink) {
        self.countMax = countMax
        self.lines = lines
        self.turnedAway = turnedAway
    }

    mutating func connectionOpened() { count += 1 }
    mutating func connectionClosed() { count -= 1 }

    /// Called before each accept.
    func isAcceptingNewConnections() -> Bool {
        let hasRoom = count + lines.count < countMax
        if !hasRoom { turnedAway(.connection(.full)) }
        return hasRoom
    }
}
