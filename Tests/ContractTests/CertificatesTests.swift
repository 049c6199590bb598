import Foundation
import Stack
import Testing

/// `deploy/dev/certificates --watch`, which the container of `docker-compose.peers.yml` runs.
@Suite struct CertificatesTests {
    private static let holders = ["metadata", "ratings", "scrobble", "gateway", "postgres", "balancer", "monitor"]
    private static let script = Project.root.appendingPathComponent("deploy/dev/certificates").path

    private static func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("certificates-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    /// Watches a folder for one round; returns what was told, and fails unless a signal ends it well.
    private static func watch(_ folder: URL) async throws -> String {
        try await Command.run(
            "bash",
            [
                "-c",
                """
                # Tests run with signals blocked, which a shell cannot change.
                python3 -c 'import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.execv(sys.argv[1], sys.argv[1:])' "$0" --watch --uid "$(id -u)" "$1" & watching=$!
                for _ in $(seq 300); do
                    sleep 0.1
                    # Once it sleeps a round is over.
                    for child in $(cat "/proc/$watching/task/$watching/children"); do
                        [ "$(cat "/proc/$child/comm")" != sleep ] || break 2
                    done
                done
                kill -TERM "$watching"
                for _ in $(seq 100); do
                    sleep 0.1
                    [ -e "/proc/$watching/exe" ] || break
                done
                kill -KILL "$child" "$watching" 2>/dev/null
                wait "$watching"
                """, script, folder.path,
            ])
    }

    private static func serial(_ folder: URL, _ name: String) async throws -> String {
        try await Command.run(
            "openssl",
            ["x509", "-noout", "-serial", "-in", folder.appendingPathComponent("\(name)/tls.crt").path])
    }

    private static func serials(_ folder: URL) async throws -> [String] {
        var serials: [String] = []
        for name in holders { serials.append(try await serial(folder, name)) }
        return serials
    }

    @Test("Everybody gets a key and a certificate once; services' keys are theirs alone; what is good is left alone")
    func fresh() async throws {
        try await Self.withFolder { folder in
            let told = try await Self.watch(folder)
            for name in Self.holders {
                #expect(told.contains("\(name) has a new certificate, for 30 days"))
                let place = folder.appendingPathComponent(name).path
                try await Command.run(
                    "openssl",
                    [
                        "verify", "-CAfile", place + "/ca.crt", "-verify_hostname", name, "-purpose", "sslserver",
                        place + "/tls.crt",
                    ])
            }
            let key = folder.appendingPathComponent("gateway/tls.key").path
            let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
            #expect(mode == 0o400)
            let before = try await Self.serials(folder)
            #expect(try await Self.watch(folder) == "")
            #expect(try await Self.serials(folder) == before)
        }
    }

    @Test(
        "What is of no use is made again, and nothing else",
        arguments: [
            // Ends too soon.
            "openssl x509 -req -in request -CA ../authority/ca.crt -CAkey ../authority/ca.key -days 19 -set_serial 7 "
                + "-extfile extensions -out tls.crt",
            // Of nobody's authority.
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=ratings "
                + "-keyout tls.key -out tls.crt",
            // Another's key, from a run that was killed between two files.
            "cat ../metadata/tls.key >tls.key", "rm tls.crt", ": >tls.key", "rm sums",
        ])
    func useless(damage: String) async throws {
        try await Self.withFolder { folder in
            _ = try await Self.watch(folder)
            let before = try await Self.serials(folder)
            try await Command.run(
                "bash",
                [
                    "-ec",
                    """
                    cd "$0/ratings"
                    chmod u+w tls.key tls.crt sums
                    printf 'subjectAltName=DNS:ratings\n' >extensions
                    openssl req -new -key tls.key -subj /CN=ratings -out request
                    \(damage)
                    [ ! -s tls.crt ] || [ ! -e sums ] || [ ! -s tls.key ] || sha256sum ca.crt tls.key tls.crt >sums
                    """, folder.path,
                ])
            #expect(try await Self.watch(folder) == "ratings has a new certificate, for 30 days\n")
            let after = try await Self.serials(folder)
            let changed = zip(Self.holders, zip(before, after)).filter { $0.1.0 != $0.1.1 }.map(\.0)
            #expect(changed == ["ratings"])
        }
    }

    @Test("An authority of which a part is lost is made again, with everybody's certificates")
    func halfAnAuthority() async throws {
        try await Self.withFolder { folder in
            _ = try await Self.watch(folder)
            try FileManager.default.removeItem(at: folder.appendingPathComponent("authority/ca.crt"))
            let told = try await Self.watch(folder)
            for name in Self.holders { #expect(told.contains("\(name) has a new certificate")) }
        }
    }

    @Test("The authority before is not forgotten while somebody has a certificate of it")
    func forgotten() async throws {
        try await Self.withFolder { folder in
            try await Command.run(Self.script, [folder.path])
            try await Command.run(Self.script, ["--new-authority", folder.path])
            await #expect(throws: (any Error).self) {
                try await Command.run(Self.script, ["--forget-authority", folder.path])
            }
            try await Command.run(Self.script, [folder.path])
            try await Command.run(Self.script, ["--forget-authority", folder.path])
        }
    }
}
