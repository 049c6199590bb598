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
            let settings = """
                ssl = on
                ssl_min_protocol_version = 'TLSv1.3'
                ssl_ca_file = '\(own.path)/ca.crt'
                ssl_cert_file = '\(own.path)/tls.crt'
                ssl_key_file = '\(own.path)/tls.key'
                hba_file = '\(own.path)/pg_hba.conf'
                ident_file = '\(own.path)/pg_ident.conf'
                """
            let server = try await OwnPostgres.start(settings: settings)
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

        /// What the session looks like from the other side; nil if there is none.
        private static func session(_ url: String) async throws -> Seen? {
            try await withPool(url) { pool in
                try? await pool.query(look, deadline: .now.advanced(by: .seconds(3))).first
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
                let root = place.folder.appendingPathComponent("ratings/ca.crt").path
                let refused = [
                    "another's certificate": place.certified("metadata"),
                    "a certificate that is nobody's role": place.certified("monitor"),
                    "the password over TLS": "sslmode=verify-full&sslrootcert=\(root)&sslcert=/none&sslkey=/none",
                    "the password in the clear": "sslmode=disable",
                    "a server of another authority": place.certified("ratings", trusting: stranger),
                ]
                for (way, parameters) in refused {
                    #expect(try await Self.session(place.url("ratings", parameters)) == nil, "\(way)")
                }
            }
        }
    }
}
