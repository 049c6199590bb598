import Cryptography
import Testing

@Suite struct CodecTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 answers as RFC 4648`(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        let bare = encoded.filter { $0 != "=" }
        #expect(Base64.encode(Array(plain.utf8), padded: false) == bare)
        #expect(Base64.decode(bare, padded: false) == Array(plain.utf8))
        #expect(Base64.encodeURL(Array(plain.utf8)) == bare)
    }

    @Test func `the two alphabets differ in two characters only`() {
        #expect(Base64.encode([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(Base64.encodeURL([0xFB, 0xEF, 0xFF]) == "--__")
        #expect(Base64.decodeURL("++//") == nil)
        #expect(Base64.decode("--__") == nil)
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "Zg==\n", "Zg== ", "Zm9v====", "=Zg=", "Zm 9v", "Zmé=",
    ])
    func `base64 refuses a second spelling`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `codecs give back what they were given`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var source = SeededBytes(seed: seed)
        for _ in 0..<500 {
            let bytes = source.bytes(0...70)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes, "seed \(seed)")
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes, "seed \(seed)")
            #expect(Hex.decode(Hex.encode(bytes)) == bytes, "seed \(seed)")
            #expect(Hex.decode(Hex.encode(bytes).uppercased()) == bytes, "seed \(seed)")
        }
    }

    @Test func `hex refuses odd counts and foreign digits`() {
        #expect(Hex.encode([0, 15, 255]) == "000fff")
        for text in ["0", "0g", "0x", " 0", "é"] { #expect(Hex.decode(text) == nil) }
    }
}
