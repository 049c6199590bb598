import Foundation
import Stack
import Testing
import Yams

/// The dashboard, the alerts and the operations page refer only to metrics that the services have.
@Suite struct ObservabilityTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Project.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The names of all counters, gauges and timers in the sources.
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
                    // Counters named without the suffix get it.
                    if !match.1.contains(/_(total|seconds)$/) { names.insert("\(match.1)_total") }
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
            "sum", "min", "max", "abs", "rate", "increase", "deriv", "time", "topk", "and", "or", "unless",
            "histogram_quantile", "le", "end",
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
        #expect(try Self.text("docs/operations.md").contains("`alerts.yml` are \(rules.count) rules"))
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
        let start = try #require(page.range(of: "| bar | fault | metric | alert | seen by |")).upperBound
        let rows = page[start...].split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("|") }
        var shown: Set<Int> = []
        var seen = 0
        for row in rows {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 5, "\(row)")
            let bars = Self.numbers(cells[0])
            #expect(cells[0] == "–" || !bars.isEmpty, "\(row)")
            shown.formUnion(bars)
            let metrics = cells[2].matches(of: /`([a-z_0-9]+)[`{]/).map { String($0.1) }
            #expect(!metrics.isEmpty, "\(row)")
            for metric in metrics { #expect(known.contains(Self.family(metric, known)), "\(row): \(metric)") }
            let named = cells[3].matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
            #expect(!named.isEmpty && named.allSatisfy(alerts.contains), "\(row)")
            let tests = cells[4].matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
            #expect(tests.isEmpty == (cells[4] == "–"), "\(row)")
            let wanted = cells[2].matches(of: /`([^`]+)`/).map { Series($0.1) }
            for test in tests {
                let watched = try Self.watched(by: test)
                #expect(watched.contains { metric in wanted.contains { metric.isPart(of: $0) } }, "\(row)")
            }
            if !tests.isEmpty { seen += 1 }
        }
        let suite = Set(
            try Self.text("deploy/dev/lib/bars.py").matches(of: /\n {4}Bar\(([0-9]+), "/).compactMap { Int($0.1) })
        #expect(suite.count >= 29)
        let exempt = Self.numbers(String(try #require(page.firstMatch(of: /Without a row: ([0-9, ]+)\./)).1))
        // In these nothing of a running service fails. A bar that comes to be has a row, unless it is named here as well.
        #expect(exempt == [6, 11, 12, 18, 19, 20, 23, 24, 25, 26, 30])
        #expect(shown.isDisjoint(with: exempt))
        #expect(shown.union(exempt) == suite)
        // Twelve at least on every machine: three are skipped where their fault cannot be injected.
        #expect(seen >= 12 + 3)
    }

    /// A metric, and labels that are looked at.
    private struct Series {
        let name: Substring
        let labels: Set<Substring>

        init(_ text: Substring) {
            let parts = text.split(separator: "{", maxSplits: 1)
            name = parts.first ?? ""
            labels = parts.count > 1 ? Set(parts[1].dropLast().split(separator: ",")) : []
        }

        /// Whether whatever this one counts, the other counts too.
        func isPart(of other: Series) -> Bool { name == other.name && other.labels.isSubset(of: labels) }
    }

    /// The metrics that a test, by the name of its file, expects to rise over a fault.
    private static func watched(by test: String) throws -> [Series] {
        let path = try #require(
            ["FaultTests", "EndToEndTests"].map { "Tests/\($0)/\(test).swift" }.first {
                FileManager.default.fileExists(atPath: Project.root.appendingPathComponent($0).path)
            }, "there is no \(test)")
        let source = try text(path)
        #expect(source.contains(".rises("), "\(test)")
        return source.matches(of: /FaultMetric\(\s*#?"([a-z0-9_]+(?:\{[^}]*\})?)"/).map { Series($0.1) }
    }

    /// Numbers with commas between them.
    private static func numbers(_ text: String) -> Set<Int> {
        Set(text.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) })
    }

    @Test("Each alert rule has a moment at which it must be silent, and one at which it must not")
    func tested() throws {
        let file = try #require(
            try Yams.load(yaml: Self.text("deploy/observability/alerts-test.yml")) as? [String: Any])
        let tests = try #require(file["tests"] as? [[String: Any]])
        var silent: Set<String> = []
        var told: Set<String> = []
        for check in tests.flatMap({ $0["alert_rule_test"] as? [[String: Any]] ?? [] }) {
            let name = try #require(check["alertname"] as? String)
            let expected = try #require(check["exp_alerts"] as? [Any])
            if expected.isEmpty { silent.insert(name) } else { told.insert(name) }
        }
        let rules = Set(try Self.alerts().compactMap { $0["alert"] as? String })
        #expect(silent == rules, "\(silent.symmetricDifference(rules))")
        #expect(told == rules, "\(told.symmetricDifference(rules))")
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
        "promtool takes the alert rules, and each tells what it should",
        .enabled(if: promtool != nil, "promtool is not installed (package prometheus)"))
    func rules() async throws {
        let promtool = try #require(Self.promtool)
        let folder = Project.root.appendingPathComponent("deploy/observability")
        let said = try await Command.run(
            promtool, ["check", "rules", folder.appendingPathComponent("alerts.yml").path])
        #expect(said.contains("SUCCESS"), "\(said)")
        try await Command.run(promtool, ["check", "config", folder.appendingPathComponent("prometheus.yml").path])
        // Its certificates exist in a deployment only.
        let withCertificates = folder.appendingPathComponent("prometheus-peers.yml").path
        try await Command.run(promtool, ["check", "config", "--syntax-only", withCertificates])
        let tested = try await Command.run(
            promtool, ["test", "rules", folder.appendingPathComponent("alerts-test.yml").path])
        #expect(tested.contains("SUCCESS"), "\(tested)")
    }
}
