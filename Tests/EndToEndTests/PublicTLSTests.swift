import Foundation
import Stack
import Testing

/// The public side with TLS, as in production: the gateway's own process, called by curl.
@Suite(.serialized)
struct PublicTLSTests {
    /// Creates a self-signed certificate for 127.0.0.1 and its key; trusting one does not imply trusting another.
    static func makeCertificate(_ name: String, in folder: URL) async throws {
        try await Command.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", folder.appendingPathComponent("\(name).key").path,
                "-out", folder.appendingPathComponent("\(name).pem").path,
            ])
    }

    private static func use(_ name: String, in folder: URL) throws {
        for suffix in ["pem", "key"] {
            let made = try Data(contentsOf: folder.appendingPathComponent("\(name).\(suffix)"))
            try made.write(to: folder.appendingPathComponent("used.\(suffix)"), options: .atomic)
        }
    }

    /// Sends a request by curl; returns the answer and its HTTP version, or throws if curl does not trust the
    /// certificate.
    private static func ask(
        _ gateway: StackProcess, _ path: String, believing name: String, in folder: URL, _ options: [String]
    ) async throws -> (body: String, status: String, version: String) {
        let told = try await Command.run(
            "curl",
            [
                "-sS", "-m", "20", "--cacert", folder.appendingPathComponent("\(name).pem").path,
                "-w", "\n%{http_code}\n%{http_version}",
            ] + options + ["https://127.0.0.1:\(gateway.port)/api/v1\(path)"])
        let lines = told.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3 else { throw StackError("curl told \(told)") }
        return (lines.dropLast(2).joined(separator: "\n"), lines[lines.count - 2], lines[lines.count - 1])
    }

    @Test(
        "With a certificate in its settings the gateway speaks TLS, HTTP/2 where it is asked for, and takes up a new one"
    )
    func certificate() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelay-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["first", "second"] { try await Self.makeCertificate(name, in: folder) }
        try Self.use("first", in: folder)
        var plan = StackPlan()
        plan.settingsOf["gateway"] = [
            "REELAY_PUBLIC_CERTIFICATE": folder.appendingPathComponent("used.pem").path,
            "REELAY_PUBLIC_CERTIFICATE_KEY": folder.appendingPathComponent("used.key").path,
        ]
        try await Stack.running(plan) { stack in
            let gateway = try stack.service("gateway")
            let registration = [
                "--http2", "-H", "content-type: application/json", "-d",
                #"{"username":"walter","password":"a long and odd phrase"}"#,
            ]
            let made = try await Self.ask(
                gateway, "/auth/register", believing: "first", in: folder, registration)
            #expect(made.status == "201" && made.version == "2", "\(made)")
            let token = try #require(
                (JSONSerialization.jsonObject(with: Data(made.body.utf8)) as? [String: Any])?["token"] as? String)
            for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
                let me = try await Self.ask(
                    gateway, "/users/me", believing: "first", in: folder,
                    [option, "-H", "authorization: Bearer \(token)"])
                #expect(me.status == "200" && me.version == version && me.body.contains(#""walter""#), "\(me)")
            }
            await #expect(throws: StackError.self, "it is no TLS that anybody may have written") {
                try await Self.ask(gateway, "/users/me", believing: "second", in: folder, [])
            }
            let strangers = try await FaultMetric(#"edge_connections_refused_total{reason="tls"}"#, of: gateway)
            let plain = try? await Command.run(
                "curl", ["-sS", "-m", "5", "http://127.0.0.1:\(gateway.port)/api/v1/openapi.json"])
            #expect(plain == nil, "it answers without TLS")
            try await strangers.rises()

            let expiry = try #require(try await gateway.metric("edge_certificate_expires_timestamp_seconds"))
            #expect((86_400...172_800).contains(expiry - Date().timeIntervalSince1970), "made for two days")
            #expect(try await gateway.metric("edge_certificate_reload_failures_total") == 0)
            let unusable = try await FaultMetric("edge_certificate_reload_failures_total", of: gateway)
            // Half of a renewal, which is reported for as long as it lasts.
            try Data(contentsOf: folder.appendingPathComponent("second.pem")).write(
                to: folder.appendingPathComponent("used.pem"), options: .atomic)
            try await unusable.rises()

            try Self.use("second", in: folder)
            let end = ContinuousClock.now + .seconds(30)
            while (try? await Self.ask(gateway, "/openapi.json", believing: "second", in: folder, ["--http2"])) == nil {
                try #require(ContinuousClock.now < end, "the new certificate was not taken up")
                try await Task.sleep(for: .milliseconds(200))
            }
            let after = try await Self.ask(
                gateway, "/users/me", believing: "second", in: folder,
                ["--http2", "-H", "authorization: Bearer \(token)"])
            #expect(after.status == "200" && after.version == "2", "\(after)")
        }
    }
}
