import GZip

/// Tells AniDB's failures apart: all come with status 200 and an element that says what is wrong.
package enum AniDBAnswer {
    /// The content of an answer.
    package enum Content: Sendable {
        /// A reader that has entered the `anime` element.
        case anime(XMLReader)
        /// The text of an `error` element.
        case error(String)
    }

    /// Returns the body decompressed. AniDB compresses whether asked to or not, and does not always say so.
    package static func unpacked(_ body: [UInt8], bytesMax: Int) throws(ProviderError) -> [UInt8] {
        guard GZip.isPacked(body) else { return body }
        do throws(GZipError) {
            return try GZip.unpacked(body, bytesMax: bytesMax)
        } catch {
            throw .malformed("the body cannot be unpacked: \(error)")
        }
    }

    package static func content(_ body: [UInt8]) throws(ProviderError) -> Content {
        var root = ""
        do throws(XMLError) {
            var reader = XMLReader(body)
            root = try reader.root().lowercased()
            if root == "anime" { return .anime(reader) }
            if root == "error" { return .error(try reader.text()) }
        } catch {
            if body.starts(with: Array("<!".utf8)) { throw .unavailable("it answered with a web page") }
            throw .malformed("the body is not a record: \(error.reason)")
        }
        throw root == "html"
            ? .unavailable("it answered with a web page") : .malformed("the root element is not an anime")
    }

    /// Returns what the text of an error means; for a ban, with the time it ends.
    package static func failure(_ text: String, nowMilliseconds: Int64) -> ProviderError {
        let text = text.lowercased()
        if text.contains("ban") {
            let rest = ProviderProfile.anidb.restAfterRefusal.components.seconds * 1_000
            return .quota(untilMilliseconds: nowMilliseconds + rest)
        }
        if text.contains("not found") || text.contains("aid missing") { return .notFound }
        if text.contains("client") { return .unauthorized }
        return .unavailable("AniDB reports an unknown failure")
    }
}
