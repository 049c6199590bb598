import Foundation
import FoundationNetworking
import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import Runtime

@Suite struct ServiceProcessTests {
    /// Records events in order.
    private final class Book: Sendable {
        private let state = Mutex<[String]>([])
        var entries: [String] { state.withLock { $0 } }
        func add(_ entry: String) { state.withLock { $0.append(entry) } }
    }

    /// Waits for a value that another task sets.
    private struct Promise<Value: Sendable>: Sendable {
        private let stream: AsyncStream<Value>
        private let continuation: AsyncStream<Value>.Continuation

        init() { (stream, continuation) = AsyncStream.makeStream() }

        func give(_ value: Value) { continuation.yield(value) }
        func wait() async -> Value? { await stream.first { _ in true } }
    }

    private typealias Build = @Sendable (ConfigValues, ServiceRuntime) async throws(StartupError) -> [ServiceComponent]

    private final class Rig: Sendable {
        let book = Book()
        let adminPort = Promise<Int>()
        let ended = Promise<Int32>()
        let signals: AsyncStream<Int32>
        let raise: AsyncStream<Int32>.Continuation

        init() { (signals, raise) = AsyncStream.makeStream() }

        func run(_ settings: [String: String] = [:], _ build: @escaping Build) async throws(StartupError) -> Int32 {
            let definition = ServiceDefinition(name: "probe", version: "1", portDefault: 0, keys: [], build: build)
            let loader = ConfigLoader(
                schema: definition.schema, knownNames: [], knownSecrets: [], readFile: { ConfigFile.read($0) },
                listFolder: { ConfigFile.list($0) })
            let values = try loader.load(
                environment: ["REELAY_DRAIN_DELAY_SECONDS": "0"].merging(settings) { _, new in new })
            let process = ServiceProcess(
                definition, values: values, metrics: MetricsRegistry(), group: MultiThreadedEventLoopGroup.singleton,
                makeLogger: { Logger(label: $0) { _ in SwiftLogNoOpLogHandler() } },
                endNow: { [book, ended] code in
                    book.add("end now \(code)")
                    ended.give(code)
                }, onAdminPort: { [adminPort] port in adminPort.give(port) })
            return try await process.run(signals: signals)
        }
    }

    private static func get(_ port: Int, _ path: String) async throws -> (status: Int, body: String) {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        return try await withCheckedThrowingContinuation { continuation in
            let task = URLSession.shared.dataTask(with: url) { data, response, error in
                if let response = response as? HTTPURLResponse, let data {
                    continuation.resume(returning: (response.statusCode, String(decoding: data, as: UTF8.self)))
                } else {
                    continuation.resume(throwing: error ?? URLError(.unknown))
                }
            }
            task.resume()
        }
    }

    /// The answer of `/readyz`, once the process has started.
    private static func readiness(_ port: Int) async throws -> (status: Int, body: String) {
        while true {
            let answer = try await get(port, "/readyz")
            if !answer.body.contains(#""status":"starting""#) { return answer }
        }
    }

    @Test func `parts stop in the order of the phases, readiness first, the admin port last`() async throws {
        let rig = Rig()
        let started = Promise<Void>()
        let (book, adminPort) = (rig.book, rig.adminPort)
        async let code = rig.run { _, runtime throws(StartupError) in
            runtime.readiness.register("postgres") { nil }
            let phases: [(String, ShutdownPhase)] = [
                ("serve", .serving), ("pool", .resources), ("flush", .flushing), ("loop", .background),
                ("claim 1", .claiming), ("claim 2", .claiming),
            ]
            return phases.map { name, phase in
                .stopping(name, phase: phase) {
                    book.add("\(name) \(runtime.readiness.phase.rawValue)")
                }
            } + [
                .running("listener", phase: .serving) {
                    started.give(())
                    try await Task.sleep(for: .seconds(3600))
                } stop: {
                    book.add("listener")
                }
            ]
        }
        let port = try #require(await adminPort.wait())
        _ = await started.wait()
        #expect(try await Self.get(port, "/healthz") == (200, "ok\n"))
        let ready = try await Self.readiness(port)
        #expect(ready.status == 200)
        #expect(ready.body.contains(#""status":"ready""#) && ready.body.contains(#""postgres":"ok""#))
        let metrics = try await Self.get(port, "/metrics")
        #expect(metrics.status == 200 && metrics.body.contains("process_resident_memory_bytes"))
        #expect(try await Self.get(port, "/other").status == 404)
        rig.raise.yield(SIGTERM)
        #expect(try await code == 0)
        #expect(
            rig.book.entries == [
                "claim 2 draining", "claim 1 draining", "listener", "serve draining", "loop draining",
                "flush draining", "pool draining",
            ])
        await #expect(throws: URLError.self) { try await Self.get(port, "/healthz") }
    }

    @Test func `the admin port answers while the service starts, and says so`() async throws {
        let rig = Rig()
        let adminPort = rig.adminPort
        async let code = rig.run { _, runtime throws(StartupError) in
            runtime.readiness.register("postgres") { "no route to host" }
            do {
                try await Task.sleep(for: .seconds(3600))
                return []
            } catch {
                throw .resource("postgres", "gave up")
            }
        }
        let port = try #require(await adminPort.wait())
        let ready = try await Self.get(port, "/readyz")
        #expect(ready.status == 503)
        #expect(ready.body.contains(#""status":"starting""#))
        #expect(try await Self.get(port, "/healthz").status == 200)
        rig.raise.yield(SIGTERM)
        #expect(try await code == 0)
    }

    @Test func `a process is not ready before its listener is bound`() async throws {
        let rig = Rig()
        let (started, goOn) = (Promise<Void>(), Promise<Void>())
        let adminPort = rig.adminPort
        async let code = rig.run { _, _ throws(StartupError) in
            [
                .draining("listener", phase: .serving) { begun in
                    started.give(())
                    _ = await goOn.wait()
                    begun()
                    try await gracefulShutdown()
                }
            ]
        }
        let port = try #require(await adminPort.wait())
        _ = await started.wait()
        let early = try await Self.get(port, "/readyz")
        #expect(early.status == 503 && early.body.contains(#""status":"starting""#))
        goOn.give(())
        #expect(try await Self.readiness(port).status == 200)
        rig.raise.yield(SIGTERM)
        #expect(try await code == 0)
    }

    @Test func `a process that is stopped before its listener is bound ends as asked`() async throws {
        let rig = Rig()
        let (book, started) = (rig.book, Promise<Void>())
        async let code = rig.run { _, _ throws(StartupError) in
            [
                .stopping("pool", phase: .resources) { book.add("pool") },
                .draining("listener", phase: .serving) { _ in
                    started.give(())
                    try await gracefulShutdown()
                },
            ]
        }
        _ = await started.wait()
        rig.raise.yield(SIGTERM)
        #expect(try await code == 0)
        #expect(rig.book.entries == ["pool"])
    }

    @Test func `a failing dependency answers 503 with its name, and draining too`() async throws {
        let rig = Rig()
        let (started, stopping, goOn) = (Promise<Void>(), Promise<Void>(), Promise<Void>())
        let adminPort = rig.adminPort
        async let code = rig.run { _, runtime throws(StartupError) in
            runtime.readiness.register("postgres") { "connection refused" }
            return [
                .running("server", phase: .serving) {
                    started.give(())
                    try await Task.sleep(for: .seconds(3600))
                } stop: {
                    stopping.give(())
                    _ = await goOn.wait()
                }
            ]
        }
        let port = try #require(await adminPort.wait())
        _ = await started.wait()
        let failing = try await Self.readiness(port)
        #expect(failing.status == 503)
        #expect(failing.body.contains(#""status":"failing""#) && failing.body.contains("connection refused"))
        rig.raise.yield(SIGINT)
        _ = await stopping.wait()
        let draining = try await Self.get(port, "/readyz")
        #expect(draining.status == 503 && draining.body.contains(#""status":"draining""#))
        goOn.give(())
        #expect(try await code == 0)
    }

    @Test func `a second signal ends the process at once`() async throws {
        let rig = Rig()
        let (started, stopping, goOn) = (Promise<Void>(), Promise<Void>(), Promise<Void>())
        async let code = rig.run { _, _ throws(StartupError) in
            started.give(())
            return [
                .stopping("slow", phase: .serving) {
                    stopping.give(())
                    _ = await goOn.wait()
                }
            ]
        }
        _ = await started.wait()
        rig.raise.yield(SIGTERM)
        _ = await stopping.wait()
        rig.raise.yield(SIGTERM)
        #expect(await rig.ended.wait() == 143)
        goOn.give(())
        #expect(try await code == 0)
    }

    @Test func `a stop past its limit ends the process`() async throws {
        let rig = Rig()
        let goOn = Promise<Void>()
        async let code = rig.run(["REELAY_SHUTDOWN_SECONDS": "1"]) { _, _ throws(StartupError) in
            [.stopping("stuck", phase: .serving, stopLimit: .seconds(60)) { _ = await goOn.wait() }]
        }
        _ = await rig.adminPort.wait()
        rig.raise.yield(SIGTERM)
        #expect(await rig.ended.wait() == 1)
        goOn.give(())
        #expect(try await code == 0)
    }

    @Test func `a stop after a failure is limited too`() async throws {
        let rig = Rig()
        let goOn = Promise<Void>()
        async let code = rig.run(["REELAY_SHUTDOWN_SECONDS": "1"]) { _, _ throws(StartupError) in
            [
                .stopping("stuck", phase: .serving, stopLimit: .seconds(60)) { _ = await goOn.wait() },
                .running("loop", phase: .background) {},
            ]
        }
        #expect(await rig.ended.wait() == 1)
        goOn.give(())
        #expect(try await code == 1)
    }

    @Test func `a part that hangs in its stop does not keep the others`() async throws {
        let rig = Rig()
        let (book, goOn) = (rig.book, Promise<Void>())
        let code = try await rig.run { [raise = rig.raise] _, _ throws(StartupError) in
            raise.yield(SIGTERM)
            return [
                .stopping("pool", phase: .resources) { book.add("pool") },
                .stopping("stuck", phase: .serving, stopLimit: .milliseconds(20)) { _ = await goOn.wait() },
            ]
        }
        goOn.give(())
        #expect(code == 0)
        #expect(rig.book.entries == ["pool"])
    }

    @Test func `a part that fails or ends stops the rest in order and the process with 1`() async throws {
        for isFailing in [true, false] {
            let rig = Rig()
            let book = rig.book
            let code = try await rig.run { _, _ throws(StartupError) in
                [
                    .stopping("pool", phase: .resources) { book.add("pool") },
                    .running("loop", phase: .background) {
                        if isFailing { throw ComponentFailure(component: "x", reason: "y") }
                    },
                    .stopping("server", phase: .serving) { book.add("server") },
                ]
            }
            #expect(code == 1)
            #expect(rig.book.entries == ["server", "pool"])
        }
    }

    @Test func `a taken admin port is named`() async throws {
        let first = Rig()
        async let code = first.run { _, _ throws(StartupError) in [.stopping("x", phase: .resources) {}] }
        let port = try #require(await first.adminPort.wait())
        let error = await #expect(throws: StartupError.self) {
            try await Rig().run(["REELAY_ADMIN_PORT": "\(port)"]) { _, _ throws(StartupError) in [] }
        }
        #expect(error?.exitCode == 1)
        #expect(error?.problems.first?.subject == "admin port 127.0.0.1:\(port)")
        #expect(error?.problems.first?.reason.contains("Address already in use") == true)
        first.raise.yield(SIGTERM)
        #expect(try await code == 0)
    }

    @Test func `what keeps a service from starting is handed on`() async {
        await #expect(throws: StartupError.resource("postgres", "wrong password")) {
            try await Rig().run { _, _ throws(StartupError) in throw .resource("postgres", "wrong password") }
        }
    }
}

@Suite struct ServiceArgumentsTests {
    private static let definition = ServiceDefinition(
        name: "ratings", version: "9.9", portDefault: 7102, keys: [SharedKeys.databaseURL.definition]
    ) { _, _ throws(StartupError) in [] }

    @Test func `flags show what they name`() {
        #expect(ServiceArguments.request([], for: Self.definition) == .serve)
        #expect(ServiceArguments.request(["--version"], for: Self.definition) == .show("ratings 9.9\n"))
        #expect(
            ServiceArguments.request(["--config-docs"], for: Self.definition)
                == .show(Self.definition.schema.markdown()))
        for flag in ["--help", "-h"] {
            guard case .show(let text) = ServiceArguments.request([flag], for: Self.definition) else {
                Issue.record("\(flag) shows nothing")
                continue
            }
            #expect(text.contains("REELAY_DATABASE_URL; or REELAY_DATABASE_URL_FILE"))
            #expect(text.contains("REELAY_CONFIG_FILE") && text.contains("REELAY_SECRETS_FOLDER"))
            #expect(text.contains("default: 7102"))
        }
    }

    @Test(arguments: [["--nonsense"], ["serve"], ["--version=1"]])
    func `anything else is refused`(arguments: [String]) {
        guard case .refuse(let text) = ServiceArguments.request(arguments, for: Self.definition) else {
            Issue.record("\(arguments) was taken")
            return
        }
        #expect(text.contains("usage: ratings [--help | --version | --config-docs]"))
    }

    @Test func `a failed start is one block`() {
        let error = StartupError.settings([
            .init(subject: "REELAY_PORT", reason: "expected a port"), .init(subject: "REELAY_X", reason: "unknown"),
        ])
        #expect(
            error.block(service: "ratings")
                == """
                ratings cannot start:
                  REELAY_PORT: expected a port
                  REELAY_X: unknown
                `ratings --help` lists every setting.

                """)
        #expect(StartupError.resource("a", "b").block(service: "x") == "x cannot start:\n  a: b\n")
    }
}
