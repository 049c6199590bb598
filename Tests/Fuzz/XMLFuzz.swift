@testable import MetadataService

/// Reads any bytes as an answer of AniDB: gzipped or not, a record, an error or a page, read to the end or refused.
enum XMLFuzz {
    static func run(_ bytes: [UInt8]) -> Int32 {
        do throws(ProviderError) {
            let body = try AniDBAnswer.unpacked(bytes, bytesMax: 1 << 16)
            check(body.count <= max(bytes.count, 1 << 16), "a body of \(body.count) bytes")
            switch try AniDBAnswer.content(body) {
            case .error(let text): _ = AniDBAnswer.failure(text, nowMilliseconds: 0)
            case .anime(let reader): map(reader)
            }
        } catch {
            check(!"\(error)".isEmpty, "a refusal says nothing")
        }
        return 0
    }

    private static func map(_ reader: XMLReader) {
        do throws(XMLError) {
            guard let kind = try AniDBMapping.kind(reader) else { return }
            _ = try AniDBMapping(fetchedAtMilliseconds: 0).entry(reader, as: kind)
        } catch {
            check(!error.reason.isEmpty, "a refusal says nothing")
        }
    }
}
