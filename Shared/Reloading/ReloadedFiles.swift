internal import Glibc
internal import NIOPosix
internal import Synchronization

/// A value made from a few files, and remade when they change, so that renewing them needs no restart.
///
/// Files that do not fit together, as while they are replaced one by one, change nothing: the current value stays in
/// use.
package final class ReloadedFiles<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var value: Value
        /// The content of the files from which the value was made.
        var used: [[UInt8]]
        /// Why the files were unusable at the last check.
        var trouble: String?
    }

    private let paths: [String]
    private let make: @Sendable ([[UInt8]]) throws -> Value
    private let state: Mutex<State>

    /// Reads the files at `paths`. Throws if one cannot be read, and whatever `make` throws. Blocks on file I/O.
    package init(_ paths: [String], make: @escaping @Sendable ([[UInt8]]) throws -> Value) throws {
        self.paths = paths
        self.make = make
        let files = try paths.map { try BoundedFile.read($0) }
        state = Mutex(State(value: try make(files), used: files))
    }

    package var value: Value { state.withLock(\.value) }

    /// Checks whether the files have changed. Blocks on file I/O: not for an event loop.
    package func look() -> ReloadOutcome {
        do {
            let files = try paths.map { try BoundedFile.read($0) }
            let isUsed = state.withLock { state in
                if state.used == files { state.trouble = nil }
                return state.used == files
            }
            if isUsed { return .unchanged }
            let value = try make(files)
            state.withLock { $0 = State(value: value, used: files) }
            return .renewed
        } catch {
            let cause = "\(error)"
            return state.withLock { state in
                defer { state.trouble = cause }
                return .failed(cause, isNew: state.trouble != cause)
            }
        }
    }

    /// Checks every `interval` until cancelled, and reports the outcome of each check.
    package func watch(every interval: Duration, _ tell: (ReloadOutcome) -> Void) async {
        while (try? await Task.sleep(for: interval)) != nil {
            if let outcome = try? await NIOThreadPool.singleton.runIfActive({ self.look() }) { tell(outcome) }
        }
    }
}

/// The outcome of checking the files.
package enum ReloadOutcome: Sendable, Hashable {
    case unchanged
    case renewed
    /// The current value stays in use. `isNew` tells whether the previous check had a different outcome.
    case failed(String, isNew: Bool)
}

/// A file read as a whole, up to a bound.
private enum BoundedFile {
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    static let bytesMax = 256 * 1_024

    static func read(_ path: String) throws(Unreadable) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Unreadable(description: "\(path) cannot be read") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count > 0, count <= bytesMax else {
            throw Unreadable(description: "\(path) is empty or larger than \(bytesMax) bytes")
        }
        return Array(bytes.prefix(count))
    }
}
