import Foundation
import Stack
import Testing

/// Services authenticate each other by certificates: peers with none, or another's, are refused; certificates are
/// rotated at run time.
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
        _ name: String, _ service: StackProcess, as folder: URL?, believing: URL, plain: Bool = false
    ) async -> String {
        var arguments = [
            "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--http2-prior-knowledge",
            "--cacert", believing.appendingPathComponent("ca.crt").path,
            "--resolve", "\(name):\(service.rpcPort):127.0.0.1",
            "-H", "content-type: application/json", "-H", "authorization: Bearer \(Stack.serviceSecret)",
            "-d", #"{"jsonrpc":"2.0","id":1,"method":"health.check"}"#,
            "\(plain ? "http" : "https")://\(name):\(service.rpcPort)/rpc",
        ]
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
}
