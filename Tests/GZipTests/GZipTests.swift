import GZip
import TestSupport
import Testing

@Suite("Gzip")
struct GZipTests {
    @Test("what was packed comes out again, whatever it is")
    func roundTrip() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for count in [0, 1, 100, 65_536, 65_537, 300_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...7, using: &random) }
            let packed = try GZip.packed(bytes)
            #expect(GZip.isPacked(packed))
            #expect(try GZip.unpacked(packed, bytesMax: count) == bytes, "seed \(random.seed)")
            #expect(try GZip.unpacked(packed + [1, 2, 3], bytesMax: count) == bytes)
        }
    }

    @Test("a bomb ends at the bound")
    func bound() throws {
        let packed = try GZip.packed([UInt8](repeating: 0, count: 10_000_000))
        #expect(packed.count < 20_000)
        #expect(throws: GZipError.tooLarge) { try GZip.unpacked(packed, bytesMax: 9_999_999) }
        #expect(try GZip.unpacked(packed, bytesMax: 10_000_000).count == 10_000_000)
    }

    @Test("cut or changed bytes are damaged, never a crash")
    func damage() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let packed = try GZip.packed(Array("The keeper counts the lamps, and one is missing. ".utf8))
        for count in 0..<packed.count {
            #expect(throws: GZipError.damaged) { try GZip.unpacked(Array(packed[..<count]), bytesMax: 1_000) }
        }
        for _ in 0..<2_000 {
            var changed = packed
            changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            _ = try? GZip.unpacked(changed, bytesMax: 1_000)
        }
    }
}
