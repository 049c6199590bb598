import Foundation
import Postgres
import Stack
import TestSupport
import Testing

extension FaultTests {
    /// Postgres as `docker-compose.peers.yml` starts it: TLS with certificates on both sides, and no passwords.
    struct DatabaseTLSTests {
        private static let look = PGStatement(
            "tests.tls.look",
            "SELECT version, client_dn, current_user::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ) { row throws(PGError) in
            Seen(version: try row.next(), holder: try row.next(), role: try row.next())
        }

        private struct Seen: Sendable, Equatable {
            let version: String?
            let holder: String?
            let role: String
        }

        /// A server with the certificate of `postgres`, and the folder of everybody's certificates.
        private struct Place {
            let server: OwnPostgres
            let folder: URL

            /// The URL of a service's role with `rest` of the TLS parameters.
            func url(_ role: String, _ rest: String) -> String {
                let port = server.url.split(separator: ":").last?.split(separator: "/").first.map(String.init) ?? ""
                let place = "postgres:\(port)/postgres?hostaddr=127.0.0.1"
                return "postgres://reelay_\(role):long-enough-password@\(place)&\(rest)"
            }

            /// The parameters with which compose's services connect, with the certificate of `holder`.
            func certified(_ holder: String, trusting: URL? = nil) -> String {
                let own = folder.appendingPathComponent(holder).path
                let authority = (trusting ?? folder).appendingPathComponent("\(holder)/ca.crt").path
                return "sslmode=verify-full&sslrootcert=\(authority)&sslcert=\(own)/tls.crt&sslkey=\(own)/tls.key"
            }
        }

        private static func certificates(_ name: String) async throws -> URL {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "reelay-\(name)-\(UUID().uuidString)")
            try await Command.run(
                Project.root.appendingPathComponent("deploy/dev/certificates").path,
                ["--uid", "\(getuid())", folder.path])
            return folder
        }

        /// Runs `body` with the server that the files in `deploy/postgres` make of an ordinary one.
        private static func withServer(_ body: (Place) async throws -> Void) async throws {
            let folder = try await certificates("peers")
            defer { try? FileManager.default.removeItem(at: folder) }
            let own = URL(fileURLWithPath: "/tmp/reelay-pg-tls-\(UUID().uuidString.prefix(8))")
            defer { try? FileManager.default.removeItem(at: own) }
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            // Postgres takes a key only from a file of its own.
            let owner = getuid() == 0 ? ["-o", "postgres"] : []
            for file in ["ca.crt", "tls.crt", "tls.key"] {
                let source = folder.appendingPathComponent("postgres/\(file)").path
                try await Command.run("install", owner + ["-m", "0400", source, own.appendingPathComponent(file).path])
            }
            let deployed = Project.root.appendingPathComponent("deploy/postgres")
            let rules = try String(contentsOf: deployed.appendingPathComponent("pg_hba.conf"), encoding: .utf8)
            // The test itself creates roles, over TCP, and has one database.
            try "host all reelay_admin 127.0.0.1/32 trust\n\(rules.replacing(" reelay  ", with: " all  "))".write(
                to: own.appendingPathComponent("pg_hba.conf"), atomically: true, encoding: .utf8)
            try await Command.run("cp", [deployed.appendingPathComponent("pg_ident.conf").path, own.path])
            try await Command.run("chmod", ["0755", own.path])
            for file in ["pg_hba.conf", "pg_ident.conf"] {
                try await Command.run("chmod", ["0644", own.appendingPathComponent(file).path])
            }
            let script = try String(
                contentsOf: deployed.appendingPathComponent("with-certificates"), encoding: .utf8)
            let settings = script.matches(of: /-c (\w+)=(\S+)/).map { option in
                let place = /"|^\/reelay|\$to/
                let value = option.2.replacing(place) { $0.0 == "\"" ? "" : own.path }
                return "\(option.1) = '\(value)'"
            }
            try #require(settings.count == 7, "\(settings)")
            let server = try await OwnPostgres.start(settings: settings.joined(separator: "\n"))
            let outcome: Result<Void, any Error>
            do {
                try await withPool(server.url) { admin in
                    for service in ["metadata", "ratings", "scrobble", "gateway"] {
                        try await admin.execute(
                            PGCommand(
                                "tests.tls.role",
                                "CREATE ROLE reelay_\(service) LOGIN PASSWORD 'long-enough-password'", kind: .solo))
                    }
                }
                outcome = .success(try await body(Place(server: server, folder: folder)))
            } catch {
                outcome = .failure(error)
            }
            await server.remove()
            try outcome.get()
        }

        private static func withPool<Value>(
            _ url: String, _ body: (PGPool) async throws -> Value
        ) async throws -> Value {
            let pool = try PGPool(PGConfiguration(url: url, applicationName: "tests"))
            let outcome: Result<Value, any Error>
            do { outcome = .success(try await body(pool)) } catch { outcome = .failure(error) }
            await pool.shutDown()
            return try outcome.get()
        }

        /// What the session looks like from the other side.
        private static func session(_ url: String) async throws -> Seen? {
            try await withPool(url) { pool in try await pool.query(look).first }
        }

        /// Why there is no session, as libpq tells it.
        private static func refusal(_ url: String) async throws -> String {
            do {
                return try await Command.run("psql", ["-X", "-A", "-t", "-c", "select 'let in'", url])
            } catch {
                return "\(error)"
            }
        }

        @Test("A service comes in as its own role with its own certificate, over TLS 1.3, and in no other way")
        func roles() async throws {
            let stranger = try await Self.certificates("strangers")
            defer { try? FileManager.default.removeItem(at: stranger) }
            try await Self.withServer { place in
                for service in ["metadata", "ratings", "scrobble", "gateway"] {
                    let seen = try await Self.session(place.url(service, place.certified(service)))
                    #expect(
                        seen == Seen(version: "TLSv1.3", holder: "/CN=\(service)", role: "reelay_\(service)"),
                        "\(service)")
                }
                // libpq takes no key that others may read.
                let monitor = place.folder.appendingPathComponent("monitor/tls.key").path
                try await Command.run("chmod", ["0400", monitor])
                let root = place.folder.appendingPathComponent("ratings/ca.crt").path
                let refused = [
                    ("another's certificate", place.certified("metadata"), "certificate authentication failed"),
                    ("nobody's role", place.certified("monitor"), "certificate authentication failed"),
                    (
                        "the password over TLS", "sslmode=verify-full&sslrootcert=\(root)&sslcert=/none&sslkey=/none",
                        "requires a valid client certificate"
                    ),
                    ("the password in the clear", "sslmode=disable", "no pg_hba.conf entry"),
                    ("another authority", place.certified("ratings", trusting: stranger), "certificate verify failed"),
                ]
                for (way, parameters, cause) in refused {
                    let told = try await Self.refusal(place.url("ratings", parameters))
                    #expect(told.contains(cause), "\(way): \(told)")
                }
            }
        }
    }
}
