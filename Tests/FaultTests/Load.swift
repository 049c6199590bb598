import Foundation
import Stack

/// A steady load from `load.py`, which keeps a journal of every call.
final class Load {
    /// A call in the journal; times in milliseconds.
    struct Call {
        let begin: Double
        let duration: Double
        let isWrite: Bool
        let title: String
        /// The value that was written or read.
        let value: String
        /// The HTTP status, or 0 if there was no answer; `code` is then the client's error.
        let status: Int
        let code: String
        var end: Double { begin + duration }
        var isAnswered: Bool { status == 200 }
    }

    private let process = Process()
    private let input = Pipe()
    private let journal: URL
    private var isOver = false

    /// Starts a load. `others` are further gateways to rotate through; `reads` are the paths to read in turn, by
    /// default the rating of a title.
    init(
        on gateway: Client, titles: [String], threads: Int, callsPerSecond: Int, writes: Bool = false,
        others: [String] = [], reads: [String] = []
    ) throws {
        journal = FileManager.default.temporaryDirectory.appendingPathComponent("load-\(UUID().uuidString)")
        let plan: [String: Any] = [
            "base": gateway.base, "token": gateway.token, "titles": titles, "threads": threads,
            "callsPerSecond": callsPerSecond, "writes": writes, "journal": journal.path,
            "others": others, "reads": reads,
        ]
        let script = Project.root.appendingPathComponent("Tests/FaultTests/load.py").path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script]
        process.standardInput = input
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: JSONSerialization.data(withJSONObject: plan) + Data("\n".utf8))
    }

    deinit {
        if !isOver { process.terminate() }
    }

    /// Ends the load, waits for calls in flight, and returns every call in order of its begin.
    func stop() async throws -> [Call] {
        isOver = true
        try input.fileHandleForWriting.close()
        while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        defer { try? FileManager.default.removeItem(at: journal) }
        let lines = try String(contentsOf: journal, encoding: .utf8).split(separator: "\n")
        let calls = try lines.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 7, let begin = Double(fields[0]), let duration = Double(fields[1]),
                let status = Int(fields[5])
            else { throw StackError("the journal has a line that cannot be read: \(line)") }
            return Call(
                begin: begin, duration: duration, isWrite: fields[2] == "POST", title: fields[3], value: fields[4],
                status: status, code: fields[6])
        }
        return calls.sorted { $0.begin < $1.begin }
    }
}

extension [Load.Call] {
    var failed: [Load.Call] { filter { !$0.isAnswered } }
    var longest: Double { map(\.duration).max() ?? 0 }
    func begun(in range: ClosedRange<Double>) -> [Load.Call] { filter { range.contains($0.begin) } }

    /// "503 unavailable ×3, 0 RemoteDisconnected ×1"
    var outcomes: String {
        var counts: [String: Int] = [:]
        for call in self { counts["\(call.status) \(call.code)", default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) ×\($0.value)" }.joined(separator: ", ")
    }

    /// The average number of calls per second between the first and the last.
    var pace: Double {
        guard let first, let last, last.begin > first.begin else { return 0 }
        return Double(count) / (last.begin - first.begin) * 1_000
    }
}
