/// One header field: a lower-case name and its value.
package struct H2Header: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [H2Header] {
    /// The value of the first field with this lower-case name.
    package subscript(name: String) -> String? {
        for header in self where header.name == name { return header.value }
        return nil
    }
}

/// A whole request: pseudo-header fields, fields and body.
package struct H2Request: Sendable {
    package var method: String
    package var path: String
    package var authority: String
    package var scheme: String
    package var headers: [H2Header]
    /// Fields whose values few other requests share; sent after the others. Empty in a received request.
    package var ownHeaders: [H2Header]
    package var body: [UInt8]
    /// When the first byte of the request was read; on a client, when the value was created.
    package var receivedAt: ContinuousClock.Instant
    /// The peer's address as text, without the port; empty on a client.
    package var remoteAddress: String

    package init(
        method: String, path: String, authority: String = "", scheme: String = "http", headers: [H2Header] = [],
        ownHeaders: [H2Header] = [], body: [UInt8] = [], receivedAt: ContinuousClock.Instant = .now,
        remoteAddress: String = ""
    ) {
        self.method = method
        self.path = path
        self.authority = authority
        self.scheme = scheme
        self.headers = headers
        self.ownHeaders = ownHeaders
        self.body = body
        self.receivedAt = receivedAt
        self.remoteAddress = remoteAddress
    }
}

/// A whole response: status, fields and body.
package struct H2Response: Sendable {
    /// The HTTP status, 200 to 599.
    package var status: Int
    package var headers: [H2Header]
    package var body: [UInt8]

    package init(status: Int, headers: [H2Header] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
