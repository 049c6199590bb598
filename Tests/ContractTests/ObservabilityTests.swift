import Foundation
import Stack
import Testing
import Yams

/// Dashboard, alerts and the page about operations speak of metrics that the services have.
@Suite struct ObservabilityTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Project.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Names in the sources of whatever counts, measures or times.
    private static func known() throws -> Set<String> {
        var names: Set<String> = ["up"]
        for folder in ["Shared", "Services"] {
            let walk = try #require(
                FileManager.default.enumerator(atPath: Project.root.appendingPathComponent(folder).path))
            for case let path as String in walk where path.hasSuffix(".swift") {
                let source = try text("\(folder)/\(path)")
                for match in source.matches(of: /(?:label: |count\(\s*|time\(\s*|appendSingle\(\s*)"([a-z][a-z0-9_]*)"/)
                {
                    names.insert(String(match.1))
                    // Counters that are made without their ending get it.
                    names.insert("\(match.1)_total")
                }
            }
        }
        return names
    }

    /// The metrics that an expression reads.
    private static func read(_ expression: String) -> Set<String> {
        let bare = expression.replacing(/"[^"]*"/, with: "").replacing(/\bby \([^)]*\)/, with: "")
            .replacing(/\{[^}]*\}/, with: "").replacing(/\[[^\]]*\]/, with: "")
        let words: Set = [
            "sum", "min", "max", "rate", "increase", "deriv", "time", "topk", "and", "unless", "histogram_quantile",
            "le", "end",
        ]
        return Set(bare.matches(of: /[a-z_][a-z0-9_]*/).map { String($0.0) }).subtracting(words)
    }

    /// A histogram's own series go by its name.
    private static func family(_ name: String, _ known: Set<String>) -> String {
        for suffix in ["_bucket", "_count", "_sum"] where name.hasSuffix(suffix) && !known.contains(name) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    private static func alerts() throws -> [[String: Any]] {
        let file = try #require(try Yams.load(yaml: text("deploy/observability/alerts.yml")) as? [String: Any])
        let groups = try #require(file["groups"] as? [[String: Any]])
        return groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
    }

    @Test("Every metric of every alert and every panel is one that the services have")
    func names() throws {
        let known = try Self.known()
        #expect(known.contains("rpc_server_duration_seconds") && known.contains("process_open_fds"))
        let rules = try Self.alerts()
        #expect(rules.count >= 15)
        var used = 0
        for rule in rules {
            let name = try #require(rule["alert"] as? String)
            for metric in Self.read(try #require(rule["expr"] as? String)) {
                used += 1
                #expect(known.contains(Self.family(metric, known)), "\(name) reads \(metric)")
            }
            let annotations = try #require(rule["annotations"] as? [String: String])
            #expect(annotations["summary"] != nil && annotations["description"] != nil, "\(name)")
        }
        let dashboard = try JSONSerialization.jsonObject(
            with: Data(Self.text("deploy/observability/dashboard.json").utf8))
        let panels = try #require((dashboard as? [String: Any])?["panels"] as? [[String: Any]])
        let targets = panels.flatMap { panel in
            (panel["targets"] as? [[String: Any]] ?? []).map {
                (panel["title"] as? String ?? "", $0["expr"] as? String ?? "")
            }
        }
        #expect(targets.count >= 20)
        for (title, expression) in targets {
            for metric in Self.read(expression) {
                used += 1
                #expect(known.contains(Self.family(metric, known)), "\(title) reads \(metric)")
            }
        }
        #expect(used > 40)
        // The rule of this test can say no.
        #expect(!known.contains(Self.family("queue_jobs_that_nobody_counts", known)))
    }

    @Test("Every fault of the suite has a metric that shows it and an alert that says so, in docs/operations.md")
    func faults() throws {
        let known = try Self.known()
        let alerts = Set(try Self.alerts().compactMap { $0["alert"] as? String })
        let page = try Self.text("docs/operations.md")
        let start = try #require(page.range(of: "| fault | metric | alert |")).upperBound
        let rows = page[start...].split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("|") }
        #expect(rows.count >= 12)
        for row in rows {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(cells.count == 3, "\(row)")
            let metrics = cells[1].matches(of: /`([a-z_0-9]+)[`{]/).map { String($0.1) }
            #expect(!metrics.isEmpty, "\(row)")
            for metric in metrics { #expect(known.contains(Self.family(metric, known)), "\(row): \(metric)") }
            let named = cells[2].matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
            #expect(!named.isEmpty && named.allSatisfy(alerts.contains), "\(row)")
        }
    }

    /// What came last was refused once the times of statements had taken all room: alerts on it could not fire.
    @Test(
        "The times of all statements and methods of a service find room",
        arguments: ["metadata", "ratings", "scrobble", "gateway"])
    func room(service: String) throws {
        let registry = try Self.text("Shared/Runtime/Metrics/MetricsRegistry.swift")
        let limit = try #require(registry.firstMatch(of: /seriesMax = ([0-9_]+)/)?.1.replacing("_", with: ""))
        let bounds = try #require(registry.firstMatch(of: /secondsBuckets: \[Double\] = \[([^\]]*)\]/)?.1)
        let lines = bounds.split(separator: ",").filter { $0.contains(/[0-9]/) }.count + 3
        var statements: Set<Substring> = []
        for folder in ["Services/\(service)", "Shared/Store"] {
            let walk = try #require(
                FileManager.default.enumerator(atPath: Project.root.appendingPathComponent(folder).path))
            for case let path as String in walk where path.hasSuffix(".swift") {
                let source = try Self.text("\(folder)/\(path)")
                statements.formUnion(source.matches(of: /PGStatement(?:<[^(]*>)?\(\s*"([^"]+)"/).map { $0.1 })
            }
        }
        let methods = try Self.text("proto/\(service).openrpc.yaml").matches(of: /name: \w+\.\w+\n/).count
        #expect(statements.count > 15)
        // Statements end in two ways, methods in more: four are usual.
        #expect((statements.count * 2 + methods * 4) * lines < Int(limit) ?? 0)
    }

    /// promtool, from Debian's package prometheus or where `REELAY_PROMTOOL` says.
    private static let promtool: String? = {
        let places = [ProcessInfo.processInfo.environment["REELAY_PROMTOOL"], "/usr/bin/promtool"]
        return places.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    @Test(
        "promtool takes the alert rules, and those of providers tell what they should",
        .enabled(if: promtool != nil, "promtool is not installed (package prometheus)"))
    func rules() async throws {
        let promtool = try #require(Self.promtool)
        let folder = Project.root.appendingPathComponent("deploy/observability")
        let said = try await Command.run(
            promtool, ["check", "rules", folder.appendingPathComponent("alerts.yml").path])
        #expect(said.contains("SUCCESS"), "\(said)")
        try await Command.run(promtool, ["check", "config", folder.appendingPathComponent("prometheus.yml").path])
        let tested = try await Command.run(
            promtool, ["test", "rules", folder.appendingPathComponent("alerts-test.yml").path])
        #expect(tested.contains("SUCCESS"), "\(tested)")
    }
}
