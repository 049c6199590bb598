import Testing

/// docs/security.md names tests that exist.
@Suite struct SecurityPageTests {
    @Test("Every row of the page names its tests, and each of them exists")
    func tests() throws {
        let known = try Set(
            Sources.files(below: "Tests").flatMap { file in
                try Sources.text(file).matches(of: /(?:struct|enum|class) ([A-Z][A-Za-z0-9]*Tests)\b/).map {
                    String($0.1)
                }
            })
        #expect(known.count > 100)
        let rows = try Sources.lines("docs/security.md").filter {
            $0.hasPrefix("| ") && $0.dropFirst(2).first?.isNumber == true
        }
        #expect(rows.count >= 40)
        for row in rows {
            let cells = row.split(separator: "|")
            #expect(cells.count == 3, "\(row)")
            let named = (cells.last ?? "").matches(of: /`([A-Za-z0-9]+)`/).map { String($0.1) }
            #expect(!named.isEmpty, "\(row)")
            for test in named { #expect(known.contains(test), "\(test) of \(row)") }
        }
    }
}
