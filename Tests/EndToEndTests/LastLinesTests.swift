import Foundation
import Stack
import Testing

/// Everything that a process logs before it exits is written, even if its reader is slow.
@Suite(.stack, .serialized)
struct LastLinesTests {
    /// Runs a program that logs into a full pipe, reads nothing until the program has done its work, and then prints
    /// the lines. Commands log to standard error, services to standard output.
    private static let script = """
        import os, socket, subprocess, sys, time
        port, program = int(sys.argv[1]), sys.argv[2:]
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True: os.write(writer, b"\\n" * 4096)
        except BlockingIOError: pass
        os.set_blocking(writer, True)
        def says(path):
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as line:
                    line.settimeout(5)
                    line.sendall(f"GET {path} HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n".encode())
                    return line.recv(12)
            except OSError: return None
        child = subprocess.Popen(
            program, stdout=writer if port else subprocess.PIPE, stderr=subprocess.DEVNULL if port else writer)
        os.close(writer)
        try:
            if port:
                end = time.monotonic() + 30
                while says("/readyz") != b"HTTP/1.1 200" and time.monotonic() < end: time.sleep(0.02)
                child.terminate()
                while says("/readyz") is not None and time.monotonic() < end: time.sleep(0.02)
                # As long as it takes a process that waits for nobody to be gone.
                time.sleep(0.3)
            else:
                os.read(child.stdout.fileno(), 65536)
            lines = b""
            while data := os.read(reader, 65536): lines += data
            child.wait(30)
        finally:
            child.kill()
        print(lines.decode().lstrip())
        """

    private static func messages(_ lines: String) throws -> [String] {
        try lines.split(separator: "\n").map { line in
            let told = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(told?["message"] as? String, "\(line)")
        }
    }

    @Test("The audit's line of a command is there, although nobody reads it until the command has answered")
    func command() async throws {
        let scrobble = try #require(Stack.current).service("scrobble")
        let told = try await scrobble.command(["requeue", "all"], within: ["python3", "-c", Self.script, "0"])
        #expect(try AuditTests.lines(told).map { $0["event"] } == ["requeue"], "\(told)")
    }

    @Test("A service's lines of its end are there, although nobody reads them until it has stopped")
    func service() async throws {
        let (port, admin) = (try FreePort.next(), try FreePort.next())
        let told = try await #require(Stack.current).service("ratings").command(
            [],
            within: [
                "env", "REELAY_PORT=\(port)", "REELAY_ADMIN_PORT=\(admin)", "python3", "-c", Self.script, "\(admin)",
            ])
        let ends = try Self.messages(told).filter { ["Asked to stop", "Draining", "Stopped"].contains($0) }
        #expect(ends == ["Asked to stop", "Draining", "Stopped"], "\(told)")
    }
}
