import Cryptography
import TestSupport
import Testing

@testable import GatewayService

@Suite struct BreachRangeTests {
    /// The SHA-1 of "password" is 5BAA6 and this.
    private static let suffix = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
    private static let other = "00D4F6E8FA6EECAD2A3AA415EEC418D38EC"

    private static func isBreached(_ answer: String) -> Result<Bool, MalformedBreachRange> {
        Result { () throws(MalformedBreachRange) in try BreachRange("password").isBreached(in: Array(answer.utf8)) }
    }

    @Test("Five digits of the password's hash are sent, in uppercase, and the password is told nowhere")
    func prefix() {
        let range = BreachRange("password")
        #expect(range.prefix == "5BAA6")
        #expect(BreachRange("пароль").prefix.wholeMatch(of: /[0-9A-F]{5}/) != nil)
        var dumped = ""
        dump(range, to: &dumped)
        for text in ["\(range)", String(reflecting: range), "\([range])", dumped] {
            #expect(!text.contains("5BAA6") && !text.contains(Self.suffix), "\(text)")
        }
    }

    private static let told: [(answer: String, isBreached: Bool)] = [
        ("\(suffix):1", true), ("\(suffix):52256179\r\n", true), ("\(other):3\r\n\(suffix):2\r\n\(other):0", true),
        ("\(other):3\n\(suffix):2\n", true), ("\(suffix.lowercased()):7", true), ("\(suffix):010", true),
        ("\(suffix):0\r\n\(suffix):4", true), ("\(other):3", false), ("\(other):3\r\n\(other):9\r\n", false),
        // Padding.
        ("\(suffix):0", false), ("\(other):3\r\n\(suffix):0\r\n", false), ("\(suffix):000", false),
    ]

    @Test("A password is breached if a line has the rest of its hash, and a count", arguments: told)
    func answers(answer: String, isBreached: Bool) throws {
        #expect(try Self.isBreached(answer).get() == isBreached)
    }

    private static let foreign: [String] = [
        "", "\r\n", "\n", "\(suffix)", "\(suffix):", "\(suffix):x", "\(suffix):-1", "\(suffix): 1", "\(suffix):1 ",
        "\(suffix);1", "\(suffix)0:1", "\(suffix.dropLast()):1", "\(suffix.dropLast())G:1", ":1",
        "\(suffix):1\r\n\r\n", "\r\n\(suffix):1", "\(suffix):1\r\n\(other)", "\(suffix):1\r\n\(other):3\r\r\n",
        "\(suffix):1,\(other):3", "\(suffix):1234567890123", "5BAA6\(suffix):1", "\(suffix):١",
        "<html><body>Sign in to this network</body></html>", "{\"status\":429}", "\u{FEFF}\(suffix):1",
    ]

    @Test("An answer with anything else in it is malformed, even if it lists the password", arguments: foreign)
    func malformed(answer: String) {
        #expect(Self.isBreached(answer) == .failure(MalformedBreachRange()))
    }

    @Test("A password is found among any others, and only where it is seen")
    func found() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        let seed = random.seed
        for _ in 0..<300 {
            let password = Hex.encode(random.bytes(count: 8))
            let own = String(Hex.encode(SHA1.hash(password)).uppercased().dropFirst(5))
            let othersCount = Int.random(in: 1...40, using: &random)
            var lines = (0..<othersCount).map { _ -> String in
                let suffix = Hex.encode(random.bytes(count: 18)).uppercased().dropFirst()
                return "\(suffix):\(Int.random(in: 0...9, using: &random))"
            }
            let count = Bool.random(using: &random) ? Int.random(in: 0...2, using: &random) : nil
            let place = Int.random(in: 0...othersCount, using: &random)
            if let count { lines.insert("\(own):\(count)", at: place) }
            let answer = Array(lines.joined(separator: "\r\n").utf8)
            #expect(
                try BreachRange(password).isBreached(in: answer) == ((count ?? 0) > 0), "seed \(seed): \(password)")
            // Cut in the middle of a line's hash.
            let last = try #require(lines.last)
            let keptCount = Int.random(in: 1...35, using: &random)
            let cut = Array(answer.dropLast(last.utf8.count - keptCount))
            #expect(throws: MalformedBreachRange(), "seed \(seed): \(password)") {
                try BreachRange(password).isBreached(in: cut)
            }
        }
    }
}
