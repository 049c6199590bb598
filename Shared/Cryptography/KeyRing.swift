/// The sealing keys of one deployment: all of them open, the first one seals.
package struct KeyRing: Sendable {
    /// The id of the key that seals.
    package let writerID: String
    private let keys: [String: SealingKey]

    /// Parses the text of a secret: a line `id:base64` per key (32 bytes each), the sealing key first; blank lines and
    /// lines that start with `#` are skipped. An error names the line, never its content.
    package init(parsing text: Secret) throws(KeyRingError) {
        var keys: [String: SealingKey] = [:]
        var writerID: String?
        let lines = text.revealed.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let content = line.trimmingSpaces()
            if content.isEmpty || content.first == "#" { continue }
            guard let colon = content.firstIndex(of: ":") else {
                throw KeyRingError(line: index + 1, reason: "expected id:base64")
            }
            let id = String(content[..<colon])
            guard SealLimits.isKeyID(id) else {
                throw KeyRingError(line: index + 1, reason: "expected a key id of 1 to 32 characters a-z 0-9 _ -")
            }
            guard let bytes = Base64.decode(String(content[content.index(after: colon)...])),
                bytes.count == SealLimits.keyBytes
            else {
                throw KeyRingError(line: index + 1, reason: "expected 32 bytes in base64 after the colon")
            }
            guard keys.updateValue(SealingKey(bytes), forKey: id) == nil else {
                throw KeyRingError(line: index + 1, reason: "this key id is already used")
            }
            guard keys.count <= SealLimits.keysMax else {
                throw KeyRingError(line: index + 1, reason: "more than \(SealLimits.keysMax) keys")
            }
            writerID = writerID ?? id
        }
        guard let writerID else { throw KeyRingError(line: 0, reason: "expected at least one line id:base64") }
        self.writerID = writerID
        self.keys = keys
    }

    /// Returns a new line for the secret of a key ring.
    package static func makeLine(id: String) -> Secret {
        Secret("\(id):\(Base64.encode(RandomBytes.make(SealLimits.keyBytes)))")
    }

    func key(_ id: String) -> SealingKey? { keys[id] }
}

/// The reason the text of a key ring was refused.
package struct KeyRingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line, from 1; 0 for the whole text.
    package let line: Int
    package let reason: String

    package var description: String { line == 0 ? reason : "line \(line): \(reason)" }
}

/// The bytes of one AES-256 key; no description shows them.
struct SealingKey: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var description: String { "***" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Sizes of the sealed form.
package enum SealLimits {
    /// The key size of AES-256.
    package static let keyBytes = 32
    /// The nonce size that GCM uses without hashing.
    package static let nonceBytes = 12
    /// The full tag of GCM.
    package static let tagBytes = 16
    /// Bytes of a key id.
    package static let keyIDBytesMax = 32
    /// Keys of one ring: the one that seals, and those that only open.
    package static let keysMax = 16
    /// The largest value that can be sealed.
    package static let plaintextBytesMax = 1 << 20

    static func isKeyID(_ id: String) -> Bool {
        let characters = id.utf8
        return (1...keyIDBytesMax).contains(characters.count)
            && characters.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension Substring {
    /// Without leading and trailing spaces and tabs.
    fileprivate func trimmingSpaces() -> Substring {
        var rest = self
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }
}
