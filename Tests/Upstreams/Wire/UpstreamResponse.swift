package import JSON

/// The answer of an emulated provider.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: [WireField]
    package var body: [UInt8]
    /// How the answer reaches the caller.
    package var ending = Ending.whole

    /// The ways in which an answer reaches the caller.
    package enum Ending: Sendable, Hashable {
        case whole
        /// The connection is closed instead of answering.
        case closed
        /// Nothing is sent for this long, then the connection is closed.
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

    /// The response with the original's validator, a tag of the body; or 304 without a body if the caller's tag
    /// matches.
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
