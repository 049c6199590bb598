package import Foundation
package import Testing

/// One installation for a suite: its own database, the emulated providers, and the services as real processes.
///
/// Requires `REELAY_TEST_DATABASE_URL` (a superuser on a throw-away server) and the executables beside the test runner
/// or in the folder named by `REELAY_BIN`.
package final class Stack: Sendable {
    /// The stack of the running suite; set by the trait `.stack`.
    @TaskLocal package static var current: Stack?

    package static let serviceSecret = "stack-service-secret-0123456789abcdef"

    package let database: StackDatabase
    package let upstreams: StackProcess
    /// Every copy of every service, including those not started.
    package let copies: [String: [StackProcess]]
    package let people: People
    package let folder: URL

    private init(
        database: StackDatabase, upstreams: StackProcess, copies: [String: [StackProcess]], people: People, folder: URL
    ) {
        self.database = database
        self.upstreams = upstreams
        self.copies = copies
        self.people = people
        self.folder = folder
    }

    /// A suite makes as many requests as a hundred people from one address.
    private static let anyNumberOfRequests = [
        "REELAY_PERSON_REQUESTS": "0", "REELAY_KEY_REQUESTS": "0", "REELAY_ADDRESS_REQUESTS": "0",
    ]
    package static let serviceNames = ["metadata", "ratings", "scrobble", "gateway"]

    /// Starts everything in the plan and returns when every started service is ready.
    package static func start(_ plan: StackPlan = StackPlan()) async throws -> Stack {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelay-stack-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let database = try await StackDatabase.create(on: plan.server, secrets: folder)
        let upstreamsPort = try FreePort.next()
        let upstreams = try StackProcess(
            name: "upstreams", arguments: ["--port", "\(upstreamsPort)"], environment: [:],
            port: upstreamsPort, adminPort: upstreamsPort, readyPath: "/healthz", folder: folder)
        try upstreams.start()
        let keyRing = folder.appendingPathComponent("key_ring")
        try "test:\(Data(repeating: 7, count: 32).base64EncodedString())\n".write(
            to: keyRing, atomically: true, encoding: .utf8)

        let demo = try Self.demoSettings(upstreamsPort: upstreamsPort)
        var ports: [String: [Int]] = [:]
        for name in serviceNames { ports[name] = try (0..<plan.copies(of: name)).map { _ in try FreePort.next() } }
        func addresses(_ name: String) -> String {
            (ports[name] ?? []).map { "127.0.0.1:\($0)" }.joined(separator: ",")
        }
        var copies: [String: [StackProcess]] = [:]
        for name in serviceNames {
            for (index, port) in (ports[name] ?? []).enumerated() {
                let admin = try FreePort.next()
                var environment = [
                    "REELAY_HOST": "127.0.0.1", "REELAY_PORT": "\(port)", "REELAY_ADMIN_PORT": "\(admin)",
                    "REELAY_DATABASE_URL": database.url(of: name), "REELAY_SERVICE_SECRET": serviceSecret,
                    "REELAY_LOG_LEVEL": "info", "REELAY_DRAIN_DELAY_SECONDS": "0",
                    "REELAY_METADATA_ADDRESS": addresses("metadata"), "REELAY_RATINGS_ADDRESS": addresses("ratings"),
                    "REELAY_SCROBBLE_ADDRESS": addresses("scrobble"),
                    "REELAY_CORS_ORIGINS": "https://app.example", "REELAY_REFRESH": "false",
                    "REELAY_KEY_RING_FILE": keyRing.path,
                ]
                var rpcPort = port
                if name == "gateway" {
                    rpcPort = try FreePort.next()
                    environment["REELAY_INTERNAL_PORT"] = "\(rpcPort)"
                    environment.merge(Self.anyNumberOfRequests) { _, new in new }
                    environment.merge(demo.filter { Self.isOfGateway($0.key) }) { _, new in new }
                }
                if name == "metadata" { environment.merge(demo) { _, new in new } }
                if name == "scrobble" {
                    environment.merge(demo.filter { Self.isOfScrobble($0.key) }) { _, new in new }
                }
                environment.merge(plan.settings) { _, new in new }
                environment.merge(plan.settingsOf[name] ?? [:]) { _, new in new }
                environment.merge(plan.settingsOfCopy[name]?[index] ?? [:]) { _, new in new }
                let process = try StackProcess(
                    name: name, arguments: [], environment: environment, port: port, rpcPort: rpcPort, adminPort: admin,
                    readyPath: "/readyz", folder: folder)
                copies[name, default: []].append(process)
            }
        }
        guard let gateway = copies["gateway"]?.first else { throw StackError("a stack wants a gateway") }
        let stack = Stack(
            database: database, upstreams: upstreams, copies: copies,
            people: People(gateway: gateway, database: database), folder: folder)
        do {
            let started = serviceNames.flatMap { (copies[$0] ?? []).dropLast(plan.absentCopies[$0] ?? 0) }
            for process in started { try process.start() }
            for process in [upstreams] + started { try await process.awaitReady() }
        } catch {
            await stack.stop()
            throw error
        }
        return stack
    }

    /// Whether the gateway reads this setting of the emulators.
    private static func isOfGateway(_ key: String) -> Bool {
        ["REELAY_BREACHED_PASSWORDS_URL", "REELAY_OUTBOUND_NETWORKS"].contains(key)
    }

    /// Whether scrobble reads this setting of the emulators.
    private static func isOfScrobble(_ key: String) -> Bool {
        key.hasPrefix("REELAY_TRAKT_")
            || ["REELAY_SIMKL_URL", "REELAY_SIMKL_SITE_URL", "REELAY_SIMKL_CLIENT_ID", "REELAY_OUTBOUND_NETWORKS"]
                .contains(key)
    }

    /// The settings of `deploy/demo.env`, with the emulators on this machine.
    private static func demoSettings(upstreamsPort: Int) throws -> [String: String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "deploy/demo.env"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("REELAY_") }
        return Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (
                    String(parts[0]),
                    parts[1].replacingOccurrences(of: "//upstreams:7900/", with: "//127.0.0.1:\(upstreamsPort)/")
                )
            })
    }

    /// Runs `body` with a stack of its own, which is stopped in any case.
    package static func running<Value>(_ plan: StackPlan, _ body: (Stack) async throws -> Value) async throws -> Value {
        let stack = try await start(plan)
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await body(stack)) } catch { outcome = .failure(error) }
        await stack.stop()
        return try outcome.get()
    }

    /// The first copy of each service.
    package var services: [String: StackProcess] { copies.compactMapValues(\.first) }

    package func service(_ name: String) throws -> StackProcess {
        guard let process = services[name] else { throw StackError("there is no service \(name)") }
        return process
    }

    /// Stops the services, callers before the services that they call, and drops the database.
    package func stop() async {
        for name in Self.serviceNames.reversed() {
            for process in copies[name] ?? [] { await process.stop() }
        }
        await upstreams.stop()
        await database.drop()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// The composition of a stack, by default one copy of everything.
package struct StackPlan: Sendable {
    /// The number of copies of each service; 1 if not named.
    package var copies: [String: Int] = [:]
    /// The number of a service's copies, counted from the last, that are not started: their addresses are configured
    /// but nobody listens there.
    package var absentCopies: [String: Int] = [:]
    /// The settings of every service, and those of all copies of one.
    package var settings: [String: String] = [:]
    package var settingsOf: [String: [String: String]] = [:]
    /// The settings of one copy of a service, by its index.
    package var settingsOfCopy: [String: [Int: [String: String]]] = [:]
    /// The Postgres server to use, as a superuser; nil for the one in `REELAY_TEST_DATABASE_URL`.
    package var server: String?

    package init() {}

    fileprivate func copies(of service: String) -> Int { copies[service] ?? 1 }
}

/// An error of the stack.
package struct StackError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Gives a suite its own stack, started before its first test and stopped after its last.
package struct StackTrait: SuiteTrait, TestScoping {
    let plan: StackPlan

    @concurrent
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let stack = try await Stack.start(plan)
        do {
            try await Stack.$current.withValue(stack) { try await function() }
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
    }
}

extension Trait where Self == StackTrait {
    package static var stack: Self { StackTrait(plan: StackPlan()) }

    package static func stack(_ plan: StackPlan) -> Self { StackTrait(plan: plan) }
}
