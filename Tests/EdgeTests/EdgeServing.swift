import Contracts
import Edge
import Logging
import NIOCore
import NIOPosix
import RPC
import ServiceLifecycle
import Testing

/// Test tokens: `good`, a session; `newcomer`, one whose password must be changed; `plain`, one without a second factor
/// where it is mandatory; `key`, which may only read; and `writer`, which may only rate.
enum TestTokens {
    static let authenticate: EdgeAuthenticator = { token in
        TestTokens.caller(of: token).map(EdgeCredentials.caller) ?? .nobody
    }

    static func caller(of token: String) -> EdgeCaller? {
        let scopes = ["key": Set(["read"]), "writer": Set(["rate"])]
        guard ["good", "newcomer", "plain"].contains(token) || scopes[token] != nil else { return nil }
        return EdgeCaller(
            user: UserID(UUIDBits(high: 1, low: 1)), scopes: scopes[token], credential: UUIDBits(high: 1, low: 2),
            hasGivenPassword: token == "newcomer", lacksSecondFactor: token == "plain")
    }
}

private struct ServedEdge: Service {
    let server: EdgeServer
    let announce: @Sendable (Int) -> Void

    func run() async throws { try await server.run(onListening: announce) }
}

/// Suites that call the public side over a real socket.
protocol EdgeServing {}

extension EdgeServing {
    /// Serves while `body` runs, then stops.
    func withServer(
        _ limits: EdgeLimits = EdgeLimits(), routes: [EdgeRoute] = TestRoutes.all,
        proxies: TrustedProxies = TrustedProxies(), limiter: RateLimiter? = nil, certificate: EdgeCertificate? = nil,
        securesSubdomains: Bool = false, conditions: (any ConditionBook)? = nil,
        group loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        authenticate: @escaping EdgeAuthenticator = TestTokens.authenticate,
        turnedAway: @escaping EdgeRefusalSink = { _ in }, waited: @escaping EdgeWaitSink = { _ in },
        _ body: @Sendable @escaping (_ port: Int) async throws -> Void
    ) async throws {
        let (lifetime, ports) = makeServer(
            limits, routes: routes, proxies: proxies, limiter: limiter, certificate: certificate,
            securesSubdomains: securesSubdomains, conditions: conditions, group: loops, authenticate: authenticate,
            turnedAway: turnedAway, waited: waited)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await lifetime.run() }
            var arrivals = ports.makeAsyncIterator()
            let port = try #require(await arrivals.next())
            group.addTask { try await body(port) }
            let ended = await group.nextResult()
            // Cancelling a listener that has connections in its queue crashes the process.
            await lifetime.triggerGracefulShutdown()
            try? await Task.sleep(for: .milliseconds(20))
            group.cancelAll()
            while (try? await group.next()) != nil {}
            try ended?.get()
        }
    }

    /// Returns a server that is not running yet, and a stream that yields its port once it is.
    func makeServer(
        _ limits: EdgeLimits = EdgeLimits(), routes: [EdgeRoute] = TestRoutes.all,
        proxies: TrustedProxies = TrustedProxies(), limiter: RateLimiter? = nil, certificate: EdgeCertificate? = nil,
        securesSubdomains: Bool = false, conditions: (any ConditionBook)? = nil,
        group loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        authenticate: @escaping EdgeAuthenticator = TestTokens.authenticate,
        turnedAway: @escaping EdgeRefusalSink = { _ in }, waited: @escaping EdgeWaitSink = { _ in }
    ) -> (lifetime: ServiceGroup, ports: AsyncStream<Int>) {
        let server = EdgeServer(
            routes: routes, cors: CORSPolicy(origins: ["https://app.example"]), proxies: proxies, limits: limits,
            limiter: limiter, certificate: certificate, securesSubdomains: securesSubdomains, conditions: conditions,
            host: "127.0.0.1", port: 0, group: loops, logger: Logger(label: "edge"),
            authenticate: authenticate, observe: { _ in }, turnedAway: turnedAway, waited: waited)
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let lifetime = ServiceGroup(
            services: [ServedEdge(server: server, announce: { announce.yield($0) })], logger: Logger(label: "lifetime"))
        return (lifetime, ports)
    }

    static func post(_ path: String, _ fields: [String], _ body: String = "") -> String {
        (["POST \(path) HTTP/1.1", "host: api", "content-type: application/json"] + fields + ["", body])
            .joined(separator: "\r\n")
    }

    static func get(_ path: String, _ fields: [String] = [], method: String = "GET") -> String {
        (["\(method) \(path) HTTP/1.1", "host: api", "connection: close"] + fields + ["", ""]).joined(separator: "\r\n")
    }

    static func exchange(_ port: Int, _ request: String) async throws -> String {
        let client = try RawClient(port: port)
        client.write(request)
        return try await client.readToEnd()
    }
}
