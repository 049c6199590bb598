import Foundation

/// A separate database on the test server, with the roles and schemas created by the administrator's script.
package struct StackDatabase: Sendable {
    package let name: String
    private let server: URLComponents

    private static let password = "stack-password-0123456789"

    /// Creates the database on `chosen`, or else on the test server; `secrets` is a folder for the passwords that the
    /// administrator's script reads.
    static func create(on chosen: String?, secrets: URL) async throws -> StackDatabase {
        guard let text = chosen ?? ProcessInfo.processInfo.environment["REELAY_TEST_DATABASE_URL"],
            let server = URLComponents(string: text)
        else { throw StackError("REELAY_TEST_DATABASE_URL must name a superuser on a throw-away Postgres") }
        for service in Stack.serviceNames {
            try password.write(
                to: secrets.appendingPathComponent("\(service)_database_password"), atomically: true, encoding: .utf8)
        }
        let database = StackDatabase(
            name: "reelay_stack_\(UInt64.random(in: 0...UInt64.max))", server: server)
        try await Command.run("psql", ["-qX", text, "-c", "CREATE DATABASE \(database.name)"])
        let script = Project.root.appendingPathComponent("deploy/postgres/init.sql").path
        // Two suites may alter the same roles concurrently, which Postgres refuses with "tuple concurrently updated".
        for attempt in 1...5 {
            do {
                try await Command.run(
                    "psql", ["-qX", database.adminURL, "-f", script], environment: ["REELAY_SECRETS_DIR": secrets.path])
                return database
            } catch  where attempt < 5 {
                try await Task.sleep(for: .milliseconds(Int64.random(in: 50...300)))
            }
        }
        return database
    }

    package var adminURL: String {
        var url = server
        url.path = "/\(name)"
        return url.string ?? ""
    }

    /// The URL with which a service's own role connects.
    package func url(of service: String) -> String {
        var url = server
        url.path = "/\(name)"
        url.user = "reelay_\(service)"
        url.password = Self.password
        return url.string ?? ""
    }

    /// The URL of the server's own database, for what cannot be done from inside this one.
    package var serverURL: String { server.string ?? "" }

    /// The result of a query, one line per row.
    package func query(_ sql: String) async throws -> [String] {
        try await Command.run("psql", ["-qXAt", adminURL, "-c", sql]).split(separator: "\n").map(String.init)
    }

    /// The whole content of the database, as in a backup.
    package func dump() async throws -> String { try await Command.run("pg_dump", ["--dbname", adminURL]) }

    func drop() async {
        _ = try? await Command.run(
            "psql", ["-qX", server.string ?? "", "-c", "DROP DATABASE IF EXISTS \(name) WITH (FORCE)"])
    }
}
