import Foundation
import Stack
import Testing

/// Who misuses the public side's HTTP/2, its TLS and its HTTP/1.1: the gateway's own process, asked by `abuse.py`.
@Suite(.serialized)
struct AbuseTests {
    private struct Outcome: Decodable {
        let kind: String
        /// Connections of those who misuse it: opened, refused, and ended by the gateway.
        let opened: Int
        let refused: Int
        let ended: Int
        /// Calls of somebody polite meanwhile.
        let calls: Int
        let failed: Int
        /// Milliseconds.
        let slowest: Int
        /// Bytes.
        let grown: Int
    }

    /// Kinds whose connections end at once; others are held to times (`ConnectionTests`) and to a memory.
    private static let ended: Set = [
        "rapid_reset", "continuation", "settings", "ping", "ping_unread", "made_you_reset", "hpack_bomb", "empty_data",
        "priority", "window_update", "malformed",
    ]

    @Test("Nineteen kinds of misuse: connections are ended, memory is bounded, others are answered")
    func misused() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reelay-abuse-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await PublicTLSTests.makeCertificate("only", in: folder)
        var plan = StackPlan()
        plan.settingsOf["gateway"] = [
            "REELAY_PUBLIC_CERTIFICATE": folder.appendingPathComponent("only.pem").path,
            "REELAY_PUBLIC_CERTIFICATE_KEY": folder.appendingPathComponent("only.key").path,
            "REELAY_PERSON_REQUESTS": "100000",
        ]
        try await Stack.running(plan) { stack in
            let gateway = try stack.service("gateway")
            let made = try await Command.run(
                "curl",
                [
                    "-sS", "-k", "-H", "content-type: application/json", "-d",
                    #"{"username":"polly","password":"a long and odd phrase"}"#,
                    "https://127.0.0.1:\(gateway.port)/api/v1/auth/register",
                ])
            let token = try #require(
                (JSONSerialization.jsonObject(with: Data(made.utf8)) as? [String: Any])?["token"] as? String)
            let told = try await Command.run(
                "python3",
                [
                    Project.root.appendingPathComponent("Tests/EndToEndTests/abuse.py").path,
                    String(gateway.port), String(try #require(gateway.pid)), token, "1.5",
                ])
            let outcomes = try told.split(separator: "\n").map { line in
                try JSONDecoder().decode(Outcome.self, from: Data(line.utf8))
            }
            print(told)
            #expect(outcomes.count == 19)
            for outcome in outcomes {
                #expect(outcome.opened > 0, "\(outcome)")
                if Self.ended.contains(outcome.kind) { #expect(outcome.ended > 0, "\(outcome)") }
                // A call fails that is not answered within a minute. How soon it is depends on the build: this one is not for speed.
                #expect(outcome.calls > 0 && outcome.failed == 0, "\(outcome)")
                #expect(outcome.grown < 64 << 20, "\(outcome)")
            }
        }
    }
}
