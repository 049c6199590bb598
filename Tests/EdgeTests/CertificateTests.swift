import Edge
import Foundation
import NIOPosix
import Reloading
import Testing

/// The public side with a certificate, called by a client that shares no code with it.
@Suite(.serialized) struct CertificateTests: EdgeServing {
    private struct Failed: Error { let text: String }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let trouble = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(text: text + trouble) }
        return text
    }

    /// A folder with a certificate for 127.0.0.1 and its key.
    static func makeCertificate(_ name: String, in folder: URL) throws {
        _ = try run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", folder.appending(path: "\(name).key").path,
                "-out", folder.appending(path: "\(name).pem").path,
            ])
    }

    /// A certificate whose files no longer exist.
    static func makeCertificate() throws -> EdgeCertificate {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try makeCertificate("one", in: folder)
        return try EdgeCertificate(
            certificate: folder.appending(path: "one.pem").path, key: folder.appending(path: "one.key").path)
    }

    private static func curl(_ folder: URL, _ authority: String, _ port: Int, _ arguments: [String]) throws -> String {
        try run(
            "curl",
            [
                "-sS", "--cacert", folder.appending(path: "\(authority).pem").path, "-o", "/dev/null", "-D", "-",
                "-w", "version %{http_version} verified %{ssl_verify_result}\n",
            ] + arguments + ["https://127.0.0.1:\(port)/api/v1/nowhere"])
    }

    @Test("With a certificate clients come by TLS, over HTTP/2 or HTTP/1.1 as they like, and a renewed one is taken up")
    func renewal() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.makeCertificate("first", in: folder)
        try Self.makeCertificate("second", in: folder)
        let (used, key) = (folder.appending(path: "used.pem"), folder.appending(path: "used.key"))
        @Sendable func use(_ name: String, _ file: URL, _ suffix: String) throws {
            try Data(contentsOf: folder.appending(path: "\(name).\(suffix)")).write(to: file, options: .atomic)
        }
        try use("first", used, "pem")
        try use("first", key, "key")
        let certificate = try EdgeCertificate(certificate: used.path, key: key.path)
        #expect(certificate.look() == .unchanged)
        try await withServer(certificate: certificate) { port in
            let two = try Self.curl(folder, "first", port, ["--http2"])
            #expect(two.hasPrefix("HTTP/2 404") && two.contains("version 2 verified 0"), "\(two)")
            #expect(two.contains("strict-transport-security: max-age=31536000\r\n"), "for its own name only")
            #expect(two.contains("x-content-type-options: nosniff") && two.contains("x-request-id: "))
            let one = try Self.curl(folder, "first", port, ["--http1.1"])
            #expect(one.hasPrefix("HTTP/1.1 404") && one.contains("version 1.1 verified 0"), "\(one)")
            #expect(throws: Failed.self) { try Self.curl(folder, "first", port, ["--tls-max", "1.1"]) }
            #expect(throws: Failed.self) { try Self.curl(folder, "second", port, []) }
            // With TLS 1.2, only authenticated encryption with ephemeral keys.
            for (cipher, isTaken) in [("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-AES128-SHA", false)] {
                let told = try? Self.curl(folder, "first", port, ["--tls-max", "1.2", "--ciphers", cipher])
                #expect((told != nil) == isTaken, "\(cipher)")
            }

            // Half of a renewal: the certificate has arrived, its key has not. The old pair stays in use.
            try use("second", used, "pem")
            guard case .failed = certificate.look() else { return #expect(Bool(false), "half a renewal was taken up") }
            #expect(try Self.curl(folder, "first", port, []).hasPrefix("HTTP/2 404"))
            try use("second", key, "key")
            #expect(certificate.look() == .renewed)
            #expect(certificate.look() == .unchanged)
            #expect(try Self.curl(folder, "second", port, []).hasPrefix("HTTP/2 404"))
            #expect(throws: Failed.self) { try Self.curl(folder, "first", port, []) }
        }
    }

    @Test("Where that is wanted, names below the gateway's own are for TLS alone as well")
    func subdomains() async throws {
        let certificate = try Self.makeCertificate()
        try await withServer(certificate: certificate, securesSubdomains: true) { port in
            for version in ["--http2", "--http1.1"] {
                let told = try Self.run(
                    "curl", ["-sS", "--insecure", version, "-D", "-", "https://127.0.0.1:\(port)/api/v1/nowhere"])
                #expect(told.contains("strict-transport-security: max-age=31536000; includeSubDomains\r\n"), "\(told)")
            }
        }
    }

    @Test("Many requests of one HTTP/2 connection are answered at once, and bodies arrive")
    func streams() async throws {
        let certificate = try Self.makeCertificate()
        try await withServer(certificate: certificate) { port in
            let base = "https://127.0.0.1:\(port)/api/v1"
            let told = try Self.run(
                "h2load", ["-n", "2000", "-c", "4", "-m", "20", base + "/nowhere"])
            #expect(told.contains("2000 done, 0 succeeded, 2000 failed, 0 errored"), "\(told)")
            let measured = try Self.run(
                "curl",
                [
                    "-sS", "--insecure", "--http2", "-d", String(repeating: "x", count: 100_000), base + "/measure",
                ])
            #expect(measured.contains("100000 false false"), "\(measured)")
        }
    }

    @Test("A client that connects and does not agree on TLS is let go")
    func silence() async throws {
        let certificate = try Self.makeCertificate()
        var limits = EdgeLimits()
        limits.handshakeTimeout = .seconds(1)
        try await withServer(limits, certificate: certificate) { port in
            let silent = try RawClient(port: port)
            #expect(try await silent.readToEnd() == "")
            let plain = try RawClient(port: port)
            plain.write(Self.get("/api/v1/nowhere"))
            #expect(!(try await plain.readToEnd()).contains("HTTP/1.1"))
        }
    }

    /// Sends a request and reads until the other side's close_notify, which it does not answer; prints the beginning of
    /// the answer and the number of seconds until the other side closes the socket.
    private static let unmannerly = """
        import socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        line.settimeout(20)
        come, gone = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(come, gone)
        def step(act):
            while True:
                try: return act()
                except ssl.SSLWantReadError:
                    line.sendall(gone.read())
                    data = line.recv(65536)
                    if not data: raise
                    come.write(data)
        step(tls.do_handshake)
        tls.write(b"GET /api/v1/nowhere HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n")
        answer = b""
        while data := step(lambda: tls.read(65536)): answer += data
        begun = time.monotonic()
        while line.recv(65536): pass
        print(answer[:12].decode(), round(time.monotonic() - begun, 2))
        """

    /// An idle connection is closed by TLS first; after an answer with `close` the socket is half-closed at once, which
    /// would not test this.
    @Test("A connection that is closed waits two seconds for a client that does not close it too")
    func farewell() async throws {
        let certificate = try Self.makeCertificate()
        var limits = EdgeLimits()
        limits.idleTimeout = .seconds(1)
        try await withServer(limits, certificate: certificate) { port in
            let told = try await Python.run(Self.unmannerly, ["\(port)"])
            #expect(told.hasPrefix("HTTP/1.1 404 "), "\(told)")
            // The library's default is five.
            let waited = try #require(told.split(separator: " ").last.flatMap { Double($0) }, "\(told)")
            #expect((1.5..<4).contains(waited), "\(told)")
        }
    }

    @Test("Files that are no certificate and its key are refused by name")
    func refused() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Self.makeCertificate("one", in: folder)
        try Self.makeCertificate("two", in: folder)
        func path(_ name: String) -> String { folder.appending(path: name).path }
        for (certificate, key) in [
            ("one.pem", "two.key"), ("one.pem", "nothing"), ("nothing", "one.key"), ("one.key", "one.pem"),
        ] {
            do {
                _ = try EdgeCertificate(certificate: path(certificate), key: path(key))
                #expect(Bool(false), "\(certificate) with \(key)")
            } catch {
                #expect(error.description.contains(path(certificate)))
            }
        }
    }
}
