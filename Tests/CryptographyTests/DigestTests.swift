import Cryptography
import Testing

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 answers as FIPS 180-4`(message: String, digest: String) {
        #expect(SHA256.hash(message).description == digest)
    }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ), ("password", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"),
    ])
    func `SHA-1 answers as FIPS 180-4`(message: String, digest: String) {
        #expect(Hex.encode(SHA1.hash(message)) == digest)
    }

    @Test func `a message may come in pieces`() {
        let message = Array("The quick brown fox jumps over the lazy dog, twice and thrice and once more.".utf8)
        for split in 0...message.count {
            var running = SHA256()
            running.update(Array(message[..<split]))
            running.update(Array(message[split...]))
            #expect(running.finish() == SHA256.hash(message))
        }
    }

    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ] as [([UInt8], String, String)])
    func `HMAC answers as RFC 4231`(key: [UInt8], message: String, code: String) {
        #expect(Hex.encode(HMAC.sha256(key: key, message: Array(message.utf8))) == code)
        #expect(HMAC.isValid(Hex.decode(code) ?? [], key: key, message: Array(message.utf8)))
        #expect(!HMAC.isValid(Hex.decode(code) ?? [], key: key + [1], message: Array(message.utf8)))
    }

    @Test func `a stored digest has 32 bytes`() {
        #expect(SHA256Digest([UInt8](repeating: 0, count: 31)) == nil)
        #expect(SHA256Digest([UInt8](repeating: 0, count: 33)) == nil)
        #expect(SHA256Digest(SHA256.hash("x").bytes) == SHA256.hash("x"))
    }

    @Test func `comparison looks at length and every byte`() {
        #expect(ConstantTime.equal([], []))
        #expect(!ConstantTime.equal([], [0]))
        let bytes = [UInt8](repeating: 7, count: 40)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(!ConstantTime.equal(bytes, other))
        }
    }

    @Test func `random bytes have their count and do not repeat`() {
        for count in [0, 1, 12, 32, 1000] { #expect(RandomBytes.make(count).count == count) }
        #expect(Set((0..<1000).map { _ in RandomBytes.makeUInt64() }).count == 1000)
    }

    @Test func `a secret shows itself nowhere`() {
        let secret = Secret("canary-4711")
        struct Holder { let name = "x"; let secret: Secret }
        var dumped = ""
        dump(Holder(secret: secret), to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\(Holder(secret: secret))", dumped, "\([secret])"] {
            #expect(!text.contains("canary"))
        }
        #expect(secret == Secret("canary-4711"))
        #expect(secret != Secret("canary-4712"))
    }
}
