/// A single-use code that replaces a lost device: 120 random bits, enough for an unsalted digest, as six groups of four
/// letters and digits (RFC 4648 §6). Only the digest may be stored.
package struct RecoveryCode: Sendable, CustomStringConvertible, CustomReflectable {
    static let secretBytes = 15
    private static let groupCharacters = 4

    /// The text that the owner keeps; shown once.
    package let text: Secret
    private let bits: [UInt8]

    /// Makes a new code.
    package init() { self.init(RandomBytes.make(Self.secretBytes)) }

    /// Parses a presented text, in either case and with dashes and spaces anywhere; nil for any other text, so that
    /// junk costs no query.
    package init?(presented text: Secret) {
        let letters = text.revealed.filter { $0 != "-" && $0 != " " }
        guard let bits = Base32.decode(letters), bits.count == Self.secretBytes else { return nil }
        self.init(bits)
    }

    private init(_ bits: [UInt8]) {
        self.bits = bits
        let letters = Array(Base32.encode(bits))
        let groups = stride(from: 0, to: letters.count, by: Self.groupCharacters).map {
            String(letters[$0..<min($0 + Self.groupCharacters, letters.count)])
        }
        text = Secret(groups.joined(separator: "-"))
    }

    /// The digest that is stored and looked up. A fast hash suffices for 120 random bits.
    package var digest: SHA256Digest { SHA256.hash(Array("reelay.recovery.v1\n".utf8) + bits) }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
