/// The secrets with which the services of one installation authenticate to each other; never shown.
package struct ServiceSecrets: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Secrets that are accepted at the same time: the new one, the old one, and room for a mistake.
    private static let secretsMax = 4

    private let accepted: [[UInt8]]

    /// The first secret is sent; all are accepted, so that a new one can be rolled out. Nil for no secret, an empty
    /// one, or more than 4.
    package init?(_ secrets: [String]) {
        guard (1...Self.secretsMax).contains(secrets.count), !secrets.contains("") else { return nil }
        accepted = secrets.map { Array($0.utf8) }
    }

    /// Returns whether an `authorization` header contains one of the secrets. The time does not depend on where a wrong
    /// secret of the right length differs.
    func accept(_ header: String?) -> Bool {
        guard var header else { return false }
        return header.withUTF8 { bytes in
            guard bytes.count > Self.scheme.count,
                zip(bytes, Self.scheme).allSatisfy({ $0 | 0x20 == $1 })
            else { return false }
            let offered = bytes[Self.scheme.count...]
            var isAccepted = false
            for secret in accepted {
                let isEqual = Self.isEqual(secret, offered)
                isAccepted = isEqual || isAccepted
            }
            return isAccepted
        }
    }

    /// The `authorization` header that authenticates a caller.
    var header: String { "Bearer " + String(decoding: accepted[0], as: UTF8.self) }

    package var description: String { "ServiceSecrets(redacted)" }
    package var debugDescription: String { description }

    private static let scheme = Array("bearer ".utf8)

    private static func isEqual(_ secret: [UInt8], _ offered: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard secret.count == offered.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(secret, offered) { difference |= left ^ right }
        return difference == 0
    }
}
