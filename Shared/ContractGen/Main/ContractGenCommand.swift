import ArgumentParser
import ContractGenCore
import Foundation

/// Writes `Shared/Contracts/Generated` from `proto/`, or reports whether it is up to date.
@main
struct ContractGenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contractgen", abstract: "Generates Swift from the contract documents.")

    @Option(help: "The folder of the contract documents.") var root: String
    @Option(help: "The folder of the generated files; nothing else may be in it.") var output = ""
    @Option(help: "A folder of older documents: write nothing; fail if a change since then breaks somebody.")
    var since: String?
    @Flag(help: "Write nothing; fail if a file differs, is missing or is left over.") var check = false

    func run() throws {
        let documents = try Self.documents(root)
        if let since { return try compare(Self.documents(since), documents) }
        guard !output.isEmpty else { throw ValidationError("--output is missing") }
        let files = try ContractGenerator.generate(documents)
        let existing = try existingFiles()
        if check { return try report(files, existing) }
        for (path, text) in files where existing[path] != text {
            let target = URL(fileURLWithPath: output).appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: target, atomically: true, encoding: .utf8)
        }
        for path in existing.keys where files[path] == nil {
            try FileManager.default.removeItem(at: URL(fileURLWithPath: output).appendingPathComponent(path))
        }
    }

    private static func documents(_ root: String) throws -> [String: String] {
        var documents: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: root) where name.hasSuffix(".yaml") {
            documents[name] = try String(
                contentsOf: URL(fileURLWithPath: root).appendingPathComponent(name), encoding: .utf8)
        }
        return documents
    }

    private func compare(_ old: [String: String], _ new: [String: String]) throws {
        let changes = try ContractChanges.breaking(from: old, to: new)
        let unsaid = changes.filter { !$0.isSaid }
        for change in unsaid { FileHandle.standardError.write(Data("\(change)\n".utf8)) }
        let said = changes.count - unsaid.count
        FileHandle.standardOutput.write(
            Data("\(changes.count) breaking changes, \(said) of them declared by the version\n".utf8))
        if !unsaid.isEmpty { throw Unsaid(count: unsaid.count) }
    }

    /// Returns the files below `output` by relative path.
    private func existingFiles() throws -> [String: String] {
        var files: [String: String] = [:]
        guard let paths = FileManager.default.enumerator(atPath: output) else { return files }
        for case let path as String in paths where path.hasSuffix(".swift") {
            let url = URL(fileURLWithPath: output).appendingPathComponent(path)
            files[path] = try String(contentsOf: url, encoding: .utf8)
        }
        return files
    }

    private func report(_ files: [String: String], _ existing: [String: String]) throws {
        let differing = Set(files.keys).union(existing.keys).filter { files[$0] != existing[$0] }.sorted()
        guard let first = differing.first else { return }
        throw Drift(file: "\(output)/\(first)", othersCount: differing.count - 1)
    }
}

/// Breaking changes that the version does not declare.
private struct Unsaid: Error, CustomStringConvertible {
    let count: Int

    var description: String {
        "\(count) changes break whoever relies on the released documents; take them back, or raise info.version "
            + "(the second number below 1.0, the first one later)"
    }
}

/// Generated files that differ from what the documents yield.
private struct Drift: Error, CustomStringConvertible {
    let file: String
    let othersCount: Int

    var description: String {
        let others = othersCount == 0 ? "" : " (and \(othersCount) more)"
        return "\(file)\(others) does not match the documents; run deploy/dev/generate"
    }
}
