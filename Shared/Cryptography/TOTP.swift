internal import COpenSSL

/// Time-based one-time codes (RFC 6238): six digits, a new code every 30 seconds. They use HMAC-SHA-1, since that is
/// what authenticator apps support; nothing else here does. The caller supplies the time.
package struct TOTP: Sendable, CustomStringConvertible, CustomReflectable {
    /// 160 random bits, as RFC 4226 §4 requires.
    package static let secretBytes = 20
    /// Digits of a code.
    package static let digitCount = 6
    /// The number of seconds for which a code is current.
    package static let stepSeconds = 30

    private static let modulus: UInt32 = 1_000_000

    /// The secret shared by both sides.
    package let secret: [UInt8]

    /// Creates the codes of a new secret.
    package init() { secret = RandomBytes.make(Self.secretBytes) }

    /// Creates the codes of `secret`; nil unless it has 20 bytes.
    package init?(_ secret: [UInt8]) {
        guard secret.count == Self.secretBytes else { return nil }
        self.secret = secret
    }

    /// Returns the step at `seconds` after 1970-01-01T00:00:00Z; the first one for earlier times.
    package static func step(atUnixSeconds seconds: Int64) -> Int { Int(max(0, seconds)) / stepSeconds }

    /// Returns the code of a step (RFC 4226 §5.3).
    package func code(at step: Int) -> String {
        let counter = [56, 48, 40, 32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: step >> $0) }
        let digest = Self.hmacSHA1(key: secret, message: counter)
        let offset = Int(digest[digest.count - 1] & 15)
        let number = digest[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        let digits = String(number % Self.modulus)
        return String(repeating: "0", count: Self.digitCount - digits.count) + digits
    }

    /// Returns the step whose code is `shown`: the latest match among `present` and the `drift` steps on either side of
    /// it, if it is after `last`, the latest step accepted so far; nil for any other code. `drift` is 0 or more. Apps
    /// show codes in two groups, so spaces do not matter. The time reveals nothing about the right code.
    package func step(of shown: String, around present: Int, within drift: Int, after last: Int) -> Int? {
        let bytes = shown.utf8.filter { $0 != UInt8(ascii: " ") }
        var found: Int?
        for step in present - drift...present + drift
        where ConstantTime.equal(bytes, Array(code(at: step).utf8)) {
            found = step
        }
        return found.flatMap { $0 > last ? $0 : nil }
    }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func hmacSHA1(key: [UInt8], message: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 20) { buffer, initializedCount in
            let outcome = unsafe COpenSSL.HMAC(
                EVP_sha1(), key, Int32(key.count), message, message.count, buffer.baseAddress, nil)
            precondition(unsafe outcome != nil, "no memory for an authentication code")
            initializedCount = 20
        }
    }
}
