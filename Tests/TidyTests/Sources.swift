import Foundation

/// The project's own files, as seen by the rules about its structure.
enum Sources {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let services = ["gateway", "metadata", "ratings", "scrobble"]

    /// Returns the files below `folder` whose names end in `ending`, as sorted paths from the root.
    static func files(below folder: String, ending: String = ".swift") -> [String] {
        let walk = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
        return (walk?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(ending) && !$0.contains(".build") }
            .map { "\(folder)/\($0)" }.sorted()
    }

    static func entries(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The modules that a file imports.
    static func imports(_ path: String) throws -> Set<String> {
        let pattern =
            /^(?:@[a-zA-Z_]+ )*(?:(?:package|internal|private|public|fileprivate) )?import (?:struct |enum |class |func |protocol )?([A-Za-z0-9_]+)/
        return Set(try lines(path).compactMap { $0.firstMatch(of: pattern).map { String($0.1) } })
    }

    /// The text of a file without its comment lines.
    static func code(_ path: String) throws -> String {
        try lines(path).map { $0.replacing(/^\s*\/\/.*/, with: "") }.joined(separator: "\n")
    }
}
