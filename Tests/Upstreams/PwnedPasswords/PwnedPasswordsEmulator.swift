import Cryptography

/// The range API of Pwned Passwords, below `/pwned/`, with invented breaches. As in the original, who asks with
/// `Add-Padding` gets 800 lines for every range, those beyond the real ones with a count of 0.
package struct PwnedPasswordsEmulator: EmulatedProvider {
    /// The passwords that were breached. No rule without a list would refuse them.
    package static let breached = [
        "correct horse battery staple", "we were on a break in venice", "ключ от чужой квартиры",
    ]
    /// A password that was not breached, but that the padding of its range names.
    package static let padded = "seven grey herons under a bridge"

    private static let prefixCount = 5
    private static let suffixCount = 35
    private static let realLinesCount = 60
    private static let paddedLinesCount = 800

    package let name = UpstreamName.pwned

    package init() {}

    package func reset() {}

    package func rateLimited() -> UpstreamResponse { text("Rate limit is exceeded. Try again later.", status: 429) }

    package func quotaUsedUp() -> UpstreamResponse { rateLimited() }

    /// With a status of 3xx it leads to a range that exists.
    package func failure(status: Int) -> UpstreamResponse {
        var answer = text("", status: status)
        if (300..<400).contains(status) { answer.headers.append(WireField("location", "/pwned/range/00000")) }
        return answer
    }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        let segments = request.segments
        guard request.method == "GET", segments.count == 2, segments[0] == "range" else { return text("", status: 404) }
        guard request.header("user-agent") != nil else { return text("", status: 403) }
        let prefix = segments[1].uppercased()
        guard prefix.utf8.count == Self.prefixCount, let seed = UInt64(prefix, radix: 16) else {
            return text("The hash prefix was not in a valid format", status: 400)
        }
        let isPadded = request.header("add-padding") == "true"
        return text(lines(of: prefix, seed, isPadded: isPadded).joined(separator: "\r\n"), status: 200)
    }

    /// The lines of a range, sorted as in the original.
    private func lines(of prefix: String, _ seed: UInt64, isPadded: Bool) -> [String] {
        var counts: [String: Int] = [:]
        for number in 0..<(isPadded ? Self.paddedLinesCount : Self.realLinesCount) {
            counts[Self.suffix(seed, number)] = number < Self.realLinesCount ? number * 3 + 1 : 0
        }
        var known: [(String, Int)] = Self.breached.map { ($0, 4_711) }
        if isPadded { known.append((Self.padded, 0)) }
        for (password, count) in known {
            let digits = Hex.encode(SHA1.hash(password)).uppercased()
            if digits.hasPrefix(prefix) { counts[String(digits.dropFirst(Self.prefixCount))] = count }
        }
        return counts.map { "\($0.key):\($0.value)" }.sorted()
    }

    /// An invented suffix, the same whenever it is asked for (splitmix64).
    private static func suffix(_ seed: UInt64, _ number: Int) -> String {
        var state = seed << 32 | UInt64(number) << 2
        let digits = (0..<3).map { _ -> String in
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            let text = String(mixed ^ (mixed >> 31), radix: 16, uppercase: true)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        return String(digits.joined().prefix(suffixCount))
    }

    private func text(_ text: String, status: Int) -> UpstreamResponse {
        UpstreamResponse(status: status, headers: [WireField("content-type", "text/plain")], body: Array(text.utf8))
    }
}
