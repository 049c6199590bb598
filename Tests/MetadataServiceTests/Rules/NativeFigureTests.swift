import MetadataService
import TestSupport
import Testing

@Suite("Native figures")
struct NativeFigureTests {
    @Test(
        "decimal text is read exactly",
        arguments: [
            ("8.7", 8_700_000), ("0", 0), ("-1", -1_000_000), ("7.5e1", 75_000_000), ("8E-1", 800_000),
            ("8.1234565", 8_123_457), ("8.12345649", 8_123_456), ("0.0000001", 0), ("0.0000005", 1),
            ("007.0", 7_000_000), ("-0.0", 0), ("9000000000000", 9_000_000_000_000_000_000),
        ] as [(String, Int64)])
    func reads(text: String, millionths: Int64) {
        #expect(NativeFigure(text)?.millionths == millionths)
    }

    @Test(
        "anything else is no figure",
        arguments: [
            "", "-", ".", "8.", ".5", "8,7", "8.7/10", " 8", "8 ", "+8", "1e", "1e101", "0x10", "NaN", "N/A",
            "10000000000000", "1e40", "--1", String(repeating: "9", count: 65),
        ])
    func refuses(text: String) {
        #expect(NativeFigure(text) == nil)
    }

    @Test("writing and reading again keeps the shown decimals, for any figure")
    func roundTrip() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<2_000 {
            let decimals = Int.random(in: 0...6, using: &random)
            let figure = NativeFigure(millionths: Int64.random(in: -200_000_000...200_000_000, using: &random))
            let shown = figure.description(decimals: decimals)
            let again = try #require(NativeFigure(shown), "seed \(random.seed)")
            #expect(again.description(decimals: decimals) == shown, "seed \(random.seed)")
            var half: Int64 = 500_000
            for _ in 0..<decimals { half /= 10 }
            #expect(abs(again.millionths - figure.millionths) <= max(half, 0), "seed \(random.seed)")
        }
    }
}
