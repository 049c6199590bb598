import Cryptography
import Testing

@Suite struct TokenTests {
    private static let session = TokenPrefix("reelay_st_")
    private static let key = TokenPrefix("reelay_ak_")

    @Test func `a token has its prefix and 256 bits`() throws {
        let token = OpaqueToken(prefix: Self.session)
        #expect(token.text.revealed.utf8.count == 10 + 43)
        let again = try #require(OpaqueToken(presented: token.text, prefix: Self.session))
        #expect(again == token)
        #expect(again.digest == token.digest)
        #expect(token.digest == SHA256.hash(token.text.revealed))
        #expect(OpaqueToken(prefix: Self.session) != token)
        #expect("\(token)" == "***")
    }

    @Test func `a token follows from another one and a salt, and from nothing less`() throws {
        let (one, other) = (OpaqueToken(prefix: Self.key), OpaqueToken(prefix: Self.key))
        let salt = [UInt8](repeating: 7, count: 32)
        let next = OpaqueToken(prefix: Self.session, after: one, salt: salt)
        #expect(try #require(OpaqueToken(presented: next.text, prefix: Self.session)) == next)
        #expect(OpaqueToken(prefix: Self.session, after: one, salt: salt) == next)
        #expect(OpaqueToken(prefix: Self.session, after: other, salt: salt) != next)
        #expect(OpaqueToken(prefix: Self.session, after: one, salt: salt.map { $0 + 1 }) != next)
        // Nor does one of two tokens derived alike reveal the other.
        let beside = OpaqueToken(prefix: Self.key, after: one, salt: salt)
        #expect(beside.text.revealed.dropFirst(10) != next.text.revealed.dropFirst(10))
    }

    @Test func `tokens of a line begin alike, and none tells the next`() throws {
        let first = OpaqueToken(prefix: Self.key)
        let salts = [[UInt8](repeating: 7, count: 32), [UInt8](repeating: 8, count: 32)]
        let next = salts.map { OpaqueToken(prefix: Self.key, continuing: first, salt: $0) }
        #expect(OpaqueToken(prefix: Self.key, continuing: first, salt: salts[0]) == next[0])
        #expect(Set((next + [first]).map(\.digest)).count == 3)
        let later = try #require(OpaqueToken(presented: next[0].text, prefix: Self.key))
        let last = OpaqueToken(prefix: Self.key, continuing: later, salt: salts[1])
        #expect(last.text.revealed.utf8.count == first.text.revealed.utf8.count)
        #expect(Set((next + [first, later, last]).map(\.lineDigest)).count == 1)
        // 16 bytes, the last of which shares a character with what follows.
        #expect(last.text.revealed.hasPrefix(first.text.revealed.prefix(10 + 21)))
        #expect(last.text.revealed.dropFirst(10 + 22) != first.text.revealed.dropFirst(10 + 22))
        #expect(OpaqueToken(prefix: Self.key).lineDigest != first.lineDigest)
        // A token derived without continuing the line belongs to another line.
        #expect(OpaqueToken(prefix: Self.key, after: first, salt: salts[0]).lineDigest != first.lineDigest)
    }

    @Test func `what is no token of this kind is refused`() {
        let text = OpaqueToken(prefix: Self.session).text.revealed
        for junk in ["", "reelay_st_", String(text.dropLast()), text + "A", text + "AAAA", " " + text, "x" + text] {
            #expect(OpaqueToken(presented: Secret(junk), prefix: Self.session) == nil)
        }
        #expect(OpaqueToken(presented: Secret(text), prefix: Self.key) == nil)
    }

    @Test func `an API key shows its id only`() throws {
        let key = APIKey(prefix: Self.key)
        let again = try #require(APIKey(presented: key.text, prefix: Self.key))
        #expect(again.id == key.id)
        #expect(key.id.count == 16)
        #expect(again.digest == key.digest)
        #expect("\(key)" == "APIKey(\(key.id), ***)")
        let text = key.text.revealed
        for junk in [
            "", "reelay_ak_", String(text.dropLast()), text + "A", text.uppercased(), text.replacing("_", with: "-"),
        ] {
            #expect(APIKey(presented: Secret(junk), prefix: Self.key) == nil)
        }
    }
}

@Suite struct UUIDv7Tests {
    @Test func `the example of RFC 9562 is read and written`() throws {
        let uuid = try #require(UUIDv7("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
        #expect(uuid.unixMilliseconds == 1_645_557_742_000)
        #expect(uuid.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(Hex.encode(uuid.bytes) == "017f22e279b07cc398c4dc0c0c07398f")
    }

    @Test(arguments: [
        "", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-58c4-dc0c0c07398f",
        "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398}",
        "017f22e-279b0-7cc3-98c4-dc0c0c07398f",
    ])
    func `any other text is refused`(text: String) {
        #expect(UUIDv7(text) == nil)
    }

    @Test func `one source rises strictly in any weather of the clock`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        let source = UUIDv7Source()
        var time: Int64 = 1_700_000_000_000
        var last = source.next(atUnixMilliseconds: time)
        for _ in 0..<20_000 {
            time += Int64.random(in: -3...2, using: &random)
            let next = source.next(atUnixMilliseconds: time)
            #expect(next > last, "seed \(seed)")
            #expect(next.description > last.description, "seed \(seed)")
            #expect(UUIDv7(next.description) == next, "seed \(seed)")
            last = next
        }
    }

    @Test func `a full counter borrows the next millisecond`() {
        let source = UUIDv7Source()
        let made = (0..<10_000).map { _ in source.next(atUnixMilliseconds: 1000) }
        #expect(zip(made, made.dropFirst()).allSatisfy { $0 < $1 })
        #expect(made.last.map { (1001...1003).contains($0.unixMilliseconds) } == true)
    }

    @Test(arguments: [Int64.min, -1, 0, 1 << 48, Int64.max])
    func `times outside the format are clamped`(time: Int64) {
        let uuid = UUIDv7Source().next(atUnixMilliseconds: time)
        #expect(UUIDv7(uuid.description) == uuid)
        #expect((0...(1 << 48 - 1)).contains(uuid.unixMilliseconds))
    }
}
