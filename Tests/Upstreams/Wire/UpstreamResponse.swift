package import JSON

/// What an emulated provider answers.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: [WireField]
    package var body: [UInt8]

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
}
