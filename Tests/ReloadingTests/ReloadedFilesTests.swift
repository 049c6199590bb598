import Foundation
import Reloading
import Testing

@Suite struct ReloadedFilesTests {
    private struct Odd: Error, CustomStringConvertible { let description: String }

    private static func inFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reloaded-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    /// Two files that fit together if their contents are equal.
    private static func pair(in folder: URL) throws -> ReloadedFiles<String> {
        try ReloadedFiles(["a", "b"].map { folder.appendingPathComponent($0).path }) { files in
            guard files[0] == files[1] else { throw Odd(description: "they differ") }
            return String(decoding: files[0], as: UTF8.self)
        }
    }

    private static func write(_ text: String, _ name: String, in folder: URL) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
    }

    @Test("What fits is taken up, what does not changes nothing, and trouble is new once")
    func renewal() async throws {
        try await Self.inFolder { folder in
            try Self.write("one", "a", in: folder)
            #expect(throws: (any Error).self, "a file is missing") { try Self.pair(in: folder) }
            try Self.write("two", "b", in: folder)
            #expect(throws: Odd.self) { try Self.pair(in: folder) }
            try Self.write("one", "b", in: folder)
            let files = try Self.pair(in: folder)
            #expect(files.look() == .unchanged)

            try Self.write("two", "a", in: folder)
            #expect(files.look() == .failed("they differ", isNew: true))
            #expect(files.look() == .failed("they differ", isNew: false))
            #expect(files.value == "one")
            try Self.write("two", "b", in: folder)
            #expect(files.look() == .renewed)
            #expect(files.value == "two")
            #expect(files.look() == .unchanged)

            // Removed and restored: the failure is over, and counts as new when it recurs.
            let path = folder.appendingPathComponent("b").path
            for _ in 0..<2 {
                try FileManager.default.removeItem(atPath: path)
                #expect(files.look() == .failed("\(path) cannot be read", isNew: true))
                try Self.write("two", "b", in: folder)
                #expect(files.look() == .unchanged)
            }
            try Self.write("two", "a", in: folder)
            #expect(files.look() == .unchanged, "another file with the same in it")
        }
    }

    @Test("A file is read up to its bound")
    func bound() async throws {
        try await Self.inFolder { folder in
            let most = String(repeating: "x", count: 256 * 1_024)
            for name in ["a", "b"] { try Self.write(most, name, in: folder) }
            let files = try Self.pair(in: folder)
            #expect(files.value.utf8.count == 256 * 1_024)
            for text in [most + "x", ""] {
                try Self.write(text, "a", in: folder)
                guard case .failed(let cause, _) = files.look() else { return #expect(Bool(false), "it was read") }
                #expect(cause.hasSuffix("is empty or larger than 262144 bytes"))
            }
        }
    }

    @Test("Whoever watches is told of each look, until they leave")
    func watching() async throws {
        try await Self.inFolder { folder in
            for name in ["a", "b"] { try Self.write("one", name, in: folder) }
            let files = try Self.pair(in: folder)
            let (outcomes, told) = AsyncStream.makeStream(of: ReloadOutcome.self)
            let watcher = Task { await files.watch(every: .milliseconds(1)) { told.yield($0) } }
            var isRenewed = false
            for await outcome in outcomes {
                if outcome == .renewed { isRenewed = true }
                if isRenewed { break }
                for name in ["a", "b"] { try Self.write("two", name, in: folder) }
            }
            #expect(files.value == "two")
            watcher.cancel()
            await watcher.value
        }
    }
}
