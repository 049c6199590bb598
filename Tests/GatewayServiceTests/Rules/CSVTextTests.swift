import TestSupport
import Testing

@testable import GatewayService

@Suite struct CSVTextTests {
    /// Reads a cell as an importer does: removes one apostrophe if the rest shows that it was added.
    private static func meant(_ cell: String) -> String {
        guard cell.hasPrefix("'"), let first = cell.first(where: { $0 != "'" }), "=+-@\t\r".contains(first) else {
            return cell
        }
        return String(cell.dropFirst())
    }

    @Test("No cell is a formula, and every one can be read back as it was")
    func neutral() {
        var random = SeededRandom(seed: .random(in: 0 ... .max))
        let seed = random.seed
        let alphabet = Array("='+-@\t\r a\"ü,🎬")
        for _ in 0..<10_000 {
            let cell = String(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            let shown = CSVText.neutral(cell)
            #expect(!(shown.first.map { "=+-@\t\r".contains($0) } ?? false), "seed \(seed)")
            #expect(Self.meant(shown) == cell, "seed \(seed)")
        }
    }

    @Test("Cells stand in quotes, and quotes are doubled")
    func row() {
        var csv = CSVText()
        csv.row(["a", "say \"hi\", you", "=1"])
        #expect(String(decoding: csv.bytes, as: UTF8.self) == "\"a\",\"say \"\"hi\"\", you\",\"'=1\"\r\n")
    }
}
