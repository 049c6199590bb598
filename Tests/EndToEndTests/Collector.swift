import Foundation
import Stack
import Testing

/// Runs `collector.py` as a child process.
final class Collector {
    let port: Int
    private let file: URL
    private let process = Process()
    private let input = Pipe()

    init() throws {
        file = FileManager.default.temporaryDirectory.appendingPathComponent("collector-\(UUID().uuidString)")
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", Project.root.appendingPathComponent("Tests/EndToEndTests/collector.py").path, file.path,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(said.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.terminate()
        try? FileManager.default.removeItem(at: file)
    }

    /// The settings that make services export here, at short intervals.
    var settings: [String: String] {
        ["REELAY_OTLP_ENDPOINT": "http://127.0.0.1:\(port)", "REELAY_OTLP_SECONDS": "0.2"]
    }

    /// Everything received, one line per request.
    func text() throws -> String { try String(contentsOf: file, encoding: .utf8) }

    /// The bodies received at a path.
    func bodies(_ path: String) throws -> [[String: Any]] {
        try text().split(separator: "\n").compactMap { line in
            let request = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return request?["path"] as? String == path ? request?["body"] as? [String: Any] : nil
        }
    }
}
