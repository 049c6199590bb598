import Foundation
import HTTP2
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// Our server against nghttp2's tools, and our client against its server, where these are installed.
@Suite struct InteropTests {
    private static let h2load = "/usr/bin/h2load"
    private static let nghttp = "/usr/bin/nghttp"
    private static let nghttpd = "/usr/sbin/nghttpd"
    private static let openssl = "/usr/bin/openssl"

    private static func isInstalled(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

    @Test(.enabled(if: isInstalled(h2load))) func h2loadAgainstOurServer() async throws {
        let test = try await TestServer.start()
        let output = try await run(
            Self.h2load, ["-n", "2000", "-c", "4", "-m", "16", "http://127.0.0.1:\(test.server.boundPort)/"])
        #expect(output.contains("2000 succeeded, 0 failed, 0 errored"))
        await test.stop()
    }

    @Test(.enabled(if: isInstalled(nghttp))) func nghttpAgainstOurServer() async throws {
        let test = try await TestServer.start()
        let output = try await run(Self.nghttp, ["-v", "http://127.0.0.1:\(test.server.boundPort)/large"])
        #expect(output.contains(":status: 200"))
        #expect(output.contains("error_code=NO_ERROR"))
        await test.stop()
    }

    @Test(.enabled(if: isInstalled(nghttpd))) func ourClientAgainstNghttpd() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "reelay-h2-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let content = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0) })
        try content.write(to: directory.appending(path: "file"))
        let port = try await freePort()
        let process = Process()
        process.executableURL = URL(filePath: Self.nghttpd)
        process.arguments = ["--no-tls", "-a", "127.0.0.1", "-d", directory.path(), "\(port)"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It ignores SIGTERM when started from here.
        defer { kill(process.processIdentifier, SIGKILL) }
        let client = try await connect(port: port, while: process)
        for (path, status, count) in [("/file", 200, content.count), ("/none", 404, nil)] {
            let response = try await client.send(
                H2Request(method: "GET", path: path, authority: "test"), deadline: .far)
            #expect(response.status == status)
            if let count { #expect(response.body.count == count) }
        }
        client.close()
    }

    /// TLS 1.3 with ALPN: h2 is negotiated, and a connection without ALPN is refused.
    @Test(.enabled(if: isInstalled(openssl))) func overTLS() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "reelay-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let key = directory.appending(path: "key.pem").path()
        let certificate = directory.appending(path: "cert.pem").path()
        _ = try await run(
            Self.openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ])
        var serverSide = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        serverSide.applicationProtocols = ["h2"]
        serverSide.minimumTLSVersion = .tlsv13
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0)], tls: H2ServerTLS(try NIOSSLContext(configuration: serverSide)),
            group: TestServer.group
        ) { H2Response(status: 200, body: $0.body) }

        var clientSide = TLSConfiguration.makeClientConfiguration()
        clientSide.trustRoots = .file(certificate)
        clientSide.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: clientSide)
        let client = try await H2ClientConnection.connect(
            host: "127.0.0.1", port: server.boundPort, tls: context, serverName: "localhost", group: TestServer.group)
        let body = [UInt8](repeating: 5, count: 100_000)
        #expect(try await client.send(.post("/", body: body), deadline: .far).body == body)
        client.close()
        await client.waitUntilClosed()

        await #expect(throws: H2Error.self, "the certificate is for another name") {
            _ = try await H2ClientConnection.connect(
                host: "127.0.0.1", port: server.boundPort, tls: context, serverName: "elsewhere",
                group: TestServer.group)
        }
        clientSide.applicationProtocols = []
        let noALPN = try NIOSSLContext(configuration: clientSide)
        await #expect(throws: H2Error.self, "no agreement on h2") {
            _ = try await H2ClientConnection.connect(
                host: "127.0.0.1", port: server.boundPort, tls: noALPN, serverName: "localhost", group: TestServer.group
            )
        }
        await server.shutdown(grace: .zero)
    }

    private func run(_ path: String, _ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                do {
                    try process.run()
                    let data = output.fileHandleForReading.readDataToEndOfFile()
                    process.waitUntilExit()
                    continuation.resume(returning: String(decoding: data, as: UTF8.self))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    private func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: TestServer.group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        return port
    }

    /// Connects once the process listens.
    private func connect(port: Int, while process: Process) async throws -> H2ClientConnection {
        while process.isRunning {
            if let client = try? await H2ClientConnection.connect(
                host: "127.0.0.1", port: port, group: TestServer.group)
            {
                return client
            }
        }
        throw H2Error(.connectFailed("the server has ended"))
    }
}
