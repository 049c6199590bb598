import Cryptography
import Testing

@Suite struct TOTPTests {
    private static let published = Array("12345678901234567890".utf8)

    /// Appendix D.
    @Test func `codes are those of RFC 4226`() throws {
        let totp = try #require(TOTP(Self.published))
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
        ]
        #expect((0..<10).map { totp.code(at: $0) } == codes)
    }

    /// Appendix B; we use the last six of its eight digits.
    @Test(
        arguments: [
            (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
            (2_000_000_000, "279037"), (20_000_000_000, "353130"),
        ] as [(Int64, String)])
    func `codes are those of RFC 6238`(seconds: Int64, code: String) throws {
        let totp = try #require(TOTP(Self.published))
        #expect(totp.code(at: TOTP.step(atUnixSeconds: seconds)) == code)
    }

    @Test func `a step is half a minute`() {
        for (seconds, step) in [(-1, 0), (0, 0), (29, 0), (30, 1), (59, 1), (60, 2)] as [(Int64, Int)] {
            #expect(TOTP.step(atUnixSeconds: seconds) == step)
        }
    }

    @Test(arguments: [0, 1, 2])
    func `only the codes of the step, and of as many on either side as are allowed, are taken`(allowed: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        for _ in 0..<200 {
            let totp = TOTP()
            let present = Int.random(in: 1_000...100_000_000, using: &random)
            for drift in -5...5 {
                let code = totp.code(at: present + drift)
                let found = totp.step(of: code, around: present, within: allowed, after: 0)
                #expect(found.map { abs($0 - present) <= allowed } != false, "seed \(seed)")
                // If two steps share a code, either may be found.
                if abs(drift) <= allowed {
                    #expect(found.map { totp.code(at: $0) } == code, "seed \(seed)")
                } else if let found {
                    #expect(totp.code(at: found) == code, "seed \(seed)")
                }
            }
        }
    }

    @Test func `a step is taken once, and none before it afterwards`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        for _ in 0..<100 {
            let totp = TOTP()
            var present = 1_000
            var last = 0
            var taken: [Int] = []
            for _ in 0..<60 {
                present += Int.random(in: 0...1, using: &random)
                let shown = totp.code(at: present + Int.random(in: -2...2, using: &random))
                guard let step = totp.step(of: shown, around: present, within: 1, after: last) else { continue }
                taken.append(step)
                last = step
            }
            #expect(!taken.isEmpty && zip(taken, taken.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
        }
    }

    @Test(arguments: ["", "28708", "2870820", "28708x", "287-082", "٢٨٧٠٨٢"])
    func `what is no code is refused`(text: String) throws {
        let totp = try #require(TOTP(Self.published))
        for typed in ["287082", "287 082", " 287082 "] {
            #expect(totp.step(of: typed, around: 1, within: 1, after: 0) == 1)
        }
        #expect(totp.step(of: text, around: 1, within: 1, after: 0) == nil)
    }

    @Test func `a secret has 160 bits, is new each time and shows itself nowhere`() {
        #expect(TOTP([UInt8](repeating: 1, count: 19)) == nil && TOTP([UInt8](repeating: 1, count: 21)) == nil)
        #expect(Set((0..<1_000).map { _ in TOTP().secret }).count == 1_000)
        #expect(TOTP().secret.count == 20 && "\(TOTP())" == "***")
    }
}

@Suite struct RecoveryCodeTests {
    @Test func `a code has 120 bits, is new each time and is read however it is typed`() throws {
        let code = RecoveryCode()
        #expect(code.text.revealed.wholeMatch(of: /([A-Z2-7]{4}-){5}[A-Z2-7]{4}/) != nil)
        #expect("\(code)" == "***")
        let text = code.text.revealed
        for typed in [text, text.lowercased(), text.replacing("-", with: ""), text.replacing("-", with: " ")] {
            let read = try #require(RecoveryCode(presented: Secret(typed)))
            #expect(read.digest == code.digest)
        }
        #expect(Set((0..<1_000).map { _ in RecoveryCode().digest }).count == 1_000)
    }

    @Test func `what is no recovery code is refused`() {
        let text = RecoveryCode().text.revealed
        for junk in ["", "123456", String(text.dropLast()), text + "A", text.replacing("-", with: "_"), text + "\n"] {
            #expect(RecoveryCode(presented: Secret(junk)) == nil)
        }
    }
}

@Suite struct Base32Tests {
    @Test(arguments: [
        ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ])
    func `texts are those of RFC 4648`(plain: String, text: String) {
        #expect(Base32.encode(Array(plain.utf8)) == text)
        #expect(Base32.decode(text) == Array(plain.utf8))
        #expect(Base32.decode(text.lowercased()) == Array(plain.utf8))
    }

    @Test func `any bytes come back`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        for _ in 0..<1_000 {
            let bytes = random.bytes(0...40)
            #expect(Base32.decode(Base32.encode(bytes)) == bytes, "seed \(seed)")
        }
    }

    @Test(arguments: ["M", "MZX", "MZXW6Y", "MZ", "MY======", "M1", "M8", "MY ", "MÝ"])
    func `any other text is refused`(text: String) {
        #expect(Base32.decode(text) == nil)
    }
}
