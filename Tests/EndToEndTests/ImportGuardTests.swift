import Archive
import Foundation
import Stack
import Testing

/// Malicious archives: each is refused with a reason, immediately and without using memory.
@Suite(.stack(.openToAll), .serialized)
struct ImportGuardTests {
    private func archive(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        var writer = try ArchiveWriter()
        for (name, bytes) in files {
            try writer.begin(name)
            try writer.write(bytes)
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    /// The offsets of all occurrences of a signature in the archive.
    private func places(_ signature: [UInt8], _ bytes: [UInt8]) -> [Int] {
        bytes.indices.dropLast(4).filter { Array(bytes[$0..<($0 + 4)]) == signature }
    }

    private static let local: [UInt8] = [0x50, 0x4B, 3, 4]
    private static let central: [UInt8] = [0x50, 0x4B, 1, 2]
    private static let end: [UInt8] = [0x50, 0x4B, 5, 6]

    private func renamed(_ name: String, to other: String) throws -> [UInt8] {
        let bytes = try archive([(name, Array("a,b\n".utf8))])
        let (from, to) = (Array(name.utf8), Array(other.utf8))
        #expect(from.count == to.count)
        var (changed, at) = (bytes, 0)
        while at + from.count <= changed.count {
            if Array(changed[at..<(at + from.count)]) == from {
                changed.replaceSubrange(at..<(at + from.count), with: to)
            }
            at += 1
        }
        return changed
    }

    /// Falsifies the archive's metadata: overwrites the bytes at an offset in every record of a kind.
    private func lying(_ bytes: [UInt8], _ signature: [UInt8], _ offset: Int, _ value: [UInt8]) -> [UInt8] {
        var changed = bytes
        for place in places(signature, bytes) {
            changed.replaceSubrange((place + offset)..<(place + offset + value.count), with: value)
        }
        return changed
    }

    /// The peak resident memory of a process so far, in MiB.
    private func peak(_ process: StackProcess) throws -> Double {
        let pid = try #require(process.pid)
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return Double(line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1_024
    }

    @Test(
        "Bombs, lies, nests, locks, ways out and crowds are refused (4xx) within 2 s and 64 MiB; nothing of them stays",
        .timeLimit(.minutes(3)))
    func refused() async throws {
        let stack = try #require(Stack.current)
        let client = try await PublicClient(try stack.service("gateway").port)
            .registered("g" + UUID().uuidString.prefix(12).lowercased())
        let plain = try archive([("diary.csv", Array("Date,Name\n2020-01-01,A\n".utf8))])
        let zeros = [UInt8](repeating: 0, count: 120 << 20)
        let bad: [(String, [UInt8], String)] = [
            ("bomb", try archive([("diary.csv", zeros)]), "unpacks to far more"),
            ("size that lies", lying(plain, Self.central, 24, [0xFF, 0xFF, 0xFF, 0x0F]), ""),
            ("nested", try archive([("export.zip", plain)]), "archive within the archive"),
            (
                "encrypted", lying(lying(plain, Self.central, 8, [1, 0]), Self.local, 6, [1, 0]), "encrypted"
            ),
            ("way out", try renamed("xx/diary.csv", to: "../diary.csv"), "diary.csv"),
            ("absolute", try renamed("x/diary.csv", to: "//diary.csv"), "diary.csv"),
            ("crowd", lying(lying(plain, Self.end, 8, [0x11, 0x27]), Self.end, 10, [0x11, 0x27]), "10000 entries"),
            ("torn", Array(plain.prefix(plain.count / 2)), ""),
        ]
        // A well-formed archive first, so that connections and query plans exist.
        _ = try await client.upload("/imports", plain, type: "application/zip")
        let processes = [try stack.service("gateway"), try stack.service("scrobble")]
        let before = try processes.map(peak)
        var lines: [String] = []
        let harmful = try await FaultMetric(#"http_server_duration_seconds{status="422"}"#, of: processes[0])
        for (name, bytes, reason) in bad {
            let clock = ContinuousClock()
            let begun = clock.now
            let answer = try await client.upload("/imports?apply=true", bytes, type: "application/zip")
            let took = begun.duration(to: clock.now)
            #expect((400...499).contains(answer.status), "\(name): \(answer.status) \(answer.answer.text)")
            let detail = answer.json["detail"] as? String ?? ""
            #expect(!detail.isEmpty && (reason.isEmpty || detail.contains(reason)), "\(name): \(detail)")
            #expect(took < .seconds(2), "\(name) took \(took)")
            lines.append("\(name): \(answer.status), \(took), \(detail)")
        }
        for (process, peak) in zip(processes, zip(before, try processes.map(peak))) {
            lines.append("\(process.name): \(peak.0) MiB before, \(peak.1) MiB at most")
            #expect(peak.1 - peak.0 <= 64, "\(lines)")
        }
        try await harmful.rises()
        let history = try await client.send("GET", "/history")
        #expect((history.json["items"] as? [Any])?.isEmpty == true)
        print(lines.joined(separator: "\n"))
    }
}
