package import JSON

/// Tells OMDb's failures apart: nearly all come with status 200, and 401 means a wrong key or an exhausted allowance.
package enum OMDbAnswer {
    private static let dayMilliseconds: Int64 = 86_400_000

    /// Returns the record or list, or throws what the failure means.
    package static func checked(
        _ answer: ProviderHTTPAnswer, nowMilliseconds: Int64
    ) throws(ProviderError) -> JSONView {
        let value = try parsed(answer)
        let isFailure = value["Response"].string?.lowercased() == "false"
        guard isFailure || answer.status != 200 else { return value }
        throw failure(value["Error"].string ?? "", status: answer.status, nowMilliseconds: nowMilliseconds)
    }

    /// Returns what a failure's text means. The allowance renews at 00:00 UTC, as far as is known.
    package static func failure(_ text: String, status: Int, nowMilliseconds: Int64) -> ProviderError {
        let text = text.lowercased()
        if text.contains("limit reached") {
            return .quota(untilMilliseconds: (nowMilliseconds / dayMilliseconds + 1) * dayMilliseconds)
        }
        if status == 401 || text.contains("api key") { return .unauthorized }
        let absent = ["not found", "error getting data", "incorrect imdb id", "too many results"]
        if absent.contains(where: { text.contains($0) }) { return .notFound }
        return .unavailable("OMDb reports an unknown failure")
    }

    /// Returns the body without the raw control characters and the escapes unknown to JSON that some records hold.
    package static func repaired(_ body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(body.count)
        var rest = body[...]
        while let byte = rest.popFirst() {
            if byte < 0x20 {
                result.append(0x20)
            } else if byte == UInt8(ascii: "\\") {
                guard let next = rest.popFirst() else { break }
                if isEscape(next, rest) {
                    result += [byte, next]
                } else if next >= 0x20 {
                    result.append(next)
                }
            } else {
                result.append(byte)
            }
        }
        return result
    }

    private static func isEscape(_ byte: UInt8, _ rest: ArraySlice<UInt8>) -> Bool {
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) }
        let isHex: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
        return rest.count >= 4 && rest.prefix(4).allSatisfy(isHex)
    }

    private static func parsed(_ answer: ProviderHTTPAnswer) throws(ProviderError) -> JSONView {
        do throws(ProviderError) {
            return try answer.json(keeping: OMDbMapping.members)
        } catch .malformed {
            let again = ProviderHTTPAnswer(status: answer.status, body: repaired(answer.body))
            return try again.json(keeping: OMDbMapping.members)
        }
    }
}
