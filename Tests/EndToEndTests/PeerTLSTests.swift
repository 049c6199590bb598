import Foundation
import NIOCore
import Stack
import Testing

/// Services authenticate each other by certificates: peers with none, or another's, are refused; certificates are
/// rotated at run time. So do those that look at the admin ports from elsewhere.
@Suite(.serialized)
struct PeerTLSTests {
    private static func certificates(_ folder: URL, _ options: String...) async throws {
        try await Command.run(
            Project.root.appendingPathComponent("deploy/dev/certificates").path, options + [folder.path])
    }

    private static func temporary() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("reelay-peers-\(UUID().uuidString)")
    }

    private static func plan(_ folder: URL) -> StackPlan {
        var plan = StackPlan()
        for name in Stack.serviceNames {
            plan.settingsOf[name] = ["REELAY_PEER_TLS_FOLDER": folder.appendingPathComponent(name).path]
        }
        plan.copies["ratings"] = 2
        return plan
    }

    /// Calls a service's `health.check` by curl with the certificate in `folder`; returns the status, or "refused".
    private static func ask(
        _ name: String, _ service: StackProcess, as folder: URL?, believing: URL, plain: Bool = false,
        bearer: String? = Stack.serviceSecret
    ) async -> String {
        var arguments = [
            "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--http2-prior-knowledge",
            "--cacert", believing.appendingPathComponent("ca.crt").path,
            "--resolve", "\(name):\(service.rpcPort):127.0.0.1",
            "-H", "content-type: application/json", "-d", #"{"jsonrpc":"2.0","id":1,"method":"health.check"}"#,
            "\(plain ? "http" : "https")://\(name):\(service.rpcPort)/rpc",
        ]
        if let bearer { arguments += ["-H", "authorization: Bearer \(bearer)"] }
        if let folder {
            arguments += [
                "--cert", folder.appendingPathComponent("tls.crt").path, "--key",
                folder.appendingPathComponent("tls.key").path,
            ]
        }
        do { return try await Command.run("curl", arguments) } catch { return "refused" }
    }

    @Test(
        "No certificate, a stranger's, one that has ended, that of a service that may not call, no TLS at all: refused")
    func strangers() async throws {
        let (folder, strange, ended) = (Self.temporary(), Self.temporary(), Self.temporary())
        defer { for each in [folder, strange, ended] { try? FileManager.default.removeItem(at: each) } }
        try await Self.certificates(folder)
        try await Self.certificates(strange)
        try await Stack.running(Self.plan(folder)) { stack in
            let client = try await PublicClient(try stack.service("gateway").port).registered("walter")
            let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
            let id = try #require(film.json["id"] as? String, "\(film.answer.text)")
            let rated = try await client.send("POST", "/movies/\(id)/rate", #"{"rating":8.5}"#)
            #expect(rated.status == 200, "gateway → metadata, ratings: \(rated.answer.text)")
            #expect(try await client.send("GET", "/history").status == 200, "gateway → scrobble")

            let gateway = folder.appendingPathComponent("gateway")
            let scrobble = folder.appendingPathComponent("scrobble")
            let ratings = try stack.service("ratings")
            #expect(await Self.ask("ratings", ratings, as: gateway, believing: gateway) == "200")
            #expect(await Self.ask("ratings", ratings, as: scrobble, believing: gateway) == "200")
            let unproven = await Self.ask("ratings", ratings, as: gateway, believing: gateway, bearer: nil)
            #expect(unproven == "401", "the secret is required besides the certificate")
            #expect(await Self.ask("ratings", ratings, as: nil, believing: gateway) != "200")
            let before = try await ratings.metric("http2_connections_refused_total")
            _ = try await Command.run("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(ratings.port)"])
            let after = try await ratings.metric("http2_connections_refused_total")
            #expect(after == before, "who only looks whether anybody is there is no caller")
            let strangers = try await FaultMetric("http2_connections_refused_total", of: ratings)
            #expect(
                await Self.ask("ratings", ratings, as: strange.appendingPathComponent("gateway"), believing: gateway)
                    != "200")
            try await strangers.rises()
            let open = try await FaultMetric("http2_connections_refused_total", of: ratings)
            #expect(await Self.ask("ratings", ratings, as: nil, believing: gateway, plain: true) != "200")
            try await open.rises()
            let turnedAway = try await FaultMetric("http2_connections_refused_total", of: ratings)
            // Right authority, wrong service: each service knows which ones may call it.
            let metadata = folder.appendingPathComponent("metadata")
            #expect(await Self.ask("ratings", ratings, as: metadata, believing: gateway) != "200")
            try await turnedAway.rises()
            #expect(
                await Self.ask("scrobble", try stack.service("scrobble"), as: scrobble, believing: gateway) != "200")
            #expect(
                await Self.ask("scrobble", try stack.service("scrobble"), as: gateway, believing: gateway) == "200")
            // Another service's certificate is not accepted in place of the expected one.
            #expect(await Self.ask("metadata", ratings, as: gateway, believing: gateway) != "200")

            // Issued by the right authority, but expired.
            try FileManager.default.copyItem(at: folder, to: ended)
            let place = ended.appendingPathComponent("gateway").path
            try await Command.run(
                "bash",
                [
                    "-c",
                    """
                    cd '\(place)' && rm -f tls.crt && printf 'subjectAltName=DNS:gateway\n' >extensions
                    openssl req -new -key tls.key -subj /CN=gateway -out request
                    openssl x509 -req -in request -CA ../authority/ca.crt -CAkey ../authority/ca.key -days -1 \
                        -set_serial 7 -extfile extensions -out tls.crt
                    """,
                ])
            #expect(
                await Self.ask("ratings", ratings, as: ended.appendingPathComponent("gateway"), believing: gateway)
                    != "200")

            // A file that is only partly written: the failure is reported, and the previous certificate stays in use.
            let unusable = try await FaultMetric("peer_tls_reload_failures_total", of: ratings)
            try Data("-----BEGIN".utf8).write(to: folder.appendingPathComponent("ratings/tls.key"), options: .atomic)
            try await unusable.rises()
            #expect(await Self.ask("ratings", ratings, as: gateway, believing: gateway) == "200")
        }
    }

    @Test(
        "Everything is replaced while calls are made, the authority included: no call fails, and the old ones are refused"
    )
    func rotation() async throws {
        let (folder, old) = (Self.temporary(), Self.temporary())
        defer { for each in [folder, old] { try? FileManager.default.removeItem(at: each) } }
        try await Self.certificates(folder)
        try FileManager.default.copyItem(at: folder, to: old)
        try await Stack.running(Self.plan(folder)) { stack in
            let client = try await PublicClient(try stack.service("gateway").port).registered("walter")
            let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
            let id = try #require(film.json["id"] as? String, "\(film.answer.text)")
            let callers = (0..<4).map { number in
                Task { () async throws -> (calls: Int, failed: [String]) in
                    var (calls, failed) = (0, [String]())
                    while !Task.isCancelled {
                        let answer =
                            number % 2 == 0
                            ? try await client.send("GET", "/movies/\(id)")
                            : try await client.send("GET", "/history?limit=1")
                        calls += 1
                        if answer.status != 200 { failed.append(answer.answer.text) }
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                    return (calls, failed)
                }
            }
            // A new authority beside the old one, then its certificates, then the old one is removed. The second copy
            // restarts, so that new connections are made after each step.
            let copy = try #require(stack.copies["ratings"]?.last)
            for options in [["--new-authority"], [], ["--forget-authority"]] {
                try await Command.run(
                    Project.root.appendingPathComponent("deploy/dev/certificates").path, options + [folder.path])
                try await Task.sleep(for: .seconds(3))
                await copy.stop()
                try copy.start()
                try await copy.awaitReady()
                try await Task.sleep(for: .seconds(1))
            }
            for caller in callers { caller.cancel() }
            var (calls, failed) = (0, [String]())
            for caller in callers {
                let told = try await caller.value
                calls += told.calls
                failed += told.failed
            }
            print("peer certificates: replaced with their authority under \(calls) calls, \(failed.count) failed")
            #expect(calls > 100 && failed.isEmpty, "\(failed.prefix(3))")
            let ratings = try stack.service("ratings")
            let gateway = folder.appendingPathComponent("gateway")
            #expect(await Self.ask("ratings", ratings, as: gateway, believing: gateway) == "200")
            #expect(
                await Self.ask("ratings", ratings, as: old.appendingPathComponent("gateway"), believing: gateway)
                    != "200")
        }
    }

    @Test("Certificates alone: services whose secrets differ work together, and admit by certificate and nothing else")
    func certificatesAlone() async throws {
        let (folder, strange) = (Self.temporary(), Self.temporary())
        defer { for each in [folder, strange] { try? FileManager.default.removeItem(at: each) } }
        try await Self.certificates(folder)
        try await Self.certificates(strange)
        var plan = Self.plan(folder)
        for name in Stack.serviceNames {
            plan.settingsOf[name]?["REELAY_SERVICE_AUTHENTICATION"] = "certificate"
            plan.settingsOf[name]?["REELAY_SERVICE_SECRET"] = Self.ownSecret(name)
        }
        try await Stack.running(plan) { stack in
            let client = try await PublicClient(try stack.service("gateway").port).registered("walter")
            let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
            let id = try #require(film.json["id"] as? String, "\(film.answer.text)")
            let rated = try await client.send("POST", "/movies/\(id)/rate", #"{"rating":8.5}"#)
            #expect(rated.status == 200, "gateway → metadata, ratings: \(rated.answer.text)")
            let watched = try await client.send("POST", "/movies/\(id)/watched", #"{"unknown_date":true}"#)
            #expect(watched.status < 300, "gateway → scrobble: \(watched.answer.text)")
            let history = try await client.send("GET", "/history")
            #expect((history.json["items"] as? [Any])?.count == 1, "\(history.answer.text)")

            let ratings = try stack.service("ratings")
            let gateway = folder.appendingPathComponent("gateway")
            func ask(as folder: URL?, bearer: String? = nil) async -> String {
                await Self.ask("ratings", ratings, as: folder, believing: gateway, bearer: bearer)
            }
            #expect(await ask(as: gateway) == "200")
            #expect(await ask(as: folder.appendingPathComponent("scrobble")) == "200")
            // Neither a certificate that may not call nor the service's own secret stands in for one that may.
            let turnedAway = try await FaultMetric("http2_connections_refused_total", of: ratings)
            #expect(await ask(as: folder.appendingPathComponent("metadata")) != "200")
            #expect(
                await ask(as: folder.appendingPathComponent("metadata"), bearer: Self.ownSecret("ratings")) != "200")
            #expect(await ask(as: strange.appendingPathComponent("gateway")) != "200")
            #expect(await ask(as: nil) != "200")
            #expect(await ask(as: nil, bearer: Self.ownSecret("ratings")) != "200")
            try await turnedAway.rises(by: 5)
        }
    }

    private static func ownSecret(_ name: String) -> String { "\(name)-secret-of-its-own-0123456789abcdef" }

    @Test("With certificates alone no call carries the secret: a service that still asks for it refuses its own")
    func secretStays() async throws {
        let folder = Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Self.certificates(folder)
        var plan = Self.plan(folder)
        plan.copies["ratings"] = 1
        for name in Stack.serviceNames where name != "ratings" {
            plan.settingsOf[name]?["REELAY_SERVICE_AUTHENTICATION"] = "certificate"
        }
        try await Stack.running(plan) { stack in
            let client = try await PublicClient(try stack.service("gateway").port).registered("walter")
            let unnamed = try await FaultMetric("rpc_server_refused_total", of: try stack.service("ratings"))
            #expect(try await client.send("GET", "/ratings").status != 200)
            try await unnamed.rises()
        }
    }

    /// An IPv4 address by which this machine reaches itself without loopback; nil if there is none.
    private static let ownAddress: String? = {
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.compactMap { $0.address?.ipAddress }.first { !$0.contains(":") && !$0.hasPrefix("127.") }
    }()

    /// Reads from a service's admin port at an address by curl with the certificate in `folder`; returns the status, or
    /// "refused".
    private static func look(
        _ path: String, _ service: StackProcess, at address: String, as folder: URL?, believing: URL,
        _ options: [String] = [], plain: Bool = false
    ) async -> String {
        var arguments = [
            "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*",
            "--cacert", believing.appendingPathComponent("ca.crt").path,
            "--resolve", "\(service.name):\(service.adminPort):\(address)",
            "\(plain ? "http" : "https")://\(service.name):\(service.adminPort)/\(path)",
        ]
        if let folder {
            arguments += [
                "--cert", folder.appendingPathComponent("tls.crt").path, "--key",
                folder.appendingPathComponent("tls.key").path,
            ]
        }
        do { return try await Command.run("curl", arguments + options) } catch { return "refused" }
    }

    @Test(
        "The admin port admits balancer and monitor over TLS 1.3 and no other from elsewhere, and reloads its certificates",
        .enabled(if: ownAddress != nil, "this machine has no address but its loopback"))
    func adminPort() async throws {
        let (folder, next) = (Self.temporary(), Self.temporary())
        defer { for each in [folder, next] { try? FileManager.default.removeItem(at: each) } }
        try await Self.certificates(folder)
        try await Self.certificates(next)
        let address = try #require(Self.ownAddress)
        var plan = Self.plan(folder)
        plan.settingsOf["ratings"]?["REELAY_HOST"] = "0.0.0.0"
        try await Stack.running(plan) { stack in
            let ratings = try stack.service("ratings")
            let monitor = folder.appendingPathComponent("monitor")
            func look(_ path: String, as folder: URL?, _ options: [String] = [], plain: Bool = false) async -> String {
                await Self.look(
                    path, ratings, at: address, as: folder, believing: monitor, options, plain: plain)
            }
            for name in ["balancer", "monitor"] {
                for path in ["healthz", "readyz", "metrics"] {
                    #expect(await look(path, as: folder.appendingPathComponent(name)) == "200", "\(name) \(path)")
                }
            }
            #expect(await look("metrics", as: monitor, ["--no-alpn"]) == "200", "many name no protocol")
            #expect(
                await Self.look("healthz", ratings, at: "127.0.0.1", as: nil, believing: monitor, plain: true) == "200",
                "a container's own check needs no certificate")

            let probed = try await ratings.metric("admin_connections_refused_total")
            _ = try await Command.run("bash", ["-c", "exec 3<>/dev/tcp/\(address)/\(ratings.adminPort)"])
            #expect(try await ratings.metric("admin_connections_refused_total") == probed, "who only knocks")
            let refused = try await FaultMetric("admin_connections_refused_total", of: ratings)
            #expect(await look("healthz", as: nil, plain: true) != "200", "no TLS")
            #expect(await look("healthz", as: nil) != "200", "no certificate")
            #expect(await look("healthz", as: next.appendingPathComponent("monitor")) != "200", "a stranger's")
            for name in ["gateway", "ratings"] {
                #expect(await look("metrics", as: folder.appendingPathComponent(name)) != "200", "\(name)")
            }
            #expect(await look("healthz", as: monitor, ["--tls-max", "1.2"]) != "200", "TLS 1.2")
            try await refused.rises(by: 6)
            // Who may look may not call.
            #expect(await Self.ask("ratings", ratings, as: monitor, believing: monitor) != "200")

            for file in ["tls.key", "tls.crt", "ca.crt"] {
                let new = try Data(contentsOf: next.appendingPathComponent("ratings/\(file)"))
                try new.write(to: folder.appendingPathComponent("ratings/\(file)"), options: .atomic)
            }
            let deadline = ContinuousClock.now.advanced(by: .seconds(30))
            let other = next.appendingPathComponent("monitor")
            while await Self.look("metrics", ratings, at: address, as: other, believing: other) != "200" {
                guard ContinuousClock.now < deadline else { throw StackError("the new certificates are not used") }
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(
                await Self.look("metrics", ratings, at: address, as: monitor, believing: other) != "200",
                "the authority before")

            let lines = try String(contentsOf: ratings.log, encoding: .utf8).split(separator: "\n")
                .filter { $0.contains(#""message":"admin connection refused""#) }
            #expect(!lines.isEmpty && lines.allSatisfy { $0.contains(#""level":"info""#) }, "\(lines)")
        }
    }
}
