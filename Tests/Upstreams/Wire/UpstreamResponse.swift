package import JSON

/// What an emulated provider answers.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: [WireField]
    package var body: [UInt8]
    /// What the caller gets of it.
    package var ending = Ending.whole

    /// How an answer reaches who asked.
    package enum Ending: Sendable, Hashable {
        case whole
        /// The connection is closed in its place.
        case closed
        /// Nothing comes for so long; then the connection is closed.
        case silence(milliseconds: Int)
    }

    package init(status: Int, headers: [WireField], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func json(_ value: JSONValue, status: Int = 200, headers: [WireField] = []) -> UpstreamResponse {
        UpstreamResponse(
            status: status, headers: [WireField("content-type", "application/json; charset=utf-8")] + headers,
            body: encodeJSON(value))
    }

    package static func empty(_ status: Int, headers: [WireField] = []) -> UpstreamResponse {
        UpstreamResponse(status: status, headers: headers, body: [])
    }

    package static func html(_ title: String, status: Int) -> UpstreamResponse {
        let page = "<!DOCTYPE html>\n<html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>\n"
        return UpstreamResponse(
            status: status, headers: [WireField("content-type", "text/html; charset=utf-8")], body: Array(page.utf8))
    }

    /// With the validator that the original sends, a tag of the body; without the body, 304, where the caller has the same.
    package func validated(for request: UpstreamRequest, cacheControl: String) -> UpstreamResponse {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let tag = "W/\"\(String(hash, radix: 16))\""
        var answer = self
        answer.headers += [WireField("etag", tag), WireField("cache-control", cacheControl)]
        if request.header("if-none-match") == tag {
            answer.status = 304
            answer.body = []
        }
        return answer
    }
}
