/// The header fields of responses: what each one means, and which responses of the public surface have it.
///
/// Fields understood by HTTP itself or by any browser (content type, caching, what a page may do) are not described.
enum PublicHeaders {
    /// The fields of every response.
    private static let everywhere = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]

    /// An example of a request's name: the id of a trace.
    private static let requestID = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let tag = "\"rX0mQ8sVt3cN1kz2bQ7wLg\""

    /// Returns `response` with the fields of every response and `more`; fields that it describes itself are kept.
    static func complete(_ response: SpecValue, adding more: [String] = []) -> SpecValue {
        guard case .object(var members) = response, !members.contains(where: { $0.key == "$ref" }) else {
            return response
        }
        let position = members.firstIndex { $0.key == "headers" }
        var headers: [(key: String, value: SpecValue)] = []
        if let position, case .object(let given) = members[position].value { headers = given }
        for name in more + everywhere where !headers.contains(where: { $0.key == name }) {
            headers.append((key: name, value: reference(to: name)))
        }
        if let position {
            members[position].value = .object(headers)
        } else {
            members.append((key: "headers", value: .object(headers)))
        }
        return .object(members)
    }

    private static func reference(to name: String) -> SpecValue {
        .object([(key: "$ref", value: .string("#/components/headers/" + component(name)))])
    }

    private static func component(_ name: String) -> String { name.filter { $0 != "-" } }

    /// The targets of the references added by `complete`.
    static var components: [(key: String, value: SpecValue)] {
        [
            field(
                "X-Request-Id",
                "Identifies this request in the log: the `X-Request-Id` that was sent with it, if that has at most 64 "
                    + "letters, digits, `-`, `_` and `.`; otherwise its trace id. Every answer has it.",
                text(members: [
                    (key: "maxLength", value: .int(64)), (key: "pattern", value: .string("^[A-Za-z0-9._-]+$")),
                ]), example: .string(requestID)),
            field(
                "RateLimit",
                "The number of requests left (`r`) of the limit that `RateLimit-Policy` names; if the request was "
                    + "refused because of it (429), the seconds (`t`) after which to try again. Absent if the "
                    + "installation has no such limit, and if a request is refused before it is counted.",
                text(), example: .string(#""person";r=1163"#)),
            field(
                "RateLimit-Policy",
                "The limit that the request counts towards: `q` requests in `w` seconds for a `person` with all "
                    + "their sessions, for an API `key`, or for the network `address` of callers without either. "
                    + "Sent together with `RateLimit`.",
                text(), example: .string(#""person";q=1200;w=70"#)),
            field(
                "Retry-After", "The seconds after which to try again (RFC 9110 §10.2.3).",
                .object([(key: "type", value: .string("integer")), (key: "minimum", value: .int(1))]),
                example: .int(17)),
            field(
                "WWW-Authenticate", "How to authenticate (RFC 9110 §11.6.1).", text(), example: .string("Bearer")),
            field(
                "ETag",
                "Identifies this state of the resource (RFC 9110 §8.8.3), for `If-None-Match` and `If-Match`.", text(),
                example: .string(tag)),
            field(
                "Content-Disposition", "The suggested file name (RFC 6266).", text(),
                example: .string(#"attachment; filename="reelay.zip""#)),
        ]
    }

    private static func field(
        _ name: String, _ description: String, _ schema: SpecValue, example: SpecValue
    ) -> (key: String, value: SpecValue) {
        (
            key: component(name),
            value: .object([
                (key: "description", value: .string(description)), (key: "schema", value: schema),
                (key: "example", value: example),
            ])
        )
    }

    private static func text(members: [(key: String, value: SpecValue)] = []) -> SpecValue {
        let type: [(key: String, value: SpecValue)] = [(key: "type", value: .string("string"))]
        return .object(type + members)
    }
}
