import Testing

/// docs/asvs.md answers every row of levels 1 and 2 of ASVS 5.0.0, and names tests that exist.
@Suite struct SecurityPageTests {
    private static let page = "docs/asvs.md"
    private static let pages = [page, "docs/security.md"]

    /// The rows of levels 1 and 2: each section with its numbers.
    private static let sections = """
        1.1 1-2; 1.2 1-9; 1.3 1-11; 1.4 1-3; 1.5 1-2; 2.1 1-3; 2.2 1-3; 2.3 1-4; 2.4 1-1; 3.2 1-2; 3.3 1-4; 3.4 1-6;
        3.5 1-5; 3.7 1-2; 4.1 1-3; 4.2 1-1; 4.3 1-2; 4.4 1-4; 5.1 1-1; 5.2 1-3; 5.3 1-2; 5.4 1-3; 6.1 1-3; 6.2 1-12;
        6.3 1-4; 6.4 1-4; 6.5 1-5; 6.6 1-3; 6.8 1-4; 7.1 1-3; 7.2 1-4; 7.3 1-2; 7.4 1-5; 7.5 1-2; 7.6 1-2; 8.1 1-2;
        8.2 1-3; 8.3 1-1; 8.4 1-1; 9.1 1-3; 9.2 1-4; 10.1 1-2; 10.2 1-2; 10.3 1-4; 10.4 1-11; 10.5 1-5; 10.6 1-2;
        10.7 1-3; 11.1 1-2; 11.2 1-3; 11.3 1-3; 11.4 1-4; 11.5 1-1; 11.6 1-1; 12.1 1-3; 12.2 1-2; 12.3 1-4; 13.1 1-1;
        13.2 1-5; 13.3 1-2; 13.4 1-5; 14.1 1-2; 14.2 1-4; 14.3 1-3; 15.1 1-3; 15.2 1-3; 15.3 1-7; 16.1 1-1; 16.2 1-5;
        16.3 1-4; 16.4 1-3; 16.5 1-3; 17.1 1-1; 17.2 1-4; 17.3 1-2
        """

    private static func all() throws -> [String] {
        try sections.matches(of: /(\d+\.\d+) (\d+)-(\d+)/).flatMap { section -> [String] in
            let (first, last) = (try #require(Int(section.2)), try #require(Int(section.3)))
            return (first...last).map { "\(section.1).\($0)" }
        }
    }

    private enum State: String {
        case holds
        /// With the setting, or the compose file, that the row names.
        case ifSet = "if set"
        case doesNot = "does not"
        case notApplicable = "n/a"
    }

    private struct Row {
        let text: Substring
        let ids: [String]
        let state: State
        /// Tests as `Suite/test`, and pages.
        let shown: [String]
        let saysNoTest: Bool
    }

    /// Expands a cell such as `1.2.5, 1.3.1–1.3.4` to ids.
    private static func ids(_ cell: String, of all: [String]) throws -> [String] {
        try cell.matches(of: /(\d+\.\d+\.\d+)(?:–(\d+\.\d+\.\d+))?/).flatMap { match -> [String] in
            let first = try #require(all.firstIndex(of: String(match.1)), "\(match.1) is no row")
            guard let end = match.2 else { return [all[first]] }
            let last = try #require(all.firstIndex(of: String(end)), "\(end) is no row")
            try #require(first < last, "\(cell)")
            return Array(all[first...last])
        }
    }

    private static func rows() throws -> [Row] {
        let all = try all()
        return try Sources.lines(page).filter { $0.hasPrefix("| ") && $0.dropFirst(2).first?.isNumber == true }.map {
            line -> Row in
            let cells = line.split(separator: "|").map { $0.dropFirst().dropLast() }
            try #require(cells.count == 4, "\(line)")
            let state = try #require(State(rawValue: String(cells[1])), "\(line)")
            return Row(
                text: line, ids: try ids(String(cells[0]), of: all), state: state,
                shown: cells[3].matches(of: /`([^`]+)`/).map { String($0.1) }, saysNoTest: cells[3] == "no test")
        }
    }

    /// The tests of each suite.
    private static func tests() throws -> [String: Set<String>] {
        var tests: [String: Set<String>] = [:]
        for file in Sources.files(below: "Tests") {
            var suite = ""
            var isTest = false
            for line in try Sources.lines(file) {
                if line.last == "{",
                    let type = line.firstMatch(of: /\b(?:struct|enum|class|extension) ([A-Z][A-Za-z0-9]*Tests)\b/)
                {
                    suite = String(type.1)
                }
                if line.drop(while: { $0 == " " }).hasPrefix("@Test") { isTest = true }
                if isTest, let name = line.firstMatch(of: /\bfunc (?:`([^`]+)`|([A-Za-z0-9_]+))\(/) {
                    tests[suite, default: []].insert(String(name.1 ?? name.2 ?? ""))
                    isTest = false
                }
            }
        }
        return tests
    }

    @Test("Every row of levels 1 and 2 is answered, once, and no other")
    func complete() throws {
        let all = try Self.all()
        #expect(all.count == 253 && Set(all).count == 253)
        let answered = try Self.rows().flatMap(\.ids)
        #expect(Set(all).subtracting(answered).sorted() == [], "rows without an answer")
        let twice = Dictionary(grouping: answered) { $0 }.filter { $0.value.count > 1 }.keys.sorted()
        #expect(twice == [], "rows with two answers")
    }

    @Test("What holds if set so names the setting or the file")
    func settings() throws {
        for row in try Self.rows() where row.state == .ifSet {
            #expect(row.text.contains("`REELAY_") || row.text.contains("`docker-compose."), "\(row.text)")
        }
    }

    @Test("What holds names its tests or pages, or says that there is no test")
    func shown() throws {
        for row in try Self.rows() {
            switch row.state {
            case .holds, .ifSet: #expect(row.shown.isEmpty == row.saysNoTest, "\(row.text)")
            case .doesNot: #expect(!row.saysNoTest, "\(row.text)")
            case .notApplicable: #expect(row.shown.isEmpty && !row.saysNoTest, "\(row.text)")
            }
            for name in row.shown {
                #expect(name.hasPrefix("docs/") || name.contains("Tests/"), "\(name) of \(row.text)")
            }
        }
    }

    @Test("Tests and pages that are named exist")
    func named() throws {
        let tests = try Self.tests()
        #expect(tests.count > 100)
        for page in Self.pages {
            let text = try Sources.text(page)
            var count = 0
            for match in text.matches(of: /`([A-Z][A-Za-z0-9]*Tests)(?:\/([^`]+))?`/) {
                let names = tests[String(match.1)]
                #expect(names != nil, "\(match.1) of \(page)")
                if let name = match.2 {
                    #expect(names?.contains(String(name)) == true, "\(match.1)/\(name) of \(page)")
                }
                count += 1
            }
            #expect(count > 15)
            for match in text.matches(of: /`(docs\/[a-z]+\.md)`/) {
                let other = try? Sources.text(String(match.1))
                #expect(other != nil, "\(match.1) of \(page)")
            }
        }
    }

    /// A section of docs/security.md, from its heading to the next.
    private static func part(_ heading: String) throws -> Substring {
        let text = try Sources.text("docs/security.md")
        let begin = try #require(text.firstRange(of: "\n## \(heading)\n"), "\(heading)").upperBound
        let end = text[begin...].firstRange(of: "\n## ")?.lowerBound ?? text.endIndex
        return text[begin..<end]
    }

    @Test("Every table of every service is of one class of data")
    func tables() throws {
        var tables: [String] = []
        for service in Sources.services {
            var names: Set<String> = []
            for file in Sources.files(below: "Services/\(service)/Store/Migrations", ending: ".sql") {
                let text = try Sources.text(file)
                for match in text.matches(of: /CREATE (?:UNLOGGED )?TABLE ([a-z_]+)/) { names.insert(String(match.1)) }
                for match in text.matches(of: /ALTER TABLE ([a-z_]+) RENAME TO ([a-z_]+);/) {
                    names.remove(String(match.1))
                    names.insert(String(match.2))
                }
            }
            tables += names.map { "\(service).\($0)" }
        }
        #expect(tables.count >= 80)
        let told = try Self.part("Classes of data").matches(of: /`([a-z]+\.[a-z_]+)`/).map { String($0.1) }
        #expect(told.count == Set(told).count, "a table is of one class")
        #expect(Set(told).symmetricDifference(tables).sorted() == [])
    }

    @Test("Every line that is logged is in the inventory, and nothing else is")
    func lines() throws {
        var lines: Set<String> = []
        let call =
            /logger\??\.(?:(?:debug|info|notice|warning|error|critical)\(|log\(level: [^"]*?, )\s*"([^"\\]+)"/
        for folder in ["Services", "Shared"] {
            for file in Sources.files(below: folder) where !file.hasPrefix("Shared/ContractGen/") {
                for match in try Sources.code(file).matches(of: call) { lines.insert(String(match.1)) }
            }
        }
        // What account upkeep logs about failed attempts.
        for match in try Sources.code("Services/gateway/Peers/Accounts/AccountUpkeep.swift")
            .matches(of: /attempt\("([^"]+)"\)/)
        { lines.insert(String(match.1)) }
        #expect(lines.count > 50)
        let table = try Self.part("What is logged").split(separator: "\n").filter { $0.hasPrefix("| `") }
        let told = table.flatMap { row in
            row.split(separator: "|")[0].matches(of: /`([^`]+)`/).map { String($0.1) }
        }
        #expect(told.count == Set(told).count)
        #expect(Set(told).symmetricDifference(lines).sorted() == [])
    }

    @Test("Nothing is written to standard output, standard error or the system's log but by what runs a service")
    func places() throws {
        let runner = "Shared/Runtime/Lifecycle/ServiceRuntime+Run.swift"
        #expect(try Sources.code(runner).contains("STDOUT_FILENO"))
        for folder in ["Services", "Shared"] {
            for file in Sources.files(below: folder) where file != runner && !file.hasPrefix("Shared/ContractGen/") {
                let code = try Sources.code(file)
                let place = code.firstMatch(of: /STD(OUT|ERR)_FILENO|\bFileHandle\b|\b(fputs|syslog|openlog)\(/)
                #expect(place == nil, "\(file)")
            }
        }
    }

    @Test("The counts that the pages tell are those of the rows")
    func counts() throws {
        let rows = try Self.rows()
        func count(_ state: State) -> Int { rows.filter { $0.state == state }.reduce(0) { $0 + $1.ids.count } }
        let told = """
            Of 253 rows \(count(.holds)) hold, \(count(.ifSet)) hold if set so, \(count(.notApplicable)) do not apply; \
            not held: \(count(.doesNot)).
            """
        for page in Self.pages { #expect(try Sources.text(page).contains(told), "\(told) in \(page)") }
    }
}
