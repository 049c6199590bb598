internal import Cryptography
internal import HTTP2
internal import Logging
internal import NIOCore
package import Postgres
package import RPC
package import Runtime
package import Store

/// Assembles the shared parts of a service: database, peers, listener, telemetry. Returns the parts as components in
/// the order in which they were made, for the runtime to run and to stop.
package final class ServiceAssembly {
    private let values: ConfigValues
    private let runtime: ServiceRuntime
    private let telemetry: Telemetry
    private let sweeper: DeadlineSweeper
    /// What callers present; nil if certificates alone count.
    private let secrets: ServiceSecrets?
    private var parts: [ServiceComponent] = []
    /// Sends the database queries of requests that arrive together in one go.
    private var together: H2Together?

    /// The settings of every service that has a database and calls others.
    package static let keys: [ConfigDefinition] = [
        SharedKeys.databaseURL.definition, SharedKeys.databasePassword.definition, SharedKeys.serviceSecret.definition,
        SharedKeys.peerTLSFolder.definition, SharedKeys.serviceAuthentication.definition,
    ]

    /// Who may call whom; with certificates, nobody else is admitted.
    private static let callers: [String: Set<String>] = [
        "metadata": ["gateway", "scrobble"], "ratings": ["gateway", "scrobble"], "scrobble": ["gateway"],
        "gateway": [],
    ]

    package init(_ values: ConfigValues, _ runtime: ServiceRuntime) throws(StartupError) {
        self.values = values
        self.runtime = runtime
        telemetry = Telemetry(logger: runtime.logger, exporter: runtime.exporter)
        sweeper = DeadlineSweeper(eventLoop: runtime.group.next())
        // Several secrets, the first of which is presented to others, let a deployment change it without downtime.
        let texts = values[SharedKeys.serviceSecret].revealed.split(separator: ",").map {
            $0.filter { !$0.isWhitespace }
        }
        guard let secrets = ServiceSecrets(texts) else {
            throw .setting(SharedKeys.serviceSecret.name, "expected visible ASCII characters")
        }
        let isByCertificate = values[SharedKeys.serviceAuthentication] == SharedKeys.byCertificate
        guard !isByCertificate || runtime.certificates != nil else {
            throw .setting(
                SharedKeys.serviceAuthentication.name,
                "\(SharedKeys.byCertificate) requires \(SharedKeys.peerTLSFolder.name), which is not set")
        }
        self.secrets = isByCertificate ? nil : secrets
    }

    package var components: [ServiceComponent] { parts }

    package func add(_ component: ServiceComponent) { parts.append(component) }

    /// Connects, waits for the database as long as it takes, and brings the schema up to date.
    package func database(schema: String, migrations: [Migration]) async throws(StartupError) -> Database {
        let pool: PGPool
        do throws(PGError) {
            var configuration = try PGConfiguration(
                url: values[SharedKeys.databaseURL].revealed, applicationName: "reelay-\(runtime.name)", schema: schema)
            if let password = values[SharedKeys.databasePassword] { configuration.usePassword(password.revealed) }
            pool = try PGPool(configuration, observe: telemetry.postgres)
        } catch {
            throw .setting(SharedKeys.databaseURL.name, error.message)
        }
        together = { work in pool.together(work) }
        parts.append(.stopping("postgres", phase: .resources) { await pool.shutDown() })
        let database = Database(pool: pool)
        runtime.readiness.register("postgres") { await database.problem(within: .milliseconds(900)) }
        try await migrate(pool, schema, migrations)
        return database
    }

    /// The time of day shared by all copies of all services. It keeps running by itself from here on.
    package func clock(of database: Database) async -> DatabaseClock {
        let clock = DatabaseClock(database: database, observe: telemetry.clock)
        await clock.look()
        parts.append(.running("clock", phase: .background) { await clock.run() })
        return clock
    }

    /// Waits for a database that is not up yet; a migration that cannot be applied aborts the start.
    private func migrate(
        _ pool: PGPool, _ schema: String, _ migrations: [Migration]
    ) async throws(StartupError) {
        var wait = Duration.milliseconds(200)
        while true {
            do throws(PGError) {
                let applied = try await Migrator(pool, schema: schema, migrations: migrations).run(
                    deadline: .now.advanced(by: .seconds(120)))
                for name in applied { runtime.logger.notice("migrated", metadata: ["migration": "\(name)"]) }
                return
            } catch {
                guard error.isWorthWaiting else { throw .resource("database", error.description) }
                runtime.logger.warning("the database is not ready", metadata: ["cause": "\(error)"])
            }
            do {
                try await Task.sleep(for: wait)
            } catch {
                throw .resource("database", "the start was cancelled")
            }
            wait = min(wait * 2, .seconds(5))
        }
    }

    /// Returns a client of another service, with connections to all its copies.
    package func client(_ service: String, at key: ConfigKey<String>) throws(StartupError) -> RPCClient {
        let targets = values[key].split(separator: ",").compactMap { RPCTarget(String($0)) }
        guard !targets.isEmpty else { throw .setting(key.name, "expected host:port") }
        let group = runtime.group
        let client = RPCClient(
            name: service, targets: targets, secrets: secrets, sweeper: sweeper,
            connect: { [telemetry, certificates = runtime.certificates] address, onChange async throws(H2Error) in
                // Copies have addresses of their own, and certificates with the name of their service.
                try await H2ClientConnection.connect(
                    host: address.host, port: address.port, tls: certificates?.client, serverName: service,
                    group: group, observe: telemetry.http2, onChange: onChange)
            }, observe: telemetry.rpc)
        parts.append(.running("client of \(service)", phase: .background, { await client.run() }))
        return client
    }

    /// Admits those that may call this service, by their certificates; nil without certificates.
    private var admission: H2ServerTLS? {
        guard let certificates = runtime.certificates else { return nil }
        let callers = Self.callers[runtime.name] ?? []
        return H2ServerTLS(admits: { !callers.isDisjoint(with: $0) }, context: { certificates.server })
    }

    /// Listens for other services, on the service's own port unless another is given. Readiness and `health.check`
    /// check the same dependencies.
    package func listen(_ router: RPCRouter, port: Int? = nil) async throws(StartupError) {
        let port = port ?? runtime.port
        let readiness = runtime.readiness
        let server = RPCServer(
            router: router, secrets: secrets, sweeper: sweeper,
            // What scrobble stores now it forwards later, as part of the same trace.
            carriesTrace: runtime.name == "scrobble",
            health: {
                let report = await readiness.report()
                return HealthReport(
                    checks: report.dependencies.map {
                        .init(name: $0.name, isServing: $0.problem == nil, reason: $0.problem)
                    })
            }, observe: telemetry.rpc)
        do throws(H2Error) {
            let listener = try await H2Server.start(
                on: [H2Address(host: runtime.host, port: port)], limits: .peers,
                tls: admission, group: runtime.group, observe: telemetry.http2, together: together,
                handler: { await server.respond(to: $0) })
            runtime.logger.notice(
                "listening for services",
                metadata: ["host": "\(runtime.host)", "port": "\(listener.boundPort)"])
            parts.append(
                .stopping("listener", phase: .serving, stopLimit: Self.drainMax + .seconds(1)) {
                    await listener.shutdown(grace: Self.drainMax)
                })
        } catch {
            throw .resource("\(runtime.host):\(port)", "cannot listen: \(error)")
        }
    }

    /// How long calls in flight may take after the stop was requested.
    private static let drainMax = Duration.seconds(20)
}

extension PGError {
    /// Whether the cause may pass during a start: no server yet, bad timing, another replica at work.
    fileprivate var isWorthWaiting: Bool {
        switch kind {
        case .connectionLost, .unavailable, .overloaded, .deadlineExceeded: true
        case .server: isRetryable || sqlState.hasPrefix("57") || sqlState.hasPrefix("28")
        case .outcomeUnknown: true
        case .cancelled, .decoding, .invalidParameter, .closed, .migration, .configuration: false
        }
    }
}
