import Testing

@testable import Cryptography

@Suite struct SealerTests {
    private static let oldLine = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    private static let newLine = "k2:/v3+/f79/v3+/f79/v3+/f79/v3+/f79/v3+/f79/v0="
    private static let context = SealContext(
        service: "scrobble", table: "scrobble_connections", column: "access_token_encrypted", rowID: "r1",
        userID: "u1", provider: "trakt")

    private static func sealer(_ lines: String...) throws -> Sealer {
        Sealer(try KeyRing(parsing: Secret(lines.joined(separator: "\n"))))
    }

    @Test(arguments: [
        (
            String(repeating: "00", count: 32), "000000000000000000000000", "", "",
            "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        (
            String(repeating: "00", count: 32), "000000000000000000000000", "00000000000000000000000000000000", "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ])
    func `AES-256-GCM answers as its specification`(
        key: String, nonce: String, plaintext: String, associated: String, sealed: String
    ) throws {
        let bytes = try [key, nonce, plaintext, associated, sealed].map { try #require(Hex.decode($0)) }
        let output = try AESGCM.encrypt(bytes[2], key: bytes[0], nonce: bytes[1], associatedData: bytes[3])
        #expect(Hex.encode(output) == sealed)
        #expect(try AESGCM.decrypt(bytes[4], key: bytes[0], nonce: bytes[1], associatedData: bytes[3]) == bytes[2])
    }

    @Test func `what was sealed opens in its place`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var source = SeededBytes(seed: seed)
        let sealer = try Self.sealer(Self.oldLine)
        for _ in 0..<200 {
            let plaintext = source.bytes(0...300)
            let sealed = try sealer.seal(plaintext, in: Self.context)
            #expect(sealed.count == 2 + 2 + 12 + plaintext.count + 16)
            #expect(try sealer.open(sealed, in: Self.context) == plaintext, "seed \(seed)")
        }
        let secret = try sealer.seal(Secret("tøken"), in: Self.context)
        #expect(try sealer.openSecret(secret, in: Self.context) == Secret("tøken"))
    }

    @Test func `no nonce comes twice`() throws {
        let sealer = try Self.sealer(Self.oldLine)
        let nonces = try (0..<2000).map { _ in Array(try sealer.seal([1], in: Self.context)[4..<16]) }
        #expect(Set(nonces).count == nonces.count)
    }

    @Test func `no flipped bit opens`() throws {
        let sealer = try Self.sealer(Self.oldLine)
        let sealed = try sealer.seal(Array("refresh-token".utf8), in: Self.context)
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SealError.self) { try sealer.open(changed, in: Self.context) }
        }
        for count in 0..<sealed.count {
            #expect(throws: SealError.self) { try sealer.open(Array(sealed[..<count]), in: Self.context) }
        }
        #expect(throws: SealError.forged) { try sealer.open(sealed + [0], in: Self.context) }
    }

    @Test func `no other place opens`() throws {
        let sealer = try Self.sealer(Self.oldLine)
        let sealed = try sealer.seal([1, 2, 3], in: Self.context)
        func place(
            service: String = "scrobble", table: String = "scrobble_connections",
            column: String = "access_token_encrypted", rowID: String = "r1", userID: String? = "u1",
            provider: String? = "trakt"
        ) -> SealContext {
            SealContext(
                service: service, table: table, column: column, rowID: rowID, userID: userID, provider: provider)
        }
        #expect(try sealer.open(sealed, in: place()) == [1, 2, 3])
        for other in [
            place(service: "ratings"), place(table: "oauth_flows"), place(column: "refresh_token_encrypted"),
            place(rowID: "r2"), place(userID: "u2"), place(userID: nil), place(userID: ""), place(provider: "simkl"),
            place(provider: nil),
        ] {
            #expect(throws: SealError.forged) { try sealer.open(sealed, in: other) }
        }
    }

    /// The test above without its safeguard: everything is sealed for the same place.
    @Test func `without a place a value opens in another row`() throws {
        let sealer = try Self.sealer(Self.oldLine)
        let nowhere = SealContext(service: "", table: "", column: "", rowID: "")
        let rows = try ["alice", "mallory"].map { try sealer.seal(Array("token of \($0)".utf8), in: nowhere) }
        let swapped = try sealer.open(rows[0], in: nowhere)
        #expect(swapped == Array("token of alice".utf8), "in mallory's row")
        #expect(throws: SealError.forged) { try sealer.open(rows[0], in: Self.context) }
        print("mutant no place: caught, alice's token opens in mallory's row")
    }

    @Test func `fields of the associated data cannot flow into each other`() {
        let places = [
            SealContext(service: "a", table: "bc", column: "", rowID: ""),
            SealContext(service: "ab", table: "c", column: "", rowID: ""),
            SealContext(service: "abc", table: "", column: "", rowID: ""),
            SealContext(service: "", table: "abc", column: "", rowID: ""),
            SealContext(service: "", table: "", column: "", rowID: "abc"),
            SealContext(service: "", table: "", column: "", rowID: "", userID: "abc"),
            SealContext(service: "", table: "", column: "", rowID: "", provider: "abc"),
            SealContext(service: "", table: "", column: "", rowID: "", userID: "", provider: ""),
            SealContext(service: "", table: "", column: "", rowID: ""),
        ]
        #expect(Set(places.map { $0.associatedData(keyID: "k") }).count == places.count)
        #expect(places[0].associatedData(keyID: "k") != places[0].associatedData(keyID: "k1"))
    }

    @Test func `another key does not open`() throws {
        let sealed = try Self.sealer(Self.oldLine).seal([1], in: Self.context)
        let sameName = try Self.sealer("k1:" + Self.newLine.dropFirst(3))
        #expect(throws: SealError.forged) { try sameName.open(sealed, in: Self.context) }
        let stranger = try Self.sealer(Self.newLine)
        #expect(throws: SealError.unknownKey(id: "k1")) { try stranger.open(sealed, in: Self.context) }
        // The same bytes under another id make a different key: the id is bound as well.
        var renamed = sealed
        renamed[3] = UInt8(ascii: "9")
        let twin = try Self.sealer(Self.oldLine, "k9:" + Self.oldLine.dropFirst(3))
        #expect(throws: SealError.forged) { try twin.open(renamed, in: Self.context) }
    }

    @Test func `rotation seals again with the first key`() throws {
        let sealed = try Self.sealer(Self.oldLine).seal([1, 2], in: Self.context)
        let both = try Self.sealer(Self.newLine, Self.oldLine)
        let resealed = try #require(try both.reseal(sealed, in: Self.context))
        #expect(try Sealer.keyID(of: sealed) == "k1")
        #expect(try Sealer.keyID(of: resealed) == "k2")
        #expect(try both.reseal(resealed, in: Self.context) == nil)
        #expect(try Self.sealer(Self.newLine).open(resealed, in: Self.context) == [1, 2])
        #expect(throws: SealError.unknownKey(id: "k2")) {
            try Self.sealer(Self.oldLine).open(resealed, in: Self.context)
        }
    }

    @Test func `size is bounded`() throws {
        let sealer = try Self.sealer(Self.oldLine)
        let largest = [UInt8](repeating: 1, count: SealLimits.plaintextBytesMax)
        let sealed = try sealer.seal(largest, in: Self.context)
        #expect(try sealer.open(sealed, in: Self.context) == largest)
        #expect(throws: SealError.tooLong) { try sealer.seal(largest + [1], in: Self.context) }
        #expect(throws: SealError.malformed) { try sealer.open(sealed + [1], in: Self.context) }
    }

    @Test(arguments: [
        ("", 0), ("# only a remark\n\n", 0), ("nonsense", 1), ("k1:", 1), ("K1:\(oldLine.dropFirst(3))", 1),
        (":\(oldLine.dropFirst(3))", 1), ("\(oldLine)\n\n\(oldLine)", 3), ("k1:AAEC", 1), ("\(oldLine)A", 1),
    ])
    func `a key ring names the faulty line and no content`(text: String, line: Int) {
        let error = #expect(throws: KeyRingError.self) { try KeyRing(parsing: Secret(text)) }
        #expect(error?.line == line)
        #expect(error?.description.contains("AAEC") == false)
    }

    @Test func `a key ring takes what its own tool writes`() throws {
        let text = "# keys\r\n\(KeyRing.makeLine(id: "a").revealed)\r\n  \(KeyRing.makeLine(id: "b-2").revealed)\t\n"
        let ring = try KeyRing(parsing: Secret(text))
        #expect(ring.writerID == "a")
        #expect(ring.key("b-2")?.bytes.count == 32)
        var dumped = ""
        dump(ring, to: &dumped)
        #expect(!dumped.contains("UInt8"))
    }
}
