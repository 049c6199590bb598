import Testing

@testable import Cryptography

@Suite struct PasswordHasherTests {
    private static func cost(_ logN: Int = 4, _ blockSize: Int = 1, _ parallelism: Int = 1) throws -> ScryptCost {
        try #require(ScryptCost(logN: logN, blockSize: blockSize, parallelism: parallelism))
    }

    @Test(arguments: [
        (
            "", "", 4, 1, 1,
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", 10, 8, 16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", 14, 8, 1,
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func `scrypt answers as RFC 7914`(
        password: String, salt: String, logN: Int, blockSize: Int, parallelism: Int, key: String
    ) throws {
        let derived = Scrypt.derive(
            Array(password.utf8), salt: Array(salt.utf8), cost: try Self.cost(logN, blockSize, parallelism), count: 64)
        #expect(derived.map(Hex.encode) == key)
    }

    @Test func `the right password matches and no other`() async throws {
        let hasher = PasswordHasher(cost: try Self.cost())
        let stored = try await hasher.hash(Secret("correct horse"))
        #expect(stored.hasPrefix("$scrypt$ln=4,r=1,p=1$"))
        #expect(try await hasher.verify(Secret("correct horse"), against: stored) == .match(needsRehash: false))
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            #expect(try await hasher.verify(Secret(wrong), against: stored) == .mismatch)
        }
        #expect(try await hasher.hash(Secret("correct horse")) != stored)
    }

    @Test func `the standard cost is written as agreed and derivable`() async throws {
        let hasher = PasswordHasher()
        let stored = try await hasher.hash(Secret("a"))
        #expect(stored.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
        #expect(try await hasher.verify(Secret("a"), against: stored) == .match(needsRehash: false))
    }

    @Test func `other parameters advise a new hash`() async throws {
        let stored = try await PasswordHasher(cost: try Self.cost(3)).hash(Secret("pw"))
        let verdict = try await PasswordHasher(cost: try Self.cost(4)).verify(Secret("pw"), against: stored)
        #expect(verdict == .match(needsRehash: true))
    }

    @Test func `no password is right where there is no account, at the cost of any other`() async throws {
        let hasher = PasswordHasher(cost: try Self.cost())
        let stored = try await hasher.hash(Secret("pw"))
        #expect(hasher.decoy.prefix { $0 != "," } == stored.prefix { $0 != "," })
        #expect(hasher.decoy.utf8.count == stored.utf8.count)
        #expect(PasswordHasher(cost: try Self.cost()).decoy != hasher.decoy)
        for password in ["pw", "", hasher.decoy] {
            #expect(try await hasher.verify(Secret(password), against: hasher.decoy) == .mismatch)
        }
    }

    @Test func `a password that HMAC would take for a shorter one is refused`() async throws {
        let hasher = PasswordHasher(cost: try Self.cost())
        await #expect(throws: PasswordError.containsNUL) { try await hasher.hash(Secret("correct horse\0")) }
    }

    @Test func `length is bounded, not cut`() async throws {
        let hasher = PasswordHasher(cost: try Self.cost())
        let longest = String(repeating: "x", count: PasswordHasher.passwordBytesMax)
        let stored = try await hasher.hash(Secret(longest))
        #expect(try await hasher.verify(Secret(String(longest.dropLast())), against: stored) == .mismatch)
        await #expect(throws: PasswordError.tooLong) { try await hasher.hash(Secret(longest + "x")) }
    }

    @Test(arguments: [
        "", "plain", "$2b$10$abc", "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=20,r=32,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=04,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$r=8,ln=4,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$scrypt$ln=4,r=1,p=1$!!$AAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `a damaged hash is refused before any work`(stored: String) async throws {
        let hasher = PasswordHasher(cost: try Self.cost())
        await #expect(throws: PasswordError.malformedHash) {
            try await hasher.verify(Secret("pw"), against: stored)
        }
    }

    @Test func `a stored hash survives being read and written`() throws {
        let hash = PasswordHash(cost: try Self.cost(), salt: RandomBytes.make(16), key: RandomBytes.make(32))
        #expect(PasswordHash(parsing: hash.text) == hash)
    }
}
