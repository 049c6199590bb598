package import Foundation
import Synchronization

/// One executable of the project as a child process.
package final class StackProcess: Sendable {
    package let name: String
    package let port: Int
    /// The port on which it serves other services; the gateway's own `port` is for frontends.
    package let rpcPort: Int
    package let adminPort: Int
    package let log: URL
    /// The error output of its commands.
    package let commandLog: URL
    private let arguments: [String]
    private let environment: [String: String]
    private let readyPath: String
    private let running: Mutex<Int32?>

    init(
        name: String, arguments: [String], environment: [String: String], port: Int, rpcPort: Int? = nil,
        adminPort: Int, readyPath: String, folder: URL
    ) throws {
        self.name = name
        self.arguments = arguments
        self.environment = environment
        self.port = port
        self.rpcPort = rpcPort ?? port
        self.adminPort = adminPort
        self.readyPath = readyPath
        self.log = folder.appendingPathComponent("\(name)-\(port).log")
        self.commandLog = folder.appendingPathComponent("\(name)-\(port)-commands.log")
        self.running = Mutex(nil)
        for file in [log, commandLog] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    }

    /// The location of the executables: `REELAY_BIN`, or else beside the test runner.
    private static let programs: URL = {
        if let folder = ProcessInfo.processInfo.environment["REELAY_BIN"] { return URL(fileURLWithPath: folder) }
        return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }()

    /// Starts the process, also again after `stop` or `kill`.
    package func start() throws {
        let process = Process()
        process.executableURL = Self.programs.appendingPathComponent(name)
        process.arguments = arguments
        var inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("REELAY_") }
        inherited.merge(environment) { _, new in new }
        process.environment = inherited
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let pid = process.processIdentifier
        running.withLock { $0 = pid }
        Survivors.add(pid)
    }

    /// Runs a command of the same program with the same settings and returns its output; throws if it fails. `wrapper`
    /// is a program, with its leading arguments, that runs the command.
    @discardableResult
    package func command(_ arguments: [String], within wrapper: [String] = []) async throws -> String {
        // Settings in the test run's own environment are not meant for the service.
        let foreign = ProcessInfo.processInfo.environment.keys.filter {
            $0.hasPrefix("REELAY_") && environment[$0] == nil
        }
        return try await Command.run(
            "env",
            foreign.flatMap { ["-u", $0] } + wrapper + [Self.programs.appendingPathComponent(name).path] + arguments,
            environment: environment, keeping: commandLog)
    }

    /// The value of a series in `/metrics`, such as `jobs_total{fate="done"}`, with labels in the order of their names;
    /// nil if there is none.
    package func metric(_ series: String) async throws -> Double? {
        try await Wire.send("GET", "http://127.0.0.1:\(adminPort)/metrics").text.split(separator: "\n")
            .first { $0.hasPrefix(series + " ") }?.split(separator: " ").last.flatMap { Double($0) }
    }

    package var pid: Int32? { running.withLock(\.self) }

    /// Waits until the process reports that it is ready, for at most 30 s; throws with its output if it ends before.
    package func awaitReady() async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while ContinuousClock.now < deadline {
            if await isReady() { return }
            guard livesOn else { throw StackError("\(name) ended while it started; it said:\n\(lastWords)") }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw StackError("\(name) is not ready after 30 s; it said:\n\(lastWords)")
    }

    private func isReady() async -> Bool {
        let url = "http://127.0.0.1:\(adminPort)\(readyPath)"
        return (try? await Wire.send("GET", url).status) == 200
    }

    private var lastWords: Substring { ((try? String(contentsOf: log, encoding: .utf8)) ?? "").suffix(4_000) }

    /// Asks the process to end and waits for at most 35 s, after which it is killed.
    package func stop() async { await end(with: SIGTERM) }

    /// Kills the process at once, like a crash.
    package func kill() async { await end(with: SIGKILL) }

    /// Whether the process started last is still running; true if it was never started or was ended here.
    package var livesOn: Bool { pid.map { Foundation.kill($0, 0) == 0 } ?? true }

    private func end(with signal: Int32) async {
        guard
            let pid = running.withLock({ current in
                defer { current = nil }; return current
            })
        else { return }
        _ = Foundation.kill(pid, signal)
        let deadline = ContinuousClock.now.advanced(by: .seconds(35))
        while Foundation.kill(pid, 0) == 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        _ = Foundation.kill(pid, SIGKILL)
        Survivors.remove(pid)
    }
}

/// Processes that must not outlive the test run, however it ends.
enum Survivors {
    private static let pids = Mutex<Set<Int32>>([])
    private static let registered: Void = {
        atexit { Survivors.pids.withLock { for pid in $0 { _ = kill(pid, SIGKILL) } } }
    }()

    static func add(_ pid: Int32) {
        _ = registered
        pids.withLock { _ = $0.insert(pid) }
    }

    static func remove(_ pid: Int32) { pids.withLock { _ = $0.remove(pid) } }
}

/// Ports that nobody listens on.
///
/// They lie below the kernel's range for the local ends of outgoing connections. A port in that range may be taken when
/// a killed service starts again: by another connection, or by a caller that kept retrying the dead address and was
/// connected to itself.
package enum FreePort {
    private static let range = 10_000..<20_000
    private static let given = Mutex<Set<Int>>([])

    /// A port that was free a moment ago; no port is returned twice by one process. Services refuse to call a port a
    /// thousand above one of their own, which is the default place of an admin port.
    package static func next() throws -> Int {
        for _ in 0..<1_000 {
            let port = Int.random(in: range)
            let isNew = given.withLock { given in
                given.isDisjoint(with: [port - 1_000, port + 1_000]) && given.insert(port).inserted
            }
            guard isNew else { continue }
            if try isFree(port) { return port }
        }
        throw StackError("no free port between \(range.lowerBound) and \(range.upperBound)")
    }

    private static func isFree(_ port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw StackError("no socket: \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
