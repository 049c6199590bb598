internal import Glibc

/// Reads small files and folders before anything else runs; blocks, so never use it on an event loop.
package enum ConfigFile {
    /// Bytes of the largest file that is read.
    package static let fileBytesMax = 64 * 1024
    /// Names in the largest folder that is read.
    package static let folderNamesMax = 1024

    /// The UTF-8 text of a file, or why it could not be read.
    package enum Outcome: Sendable, Equatable {
        case text(String)
        case unreadable(reason: String)
    }

    /// The names in a folder, in no order, or why they could not be read.
    package enum Listing: Sendable, Equatable {
        case names([String])
        case unreadable(reason: String)
    }

    package static func read(_ path: String) -> Outcome {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .unreadable(reason: message(errno)) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
        var count = 0
        while count < bytes.count {
            let free = bytes.count - count
            let received = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), free)
            }
            if received < 0 {
                if errno == EINTR { continue }
                return .unreadable(reason: message(errno))
            }
            if received == 0 { break }
            count += received
        }
        guard count <= fileBytesMax else { return .unreadable(reason: "it is larger than \(fileBytesMax) bytes") }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            return .unreadable(reason: "it is not UTF-8 text")
        }
        return .text(text)
    }

    package static func list(_ path: String) -> Listing {
        guard let folder = opendir(path) else { return .unreadable(reason: message(errno)) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            guard names.count < folderNamesMax else {
                return .unreadable(reason: "it has more than \(folderNamesMax) files")
            }
            names.append(name)
        }
        // The end of the folder leaves it at 0.
        guard errno == 0 else { return .unreadable(reason: message(errno)) }
        return .names(names)
    }

    /// Parses lines `KEY=VALUE` (surrounding spaces are dropped), blank lines and lines that start with `#`.
    static func parse(_ text: String, path: String) -> (values: [String: String], problems: [StartupError.Problem]) {
        var values: [String: String] = [:]
        var problems: [StartupError.Problem] = []
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let content = ConfigText.trimmed(line)
            if content.isEmpty || content.hasPrefix("#") { continue }
            let place = "\(path), line \(index + 1)"
            guard let equals = content.firstIndex(of: "=") else {
                problems.append(.init(subject: place, reason: "expected KEY=VALUE"))
                continue
            }
            let name = ConfigText.trimmed(content[..<equals])
            let value = ConfigText.trimmed(content[content.index(after: equals)...])
            if values.updateValue(value, forKey: name) != nil {
                problems.append(.init(subject: place, reason: "\(name) is already given above"))
            }
        }
        return (values, problems)
    }

    private static func message(_ code: Int32) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}
