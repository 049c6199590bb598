import Foundation
import Stack
import Testing

/// Abuse of the public HTTP/2, TLS and HTTP/1.1 by `abuse.py`, against the gateway's own process.
@Suite(.serialized)
struct AbuseTests {
    private struct Outcome: Decodable {
        let kind: String
        /// Connections of the abusive clients: opened, refused, and ended by the gateway.
        let opened: Int
        let refused: Int
        let ended: Int
        /// Calls of a well-behaved client meanwhile.
        let calls: Int
        let failed: Int
        /// The 99th percentile of their latency before and during the abuse, in milliseconds.
        let before: Double
        let during: Double
        /// The time afterwards until they were answered as before, in milliseconds.
        let calm: Int
        /// Growth in memory since this kind began and since the first one did, in bytes.
        let grown: Int
        let inAll: Int

        var ratio: Double { during / max(before, 0.1) }
    }

    /// The kinds whose connections are ended at once; others are held to timeouts (`ConnectionTests`) and a memory
    /// limit.
    private static let ended: Set = [
        "rapid_reset", "continuation", "settings", "ping", "ping_unread", "made_you_reset", "hpack_bomb", "empty_data",
        "priority", "window_update", "malformed",
    ]

    private static let isFull = ProcessInfo.processInfo.environment["REELAY_FAULTS"] == "full"
    private static let kinds = 19
    private static let grownMax = 50 << 20
    private static let calmMax = 5_000
    private static let ratioMax = 3.0

    /// Whether latencies are checked: a debug build that runs beside other tests, for the short time that each kind
    /// gets by default, is exempt.
    private static var holdsTimes: Bool {
        #if DEBUG
            isFull
        #else
            true
        #endif
    }

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
            // Even the shorter time is enough for a client whose connections are ended at once to reconnect dozens of
            // times.
            let seconds = Self.isFull ? ["10", "10"] : ["1.5", "0.7"]
            let abuse = try await FaultMetric("edge_http2_abuse_total", of: gateway)
            async let isSeen: Void = abuse.rises()
            let told = try await Command.run(
                "python3",
                [
                    Project.root.appendingPathComponent("Tests/EndToEndTests/abuse.py").path,
                    String(gateway.port), String(try #require(gateway.pid)), token,
                ] + seconds)
            let outcomes = try told.split(separator: "\n").map { line in
                try JSONDecoder().decode(Outcome.self, from: Data(line.utf8))
            }
            print(told)
            try await isSeen
            let text = try await Wire.send("GET", "http://127.0.0.1:\(gateway.adminPort)/metrics").text
            let counted = text.split(separator: "\n").filter { $0.hasPrefix("edge_http2_abuse_total{") }
            let count = counted.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
            #expect(count > 10, "what was done about it is not counted: \(counted)")
            let faults = outcomes.flatMap(Self.faults)
            let isHeld = outcomes.count == Self.kinds && faults.isEmpty
            print("bar Edge abuse: \(isHeld ? "held" : "NOT HELD") (\(Self.figures(outcomes)))")
            #expect(isHeld, "\(outcomes.count) kinds: \(faults)")
        }
    }

    /// Describes what is wrong with the outcome of one kind.
    private static func faults(_ outcome: Outcome) -> [String] {
        var faults: [String] = []
        if outcome.opened == 0 { faults.append("no connection") }
        if ended.contains(outcome.kind), outcome.ended == 0 { faults.append("no connection was ended") }
        // A call that is not answered within a minute fails.
        if outcome.calls == 0 || outcome.failed > 0 {
            faults.append("\(outcome.failed) of \(outcome.calls) calls failed")
        }
        if outcome.grown > grownMax { faults.append("\(outcome.grown) bytes more") }
        if outcome.calm > calmMax { faults.append("calm after \(outcome.calm) ms") }
        if holdsTimes, outcome.ratio > ratioMax {
            faults.append("p99 of others \(outcome.during) ms, before it \(outcome.before) ms")
        }
        return faults.map { "\(outcome.kind): \($0)" }
    }

    private static func figures(_ outcomes: [Outcome]) -> String {
        func worst<Value: Comparable>(_ value: (Outcome) -> Value) -> Outcome? {
            outcomes.max { value($0) < value($1) }
        }
        guard let grown = worst(\.grown), let calm = worst(\.calm), let ratio = worst(\.ratio) else { return "nothing" }
        func sum(_ value: (Outcome) -> Int) -> Int { outcomes.map(value).reduce(0, +) }
        let inAll = outcomes.map(\.inAll).max() ?? 0
        return [
            "\(outcomes.count) kinds, \(sum(\.opened)) connections, \(sum(\.ended)) of them ended",
            "\(sum(\.failed)) of \(sum(\.calls)) calls of others failed",
            "memory \(grown.grown >> 20) MiB more at most (\(grown.kind)), \(inAll >> 20) in all",
            "calm after \(calm.calm) ms at most (\(calm.kind))",
            "p99 of others \(Int(ratio.ratio.rounded())) times that before at most (\(ratio.kind): \(ratio.during) of "
                + "\(ratio.before) ms)\(holdsTimes ? "" : ", which is not held to 3 here")",
        ].joined(separator: "; ")
    }
}
