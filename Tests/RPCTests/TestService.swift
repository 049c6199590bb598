import HTTP2
import JSON
import NIOCore
import NIOPosix
import Synchronization

@testable import RPC

/// The methods that the conformance table uses, and some that misbehave on purpose.
enum TestService {
    static let secrets = ServiceSecrets(["new-secret", "old-secret"])
    static let group = MultiThreadedEventLoopGroup.singleton
    static let sweeper = DeadlineSweeper(eventLoop: group.any())

    static let echo = RPCMethod(name: "test.echo", isIdempotent: true)
    static let add = RPCMethod(name: "test.add", isIdempotent: true)
    static let nothing = RPCMethod(name: "test.nothing", isIdempotent: true)
    static let fail = RPCMethod(name: "test.fail", isIdempotent: true)

    struct EchoParams: JSONDecodable, JSONEncodable {
        private static let names = JSONNames("value")
        let value: JSONBytes

        init(_ value: some JSONEncodable) { self.value = JSONBytes(encoding: value) }

        init(from reader: inout JSONReader) throws(JSONError) {
            var members = try reader.beginObject()
            var value: JSONBytes?
            while try reader.nextMember(&members, Self.names) != nil { value = try JSONBytes(from: &reader) }
            guard let value else { throw reader.missing(members, "value") }
            self.value = value
        }

        func encode(to writer: inout JSONWriter) {
            writer.raw("{\"value\":")
            value.encode(to: &writer)
            writer.raw("}")
        }
    }

    struct AddParams: JSONDecodable {
        private static let names = JSONNames("a", "b")
        let a: Int
        let b: Int

        init(from reader: inout JSONReader) throws(JSONError) {
            var members = try reader.beginObject()
            var a: Int?
            var b: Int?
            while let member = try reader.nextMember(&members, Self.names) {
                if member == 0 { a = try reader.int() } else { b = try reader.int() }
            }
            guard let a else { throw reader.missing(members, "a") }
            guard let b else { throw reader.missing(members, "b") }
            self.a = a
            self.b = b
        }
    }

    struct Empty: JSONCodable {
        init() {}
        init(from reader: inout JSONReader) throws(JSONError) {
            var members = try reader.beginObject()
            while try reader.nextMember(&members, JSONNames()) != nil {}
        }
        func encode(to writer: inout JSONWriter) { writer.raw("{}") }
    }

    static var router: RPCRouter {
        var router = RPCRouter()
        router.describe(Array(#"{"openrpc":"1.3.2"}"#.utf8))
        router.register(echo) { (params: EchoParams, _) async throws(RPCError) in params.value }
        router.register(add) { (params: AddParams, _) async throws(RPCError) in params.a + params.b }
        router.register(nothing) { (_: Empty, _) async throws(RPCError) -> JSONValue in .null }
        router.register(fail) { (_: Empty, _) async throws(RPCError) -> JSONValue in
            let data = JSONBytes(encoding: JSONValue.object(JSONObject([("field", "value")])))
            throw RPCError(code: 1_999, message: #"It failed "on purpose"."#, data: data)
        }
        return router
    }

    static func server(
        _ router: RPCRouter, limits: RPCLimits = RPCLimits(), observe: @escaping RPCSink = { _ in }
    ) -> RPCServer {
        RPCServer(
            router: router, limits: limits, secrets: secrets, sweeper: sweeper,
            health: {
                HealthReport(checks: [
                    .init(name: "postgres", isServing: true),
                    .init(name: "metadata", isServing: false, reason: "unreachable"),
                ])
            }, observe: observe)
    }

    /// Listens on a free port of 127.0.0.1, or on `port`.
    static func listen(
        _ router: RPCRouter, port: Int = 0, limits: RPCLimits = RPCLimits(), h2Limits: H2Limits = H2Limits(),
        observe: @escaping RPCSink = { _ in }
    ) async throws -> H2Server {
        let server = server(router, limits: limits, observe: observe)
        return try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: port)], limits: h2Limits, group: group
        ) { await server.respond(to: $0) }
    }
}

/// A client of servers on 127.0.0.1 whose resolver is a list that a test can change.
struct TestClient: Sendable {
    let client: RPCClient
    let addresses: PortList
    let log: EventLog<RPCObservation>

    init(_ ports: [Int], secrets: ServiceSecrets? = TestService.secrets, _ adjust: (inout RPCLimits) -> Void = { _ in })
    {
        var limits = RPCLimits()
        limits.resolveInterval = .milliseconds(50)
        limits.resolveIntervalMin = .milliseconds(10)
        limits.connectBackoffInitial = .milliseconds(20)
        adjust(&limits)
        let addresses = PortList(ports)
        let log = EventLog<RPCObservation>()
        client = RPCClient(
            name: "test", targets: [RPCTarget("test.internal:1")].compactMap { $0 }, limits: limits, secrets: secrets,
            sweeper: TestService.sweeper,
            resolve: { _ in addresses.ports.map { H2Address(host: "127.0.0.1", port: $0) } },
            connect: RPCClient.plaintext(group: TestService.group), observe: { log.append($0) })
        self.addresses = addresses
        self.log = log
    }

    /// Runs the client while `body` runs.
    func running<Value: Sendable>(_ body: @Sendable (RPCClient) async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            let value = try await body(client)
            group.cancelAll()
            return value
        }
    }

    /// Waits until `count` links are ready.
    func untilReady(_ count: Int) async throws {
        try await log.wait { _ in client.snapshot.links.count { $0.state == .ready } == count }
    }
}

final class PortList: Sendable {
    private let list: Mutex<[Int]>
    init(_ ports: [Int]) { list = Mutex(ports) }
    var ports: [Int] {
        get { list.withLock { $0 } }
        set { list.withLock { $0 = newValue } }
    }
}

/// Collects values from any thread; a test can wait until they satisfy a condition, checked whenever one arrives.
final class EventLog<Value: Sendable>: Sendable {
    struct TimedOut: Error {}

    private struct State {
        var values: [Value] = []
        var watchers: [AsyncStream<Void>.Continuation] = []
    }

    private let state = Mutex(State())

    var values: [Value] { state.withLock { $0.values } }

    func append(_ value: Value) {
        let watchers = state.withLock { state in
            state.values.append(value)
            return state.watchers
        }
        for watcher in watchers { watcher.yield() }
    }

    /// Returns once `condition` holds; throws after ten seconds.
    func wait(_ condition: @escaping @Sendable ([Value]) -> Bool) async throws {
        let (changes, watcher) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.watchers.append(watcher) }
        watcher.yield()
        let limit = TestService.group.any().scheduleTask(in: .seconds(10)) { watcher.finish() }
        defer { limit.cancel() }
        for await _ in changes where condition(values) { return }
        throw TimedOut()
    }
}

/// A one-shot event that any thread may fire.
final class Signal: Sendable {
    private let log = EventLog<Bool>()
    func fire() { log.append(true) }
    var hasFired: Bool { !log.values.isEmpty }
    func wait() async throws { try await log.wait { !$0.isEmpty } }
}
