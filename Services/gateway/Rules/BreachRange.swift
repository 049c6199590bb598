import Cryptography

/// The question about one password in the range protocol of Pwned Passwords, and how its answer is read. The SHA-1 of
/// the password has 40 hexadecimal digits, of which only the first five are sent (k-anonymity); the answer lists the
/// remaining digits of all breached passwords that begin alike, and is searched here.
struct BreachRange: Sendable, CustomStringConvertible, CustomReflectable {
    private static let prefixCount = 5
    private static let suffixCount = 2 * SHA1.digestBytes - prefixCount
    /// The digits of the largest count that is read.
    private static let countDigitsMax = 12

    /// The five uppercase digits that are sent.
    let prefix: String
    /// The other 35, in uppercase.
    private let suffix: [UInt8]

    init(_ password: String) {
        let digits = Hex.encode(SHA1.hash(password)).uppercased()
        prefix = String(digits.prefix(Self.prefixCount))
        suffix = Array(digits.utf8.dropFirst(Self.prefixCount))
    }

    /// Whether the answer lists the password: lines of 35 hexadecimal digits, a colon and how often the password was
    /// seen. Lines with a count of 0 are padding, which conceals the length of the answer. Throws if any line has
    /// another form, or if there is none, as no range is empty.
    func isBreached(in answer: [UInt8]) throws(MalformedBreachRange) -> Bool {
        var lines = answer.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty else { throw MalformedBreachRange() }
        var isListed = false
        for line in lines {
            // Every line is checked, also after the one that matters.
            if try isSeen(in: line.last == UInt8(ascii: "\r") ? line.dropLast() : line) { isListed = true }
        }
        return isListed
    }

    /// Whether the line has the password's suffix, and a count other than 0.
    private func isSeen(in line: ArraySlice<UInt8>) throws(MalformedBreachRange) -> Bool {
        let digits = line.prefix(Self.suffixCount)
        let count = line.dropFirst(Self.suffixCount + 1)
        guard digits.count == Self.suffixCount, digits.allSatisfy({ Self.isHexDigit($0) }),
            line.dropFirst(Self.suffixCount).first == UInt8(ascii: ":"),
            (1...Self.countDigitsMax).contains(count.count), count.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw MalformedBreachRange() }
        return count.contains { $0 != UInt8(ascii: "0") } && digits.map { Self.uppercased($0) } == suffix
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(uppercased(byte))
    }

    private static func uppercased(_ byte: UInt8) -> UInt8 { (0x61...0x7A).contains(byte) ? byte - 0x20 : byte }

    var description: String { "***" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The answer is none of the range protocol.
struct MalformedBreachRange: Error, Sendable, Equatable {}
