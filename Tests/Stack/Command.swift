package import Foundation

/// The location of the project.
package enum Project {
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// Runs programs installed on this machine.
package enum Command {
    /// Runs `program` to its end and returns its standard output; throws with its error output if it fails. The error
    /// output is also appended to `keeping`, if given.
    @discardableResult
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], keeping: URL? = nil
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(program, arguments, environment, keeping) })
            }
        }
    }

    private static func runBlocking(
        _ program: String, _ arguments: [String], _ environment: [String: String], _ keeping: URL?
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        let output = Pipe()
        let complaints = FileManager.default.temporaryDirectory.appendingPathComponent("command-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: complaints.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: complaints) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: complaints)
        try process.run()
        let printed = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let said = (try? String(contentsOf: complaints, encoding: .utf8)) ?? ""
        if let keeping {
            let file = try FileHandle(forWritingTo: keeping)
            try file.seekToEnd()
            try file.write(contentsOf: Data(said.utf8))
            try file.close()
        }
        guard process.terminationStatus == 0 else {
            throw StackError(
                "\(program) \(arguments.joined(separator: " ")) ended with \(process.terminationStatus): \(said)")
        }
        return String(decoding: printed, as: UTF8.self)
    }
}
