import Foundation
import Stack

/// A test's own Postgres server, which it may crash.
struct OwnPostgres {
    let url: String
    private let folder: URL
    private let programs: String

    /// Starts a server with `settings` added to its configuration, and with its data on a disk of `diskMegabytes` if
    /// given.
    static func start(settings further: String = "", diskMegabytes: Int? = nil) async throws -> OwnPostgres {
        let programs = try await Command.run(
            "sh",
            [
                "-c",
                "for d in $(ls -rd /usr/lib/postgresql/*/bin) $(dirname $(command -v initdb || echo /none/x)); do [ -x $d/initdb ] && echo $d && break; done",
            ]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        let folder = URL(fileURLWithPath: "/tmp/reelay-pg-\(UUID().uuidString.prefix(8))")
        let port = try FreePort.next()
        let server = OwnPostgres(
            url: "postgres://reelay_admin@127.0.0.1:\(port)/postgres", folder: folder, programs: programs)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if let diskMegabytes {
            do {
                try await Command.run("mount", ["-t", "tmpfs", "-o", "size=\(diskMegabytes)m", "reelay", folder.path])
            } catch {
                try FileManager.default.removeItem(at: folder)
                throw NoDisk(cause: "\(error)")
            }
        }
        // Postgres refuses to run as root.
        if getuid() == 0 { try await Command.run("chown", ["postgres", folder.path]) }
        try await server.run("initdb", "-D \(server.data) -U reelay_admin -A trust -E UTF8 --no-locale")
        let settings = """

            port = \(port)
            listen_addresses = '127.0.0.1'
            unix_socket_directories = '\(folder.path)'
            max_connections = 100
            log_min_messages = fatal
            \(further)

            """
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: server.data + "/postgresql.conf"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(settings.utf8))
        try file.close()
        try await server.launch()
        return server
    }

    /// A disk of its own cannot be mounted on this machine.
    struct NoDisk: Error {
        let cause: String
    }

    /// Takes all the space left on the server's own disk.
    func fillDisk() async throws {
        _ = try? await Command.run("dd", ["if=/dev/zero", "of=\(folder.path)/filler", "bs=64k"])
    }

    func emptyDisk() async throws { try await Command.run("rm", ["-f", folder.path + "/filler"]) }

    /// Returns whether its processes are running; those of a server that has given up are not.
    func isRunning() async -> Bool {
        (try? await run("pg_ctl", "-D \(data) status >/dev/null")) != nil
    }

    private var data: String { folder.path + "/data" }

    func launch() async throws {
        try await run("pg_ctl", "-D \(data) -l \(folder.path)/log -w -t 30 start >/dev/null")
    }

    /// Ends the server like a power cut, as far as its clients can tell.
    func crash() async throws { try await run("pg_ctl", "-D \(data) -m immediate -w stop") }

    func remove() async {
        try? await crash()
        _ = try? await Command.run("umount", ["-q", folder.path])
        _ = try? await Command.run("rm", ["-rf", folder.path])
    }

    private func run(_ program: String, _ arguments: String) async throws {
        // The server must not inherit the descriptor by which Foundation detects that its parent has exited.
        let line = """
            cd /; for f in /proc/self/fd/*; do n=${f##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done 2>/dev/null
            \(programs)/\(program) \(arguments)
            """
        if getuid() == 0 {
            try await Command.run(
                "setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", "bash", "-c", line])
        } else {
            try await Command.run("bash", ["-c", line])
        }
    }
}
