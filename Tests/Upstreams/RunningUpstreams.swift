import Hummingbird
import Logging
import ServiceLifecycle

/// Emulators listening in this process.
package struct RunningUpstreams: Sendable {
    package let server: UpstreamServer
    package let port: Int

    /// The base address of one provider, such as `http://127.0.0.1:7900/omdb`.
    package func url(_ name: UpstreamName) -> String { "http://127.0.0.1:\(port)\(name.basePath)" }

    /// Runs emulators on a free port of 127.0.0.1 while `body` runs.
    package static func run<Result: Sendable>(
        catalogue: Catalogue = .standard, _ body: @escaping @Sendable (RunningUpstreams) async throws -> Result
    ) async throws -> Result {
        let server = UpstreamServer(catalogue: catalogue)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        var logger = Logger(label: "upstreams")
        // Connections that the test still holds open at its end are not errors.
        logger.logLevel = .critical
        let application = server.application(host: "127.0.0.1", port: 0, logger: logger) { port in
            listening.yield(port)
            listening.finish()
        }
        let lifetime = ServiceGroup(services: [application], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await lifetime.run()
            }
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else {
                try await group.next()
                throw CancellationError()
            }
            let result: Swift.Result<Result, any Error>
            do {
                result = .success(try await body(RunningUpstreams(server: server, port: port)))
            } catch {
                result = .failure(error)
            }
            // Cancelling a listener with connections in its queue would crash the process; connections still open are
            // not waited for.
            await lifetime.triggerGracefulShutdown()
            try? await Task.sleep(for: .milliseconds(20))
            group.cancelAll()
            return try result.get()
        }
    }
}
