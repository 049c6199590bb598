import Edge
import Testing

/// The rules for requests beyond those that the parser enforces.
@Suite struct RequestRulesTests {
    private static func head(
        _ fields: [(String, String)], method: String = "POST", target: String = "/a", isHTTP10: Bool = false
    ) -> RequestRules.Head {
        RequestRules.Head(
            isHTTP10: isHTTP10, method: method, target: target, fields: fields.map { (name: $0.0, value: $0.1) })
    }

    @Test("A request that nobody can read in two ways has no fault")
    func good() {
        let host = ("Host", "api.example:8080")
        let heads = [
            Self.head([host]), Self.head([host, ("content-length", "0")]),
            Self.head([host, ("Transfer-Encoding", "Chunked")]), Self.head([("HOST", "[::1]:8080")]),
            Self.head([], isHTTP10: true), Self.head([host], method: "OPTIONS", target: "*"),
            Self.head([host], target: "http://api.example/a?b=c%20d"),
            Self.head([host], target: "HTTPS://api.example/"),
            Self.head([host, ("content-length", "123456789012345678")]),
        ]
        for head in heads { #expect(RequestRules.fault(in: head) == nil, "\(head)") }
    }

    @Test("Each thing that could be read in two ways is named")
    func bad() {
        let host = ("host", "api")
        let cases: [(RequestRules.Head, String)] = [
            (Self.head([]), "Host: is missing"),
            (Self.head([host, ("Host", "other")]), "Host: is given twice"),
            (Self.head([("host", "")]), "Host: is not a valid host"),
            (Self.head([("host", "a b")]), "Host: is not a valid host"),
            (Self.head([("host", "a,b")]), "Host: is not a valid host"),
            (Self.head([("host", "a/b")]), "Host: is not a valid host"),
            (Self.head([("host", "me@a")]), "Host: is not a valid host"),
            (
                Self.head([host, ("transfer-encoding", "gzip, chunked")]),
                "Transfer-Encoding: only chunked is supported"
            ),
            (Self.head([host, ("transfer-encoding", "identity")]), "Transfer-Encoding: only chunked is supported"),
            (
                Self.head([host, ("transfer-encoding", "chunked"), ("Transfer-Encoding", "chunked")]),
                "Transfer-Encoding: only chunked is supported"
            ),
            (
                Self.head([host, ("transfer-encoding", "chunked"), ("content-length", "5")]),
                "Content-Length: is not allowed with Transfer-Encoding"
            ),
            (
                Self.head([host, ("transfer-encoding", "chunked")], isHTTP10: true),
                "Transfer-Encoding: is not allowed in HTTP/1.0"
            ),
            (
                Self.head([host, ("content-length", "5"), ("content-length", "5")]), "Content-Length: is given twice"
            ),
            (Self.head([host, ("content-length", "+5")]), "Content-Length: is not a number"),
            (Self.head([host, ("content-length", "5,5")]), "Content-Length: is not a number"),
            (Self.head([host, ("content-length", "")]), "Content-Length: is not a number"),
            (Self.head([host, ("content-length", "1234567890123456789")]), "Content-Length: is not a number"),
            (Self.head([host], method: "CONNECT", target: "a:80"), "CONNECT: this server is not a proxy"),
            (Self.head([host], target: "*"), "the target is neither a valid path nor an HTTP URL"),
            (Self.head([host], target: "a"), "the target is neither a valid path nor an HTTP URL"),
            (Self.head([host], target: "/a#b"), "the target is neither a valid path nor an HTTP URL"),
            (Self.head([host], target: "/ä"), "the target is neither a valid path nor an HTTP URL"),
            (Self.head([host], target: "ftp://a/"), "the target is neither a valid path nor an HTTP URL"),
        ]
        for (head, fault) in cases { #expect(RequestRules.fault(in: head) == fault, "\(head)") }
    }

    @Test("A connection ends after what says so, what is older, and what asks for another protocol")
    func ending() {
        let host = ("host", "api")
        for fields in [[("connection", "close")], [("Connection", "x, Close")], [("upgrade", "h2c")]] {
            #expect(RequestRules.endsConnection(Self.head([host] + fields)), "\(fields)")
        }
        #expect(RequestRules.endsConnection(Self.head([host], isHTTP10: true)))
        #expect(!RequestRules.endsConnection(Self.head([host, ("connection", "keep-alive, closed")])))
        #expect(!RequestRules.endsConnection(Self.head([host])))
    }
}
