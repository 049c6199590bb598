package import Foundation
package import Testing

/// One installation for a suite: a database of its own, the emulated providers, and services as real processes.
///
/// Needs `REELAY_TEST_DATABASE_URL` (a superuser on a throw-away server) and the executables beside the test runner or
/// in the folder that `REELAY_BIN` names.
package final class Stack: Sendable {
    /// The stack of the suite that runs; set by the trait `.stack`.
    @TaskLocal package static var current: Stack?

    package static let serviceSecret = "stack-service-secret-0123456789abcdef"

    package let database: StackDatabase
    package let upstreams: StackProcess
    package let services: [String: StackProcess]
    package let folder: URL

    private init(database: StackDatabase, upstreams: StackProcess, services: [String: StackProcess], folder: URL) {
        self.database = database
        self.upstreams = upstreams
        self.services = services
        self.folder = folder
    }

    package static let serviceNames = ["metadata", "ratings", "scrobble", "gateway"]

    /// Starts everything and returns when every service is ready.
    package static func start(settings: [String: String] = [:]) async throws -> Stack {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelay-stack-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let database = try await StackDatabase.create(secrets: folder)
        var ports: [String: Int] = [:]
        for name in serviceNames + serviceNames.map({ $0 + "-admin" }) + ["upstreams"] {
            ports[name] = try FreePort.next()
        }
        let upstreamsPort = ports["upstreams"] ?? 0
        let upstreams = try StackProcess(
            name: "upstreams", arguments: ["--port", "\(upstreamsPort)"], environment: [:],
            port: upstreamsPort, adminPort: upstreamsPort, readyPath: "/healthz", folder: folder)
        let keyRing = folder.appendingPathComponent("key_ring")
        try "test:\(Data(repeating: 7, count: 32).base64EncodedString())\n".write(
            to: keyRing, atomically: true, encoding: .utf8)

        var services: [String: StackProcess] = [:]
        for name in serviceNames {
            let port = ports[name] ?? 0
            let admin = ports[name + "-admin"] ?? 0
            var environment = [
                "REELAY_HOST": "127.0.0.1", "REELAY_PORT": "\(port)", "REELAY_ADMIN_PORT": "\(admin)",
                "REELAY_DATABASE_URL": database.url(of: name), "REELAY_SERVICE_SECRET": serviceSecret,
                "REELAY_LOG_LEVEL": "info", "REELAY_DRAIN_DELAY_SECONDS": "0",
                "REELAY_METADATA_ADDRESS": "127.0.0.1:\(ports["metadata"] ?? 0)",
                "REELAY_RATINGS_ADDRESS": "127.0.0.1:\(ports["ratings"] ?? 0)",
                "REELAY_SCROBBLE_ADDRESS": "127.0.0.1:\(ports["scrobble"] ?? 0)",
                "REELAY_TMDB_URL": "http://127.0.0.1:\(upstreamsPort)/tmdb/3",
                "REELAY_TMDB_API_KEY": "00112233445566778899aabbccddeeff",
                "REELAY_OMDB_URL": "http://127.0.0.1:\(upstreamsPort)/omdb", "REELAY_OMDB_API_KEY": "reelaydemo",
                "REELAY_CORS_ORIGINS": "https://app.example",
                "REELAY_KEY_RING_FILE": keyRing.path,
            ]
            environment.merge(settings) { _, new in new }
            services[name] = try StackProcess(
                name: name, arguments: [], environment: environment, port: port, adminPort: admin,
                readyPath: "/readyz", folder: folder)
        }
        let stack = Stack(database: database, upstreams: upstreams, services: services, folder: folder)
        do {
            for process in [upstreams] + serviceNames.compactMap({ services[$0] }) { try await process.awaitReady() }
        } catch {
            await stack.stop()
            throw error
        }
        return stack
    }

    package func service(_ name: String) throws -> StackProcess {
        guard let process = services[name] else { throw StackError("there is no service \(name)") }
        return process
    }

    /// Stops the services in the order in which callers depend on them, and drops the database.
    package func stop() async {
        for name in Self.serviceNames.reversed() { await services[name]?.stop() }
        await upstreams.stop()
        await database.drop()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Something that the stack could not do.
package struct StackError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Gives a suite its own stack, started before its first test and stopped after its last.
package struct StackTrait: SuiteTrait, TestScoping {
    @concurrent
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let stack = try await Stack.start()
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
    package static var stack: Self { StackTrait() }
}
