import Foundation
import Stack
import Testing

/// deploy/dev/advisories against an emulated OSV; no test asks the real one.
@Suite struct AdvisoriesTests {
    private struct Run: Decodable {
        struct Request: Decodable {
            struct Body: Decodable {
                struct Query: Decodable {
                    struct Package: Decodable {
                        let ecosystem: String
                        let name: String
                    }
                    let package: Package
                    let version: String
                    let pageToken: String?
                }
                let queries: [Query]
            }
            let method: String
            let path: String
            let body: Body?
        }
        let status: Int
        let output: String
        let errors: String
        let requests: [Request]
    }

    /// A vulnerability in glibc, published on 1 November 2026, and fixed by another version if `mended`.
    private static func fault(_ id: String, mended: Bool = true) -> [String: Any] {
        var events = [["introduced": "0"]]
        if mended { events.append(["fixed": "2.36-9+deb12u20"]) }
        let extent: [String: Any] = ["type": "ECOSYSTEM", "events": events]
        let affected: [String: Any] = [
            "package": ["ecosystem": "Debian:12", "name": "glibc"], "ranges": [extent],
        ]
        return [
            "id": id, "published": "2026-11-01T10:00:00Z", "modified": "2026-11-02T10:00:00Z",
            "upstream": [id.replacing("DEBIAN-", with: "")],
            "severity": [["type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"]],
            "affected": [affected],
        ]
    }

    /// Runs the script for two components in a scenario, on a day.
    private static func run(
        _ scenario: [String: Any], today: String = "2026-11-20", accepted: [[String: String]] = [],
        arguments: [String] = []
    ) async throws -> Run {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("advisories-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let parts: [[String: Any]] = [
            [
                "purl": "pkg:deb/debian/libc6@2.36-9%2Bb1?arch=amd64&distro=debian-12",
                "properties": [
                    ["name": "reelay:source", "value": "glibc"], ["name": "reelay:source-version", "value": "2.36-9"],
                ],
            ],
            ["purl": "pkg:swift/github.com/apple/swift-nio@2.101.2"],
        ]
        let list = folder.appendingPathComponent("sbom.json")
        try JSONSerialization.data(withJSONObject: ["components": parts]).write(to: list)
        let set = folder.appendingPathComponent("accepted.json")
        try JSONSerialization.data(withJSONObject: ["accepted": accepted]).write(to: set)
        let told = String(
            decoding: try JSONSerialization.data(withJSONObject: scenario), as: UTF8.self)
        let printed = try await Command.run(
            "python3",
            [
                "-B", Project.root.appendingPathComponent("Tests/ContractTests/osv.py").path, told,
                Project.root.appendingPathComponent("deploy/dev/advisories").path, "--sbom", list.path, "--accept",
                set.path, "--today", today, "--pause", "0.01",
            ] + arguments)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Run.self, from: Data(printed.utf8))
    }

    private static func one(_ id: String = "DEBIAN-CVE-2026-1", mended: Bool = true) -> [String: Any] {
        ["queries": ["glibc": [id]], "vulns": [id: fault(id, mended: mended)]]
    }

    @Test("Every part is asked about, as OSV calls it, and nothing is wrong where it knows of nothing")
    func nothing() async throws {
        let run = try await Self.run([:])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run)")
        #expect(run.output.contains("2 parts, 0 faults"))
        #expect(run.requests.map(\.path) == ["/v1/querybatch"])
        let queries = run.requests.first?.body?.queries ?? []
        #expect(queries.map(\.package.ecosystem) == ["Debian:12", "SwiftURL", "SwiftURL", "GIT"])
        let swift = ["github.com/apple/swift-nio", "swift-nio", "https://github.com/apple/swift-nio.git"]
        #expect(queries.map(\.package.name) == ["glibc"] + swift)
        #expect(queries.map(\.version) == ["2.36-9", "2.101.2", "2.101.2", "2.101.2"])
    }

    @Test(
        "A fault of a Swift package is found under its address, its bare name, and its repository alike",
        arguments: [
            ("SwiftURL", "github.com/apple/swift-nio"), ("SwiftURL", "swift-nio"),
            ("GIT", "https://github.com/apple/swift-nio.git"),
        ])
    func filings(ecosystem: String, name: String) async throws {
        let extent: [String: Any] = ["type": "SEMVER", "events": [["introduced": "0"], ["fixed": "2.102.0"]]]
        let affected: [String: Any] = ["package": ["ecosystem": ecosystem, "name": name], "ranges": [extent]]
        let record: [String: Any] = [
            "id": "GHSA-aaaa-bbbb-cccc", "published": "2026-11-01T10:00:00Z", "modified": "2026-11-02T10:00:00Z",
            "affected": [affected],
        ]
        let run = try await Self.run(
            ["queries": [name: ["GHSA-aaaa-bbbb-cccc"]], "vulns": ["GHSA-aaaa-bbbb-cccc": record]],
            today: "2026-12-02")
        #expect(run.status == 1 && run.output.contains("mended by 2.102.0"), "\(run)")
    }

    @Test("A fault is shown with its day; up to that day it warns, from the next on it fails")
    func days() async throws {
        let last = try await Self.run(Self.one(), today: "2026-12-01")
        #expect(last.status == 0, "\(last)")
        for word in [
            "open", "glibc (libc6) 2.36-9", "DEBIAN-CVE-2026-1", "CVSS 7.8: 30 days", "published 2026-11-01",
            "until 2026-12-01", "mended by 2.36-9+deb12u20",
        ] {
            #expect(last.output.contains(word), "\(word) in \(last.output)")
        }
        #expect(last.errors.contains("warning"))
        let next = try await Self.run(Self.one(), today: "2026-12-02")
        #expect(next.status == 1 && next.output.hasPrefix("PAST  "), "\(next)")
    }

    @Test("What no version mends has no day yet, and is shown")
    func unmended() async throws {
        let run = try await Self.run(Self.one(mended: false), today: "2027-11-01")
        #expect(run.status == 0 && run.errors.contains("warning"), "\(run)")
        #expect(run.output.hasPrefix("waiting  ") && run.output.contains("no version without it yet"))
    }

    @Test("What was accepted is set aside until its day, for its part alone, and counts again afterwards")
    func accepted() async throws {
        func accept(_ part: String = "libc6", until: String) -> [[String: String]] {
            [["id": "CVE-2026-1", "part": part, "reason": "Nothing here calls it", "until": until]]
        }
        let today = "2027-01-10"
        let aside = try await Self.run(Self.one(), today: today, accepted: accept(until: today))
        #expect(aside.status == 0 && aside.errors.isEmpty, "\(aside)")
        #expect(aside.output.hasPrefix("accepted  ") && aside.output.contains("\(today): Nothing here calls it"))
        let over = try await Self.run(Self.one(), today: today, accepted: accept(until: "2027-01-09"))
        #expect(over.status == 1 && over.output.contains("was accepted until 2027-01-09"), "\(over)")
        let other = try await Self.run(Self.one(), today: today, accepted: accept("swift-nio", until: today))
        #expect(other.status == 1 && other.errors.contains("its acceptance can go"), "\(other)")
    }

    @Test("An acceptance without a reason, or for longer than a year, is refused")
    func refused() async throws {
        for (reason, until, why) in [(" ", "2026-12-01", "a reason"), ("For ever", "2030-01-01", "at most 366 days")] {
            let run = try await Self.run(
                Self.one(),
                accepted: [["id": "CVE-2026-1", "part": "glibc", "reason": reason, "until": until]])
            #expect(run.status == 2 && run.errors.contains(why), "\(run)")
            #expect(run.requests.isEmpty)
        }
    }

    @Test("All pages of a long answer are read, and only for the part that has them")
    func pages() async throws {
        let ids = (1...5).map { "DEBIAN-CVE-2026-\($0)" }
        let records = Dictionary(uniqueKeysWithValues: ids.map { ($0, Self.fault($0)) })
        let run = try await Self.run(["queries": ["glibc": ids], "vulns": records, "page": 2])
        #expect(run.status == 0 && run.output.contains("5 faults"), "\(run)")
        let queries = run.requests.compactMap(\.body?.queries)
        #expect(queries.map(\.count) == [4, 1, 1])
        #expect(queries.dropFirst().flatMap { $0 }.map(\.pageToken) == ["2", "4"])
        for id in ids { #expect(run.output.contains("\(id)  ")) }
    }

    @Test("What fails for a while is asked again")
    func again() async throws {
        var scenario = Self.one()
        scenario["failures"] = 3
        let run = try await Self.run(scenario)
        #expect(run.status == 0 && run.output.contains("1 faults"), "\(run)")
        #expect(
            run.requests.map(\.path) == Array(repeating: "/v1/querybatch", count: 4) + ["/v1/vulns/DEBIAN-CVE-2026-1"])
    }

    @Test("What cannot be asked is named, and is neither good nor late", .timeLimit(.minutes(2)))
    func unasked() async throws {
        let failing = try await Self.run(["failures": 1_000])
        #expect(failing.status == 2 && failing.requests.count == 4, "\(failing)")
        #expect(
            failing.errors.contains("faults of glibc 2.36-9, github.com/apple/swift-nio 2.101.2: status 500, 4 times"))
        let unknown = try await Self.run(["queries": ["glibc": ["DEBIAN-CVE-2026-9"]]])
        #expect(unknown.status == 2 && unknown.requests.count == 2, "\(unknown)")
        #expect(unknown.errors.contains("DEBIAN-CVE-2026-9 of glibc 2.36-9: status 404"))
        let closed = try await Self.run([:], arguments: ["--url", "http://127.0.0.1:1"])
        #expect(closed.status == 2 && closed.requests.isEmpty && closed.errors.contains("glibc 2.36-9"), "\(closed)")
        let clear = try await Self.run([:], arguments: ["--url", "http://api.osv.dev"])
        #expect(clear.status == 2 && clear.errors.contains("https was expected"), "\(clear)")
    }

    @Test("An answer that is too long, takes too long or leads elsewhere is no answer")
    func bounds() async throws {
        let long = try await Self.run(["body": " ", "times": 32 * 1024 * 1024 + 1])
        #expect(long.status == 2 && long.errors.contains("more than 33554432 bytes"), "\(long)")
        let slow = try await Self.run(["seconds": 3], arguments: ["--seconds-max", "1"])
        #expect(slow.status == 2 && slow.errors.contains("glibc 2.36-9"), "\(slow)")
        #expect(slow.errors.contains("all together took more than 1.0 s"))
        let elsewhere = try await Self.run(["elsewhere": "/v1/other"])
        #expect(elsewhere.status == 2 && elsewhere.errors.contains("status 307"), "\(elsewhere)")
        #expect(elsewhere.requests.count == 1)
    }

    @Test("An answer that has not the form it must have is no answer")
    func malformed() async throws {
        for body in [
            "<html>", "[]", "{}", #"{"results": []}"#, #"{"results": [{}, 1]}"#, #"{"results": [{"vulns": [{}]}, {}]}"#,
            #"{"results": [{"vulns": [{"id": "../../admin"}]}, {}]}"#, String(repeating: "[", count: 50_000),
        ] {
            let run = try await Self.run(["body": body])
            #expect(run.status == 2 && run.output.isEmpty && run.requests.count == 1, "\(run)")
            #expect(run.errors.contains("not asked: faults of "), "\(run)")
        }
    }

    @Test("A record that has not the form it must have is no answer")
    func malformedRecord() async throws {
        for (member, value) in [
            ("id", "DEBIAN-CVE-2026-2"), ("published", "yesterday"), ("severity", 7), ("affected", ["glibc"]),
        ] as [(String, Any)] {
            var record = Self.fault("DEBIAN-CVE-2026-1")
            record[member] = value
            let run = try await Self.run([
                "queries": ["glibc": ["DEBIAN-CVE-2026-1"]], "vulns": ["DEBIAN-CVE-2026-1": record],
            ])
            #expect(run.status == 2 && run.errors.contains("DEBIAN-CVE-2026-1 of glibc 2.36-9"), "\(member): \(run)")
        }
    }

    @Test("The check of every change asks nobody, but holds the rules to their table")
    func check() throws {
        let check = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/dev/check"), encoding: .utf8)
        #expect(check.contains("$here/lib/advisories_test.py\""))
        #expect(!check.contains("$here/advisories") && !check.contains("lib/advisories.py"))
        let test = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/dev/lib/advisories_test.py"), encoding: .utf8)
        #expect(!test.contains("import osv") && !test.contains("from osv"))
    }
}
