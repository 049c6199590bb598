internal import Contracts
internal import GZip
internal import HTTPTypes

/// Compresses answers with gzip where the client accepts it and it is worthwhile. BREACH does not apply: there are no
/// cookies, so a page elsewhere cannot make a browser send somebody's credentials, and lengths reveal nothing.
struct AnswerPacker: Sendable {
    /// The size of the largest body that is compressed on the event loop: 64 KiB. Handing smaller ones to another
    /// thread takes longer than compressing them.
    private static let packedOnLoopMax = 65_536

    let limits: EdgeLimits
    let fixed: FixedForms

    func packed(_ answer: EdgeResponse, of operation: String?, for request: HTTPRequest) async -> EdgeResponse {
        var answer = answer
        func takesIt() -> Bool { ContentCoding.takesGZip(request.headerFields[values: .acceptEncoding]) }
        if answer.status == 304, takesIt(), let position = answer.headers.firstIndex(where: { $0.name == "etag" }) {
            let tag = ContentCoding.packedTag(answer.headers[position].value)
            let known = request.headerFields[values: .ifNoneMatch].joined(separator: ",")
            if known.contains(tag) { answer.headers[position].value = tag }
        }
        let type = answer.headers.first { $0.name == "content-type" }?.value ?? ""
        guard answer.stream == nil, (limits.packedBytesMin...limits.packedBytesMax).contains(answer.body.count),
            ContentCoding.isWorthIt(contentType: type),
            !answer.headers.contains(where: { $0.name == "content-encoding" })
        else { return answer }
        answer.headers.append(("vary", "Accept-Encoding"))
        guard takesIt(), let bytes = await bytes(of: answer, operation) else { return answer }
        answer.body = bytes
        answer.headers.append(("content-encoding", "gzip"))
        if let position = answer.headers.firstIndex(where: { $0.name == "etag" }) {
            answer.headers[position].value = ContentCoding.packedTag(answer.headers[position].value)
        }
        return answer
    }

    private func bytes(of answer: EdgeResponse, _ operation: String?) async -> [UInt8]? {
        let body = answer.body
        if answer.isFixed, let operation {
            if let known = fixed.packed(of: operation) { return known }
            return await besideLoops { [fixed] () async throws(Never) -> [UInt8]? in
                fixed.pack(body, of: operation)
            }
        }
        if body.count <= Self.packedOnLoopMax { return try? GZip.packed(body) }
        return await besideLoops { () async throws(Never) -> [UInt8]? in try? GZip.packed(body) }
    }
}
