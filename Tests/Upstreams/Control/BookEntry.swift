package import JSON

/// One request recorded in the book.
package struct BookEntry: Sendable {
    /// The position in the book, from 1 without gaps.
    package let sequence: Int
    package let request: UpstreamRequest
    /// The time of the request, in milliseconds since 1970.
    package let atMilliseconds: Int64
    /// The status of the answer; nil while it is in progress, 0 if the connection was dropped instead.
    package var status: Int?
    package let fault: Fault.Kind?

    package var json: JSONValue {
        .members([
            "sequence": .whole(sequence), "provider": .string(request.provider.rawValue),
            "method": .string(request.method), "path": .string(request.path), "query": Self.fields(request.query),
            "headers": Self.fields(request.headers), "body": .string(String(decoding: request.body, as: UTF8.self)),
            "at_milliseconds": .whole(Int(atMilliseconds)), "status": .whole(status), "fault": .text(fault?.rawValue),
        ])
    }

    private static func fields(_ fields: [WireField]) -> JSONValue {
        .array(fields.map { .members(["name": .string($0.name), "value": .string($0.value)]) })
    }
}
