internal import Glibc
internal import NIOPosix
internal import Synchronization

/// What is made of a few files, and made again when they change, so that what is renewed needs no restart.
///
/// Files that do not fit together, as while they are replaced one by one, change nothing: what is in use stays in use.
package final class ReloadedFiles<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var value: Value
        /// What the files held from which the value was made.
        var used: [[UInt8]]
        /// Why they were of no use at the last look.
        var trouble: String?
    }

    private let paths: [String]
    private let make: @Sendable ([[UInt8]]) throws -> Value
    private let state: Mutex<State>

    /// Reads the files at `paths`. Throws where one cannot be read, and what `make` throws. Blocks on them.
    package init(_ paths: [String], make: @escaping @Sendable ([[UInt8]]) throws -> Value) throws {
        self.paths = paths
        self.make = make
        let files = try paths.map { try BoundedFile.read($0) }
        state = Mutex(State(value: try make(files), used: files))
    }

    package var value: Value { state.withLock(\.value) }

    /// Looks whether the files have changed. Blocks on them: not for an event loop.
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

    /// Looks every `interval` until it is cancelled, and tells what each look came to.
    package func watch(every interval: Duration, _ tell: (ReloadOutcome) -> Void) async {
        while (try? await Task.sleep(for: interval)) != nil {
            if let outcome = try? await NIOThreadPool.singleton.runIfActive({ self.look() }) { tell(outcome) }
        }
    }
}

/// What a look at files came to.
package enum ReloadOutcome: Sendable, Hashable {
    case unchanged
    case renewed
    /// What is in use stays in use. New is a trouble that the look before did not have.
    case failed(String, isNew: Bool)
}

/// A file that is read as a whole, up to a bound.
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
