import HTTP2

/// Cases of streams, their messages and flow control.
enum StreamCases {
    static let all: [RawFrameCase] = numbers + fields + lengths + sizes + windows

    private static let trailers = Raw.frame(1, flags: 5, stream: 1, Raw.field("checksum", "1"))

    private static let numbers: [RawFrameCase] = [
        RawFrameCase("a request", [Raw.headers(1)], .status(1, 200)),
        RawFrameCase("a request with a body", [Raw.headers(1, end: false), Raw.data(1, [1, 2, 3])], .status(1, 200)),
        RawFrameCase(
            "a request with trailers", [Raw.headers(1, end: false), Raw.data(1, [1], end: false), trailers],
            .status(1, 200)),
        RawFrameCase(
            "trailers that do not end the stream",
            [Raw.headers(1, end: false), Raw.frame(1, flags: 4, stream: 1, Raw.field("checksum", "1"))],
            .reset(1, .protocolError)),
        RawFrameCase("a stream number passed over", [Raw.headers(5), Raw.headers(3)], .goAway([.protocolError])),
        RawFrameCase(
            "the number of a finished stream",
            steps: [
                .send(Raw.preface + Raw.settings() + Raw.settingsAck + Raw.headers(1)), .awaitFrame(1, stream: 1),
                .send(Raw.headers(1)),
            ], .goAway([.protocolError, .streamClosed])),
        RawFrameCase(
            "HEADERS on a half-closed stream", [Raw.headers(1, Raw.post("/hang")), Raw.headers(1)],
            .goAway([.streamClosed])),
        RawFrameCase(
            "DATA on a half-closed stream", [Raw.headers(1, Raw.post("/hang")), Raw.data(1, [1])],
            .goAway([.streamClosed])),
        RawFrameCase(
            "HEADERS after the peer's own RST_STREAM",
            [
                Raw.headers(1, end: false), Raw.reset(1), Raw.headers(1),
            ], .goAway([.protocolError])),
        RawFrameCase(
            "trailers under way when the server rejects the body",
            [Raw.headers(1, Raw.post + [("content-length", "2000000")], end: false), trailers], .alive),
        RawFrameCase("as many streams as allowed", hanging(10), .alive) { $0.streamsMax = 10 },
        RawFrameCase("one stream too many", hanging(11), .goAway([.protocolError])) { $0.streamsMax = 10 },
        RawFrameCase(
            "one stream too many before SETTINGS are acknowledged",
            steps: [.send(Raw.preface + Raw.settings() + hanging(11).flatMap { $0 })], .reset(21, .refusedStream)
        ) { $0.streamsMax = 10 },
        RawFrameCase("as many handlers as allowed", hanging(10), .alive) { $0.handlersMax = 10 },
        RawFrameCase("one handler too many", hanging(11), .reset(21, .refusedStream)) { $0.handlersMax = 10 },
        RawFrameCase(
            "handlers of reset streams count until they end", stubborn(10) + [Raw.headers(21)],
            .reset(21, .refusedStream)
        ) { $0.handlersMax = 10 },
    ]

    private static let fields: [RawFrameCase] = [
        RawFrameCase(
            "an unknown table index", [Raw.frame(1, flags: 5, stream: 1, [0xff])], .goAway([.compressionError])),
        RawFrameCase("no :method", [Raw.headers(1, Raw.post.filter { $0.0 != ":method" })], .reset(1, .protocolError)),
        RawFrameCase("no :path", [Raw.headers(1, Raw.post.filter { $0.0 != ":path" })], .reset(1, .protocolError)),
        RawFrameCase("no :scheme", [Raw.headers(1, Raw.post.filter { $0.0 != ":scheme" })], .reset(1, .protocolError)),
        RawFrameCase("an empty :path", [Raw.headers(1, Raw.post(""))], .reset(1, .protocolError)),
        RawFrameCase("two :path", [Raw.headers(1, Raw.post + [(":path", "/")])], .reset(1, .protocolError)),
        RawFrameCase(
            "an unknown pseudo-field", [Raw.headers(1, [(":proto", "x")] + Raw.post)], .reset(1, .protocolError)),
        RawFrameCase(
            ":status in a request", [Raw.headers(1, [(":status", "200")] + Raw.post)], .reset(1, .protocolError)),
        RawFrameCase(
            "a pseudo-field after a field",
            [Raw.headers(1, Array(Raw.post.dropLast()) + [("a", "b"), (":authority", "x")])],
            .reset(1, .protocolError)),
        RawFrameCase("a name in upper case", [Raw.headers(1, Raw.post + [("Accept", "x")])], .reset(1, .protocolError)),
        RawFrameCase("a name with a space", [Raw.headers(1, Raw.post + [("a b", "x")])], .reset(1, .protocolError)),
        RawFrameCase("a value with NUL", [Raw.headers(1, Raw.post + [("a", "x\0")])], .reset(1, .protocolError)),
        RawFrameCase(
            "a value with a line feed", [Raw.headers(1, Raw.post + [("a", "x\nb: c")])], .reset(1, .protocolError)),
        RawFrameCase(
            "a connection field", [Raw.headers(1, Raw.post + [("connection", "close")])], .reset(1, .protocolError)),
        RawFrameCase(
            "te other than trailers", [Raw.headers(1, Raw.post + [("te", "gzip")])], .reset(1, .protocolError)),
    ]

    private static let lengths: [RawFrameCase] = [
        RawFrameCase(
            "content-length too small",
            [
                Raw.headers(1, Raw.post + [("content-length", "2")], end: false), Raw.data(1, [1, 2, 3]),
            ], .reset(1, .protocolError)),
        RawFrameCase(
            "content-length too great",
            [
                Raw.headers(1, Raw.post + [("content-length", "4")], end: false), Raw.data(1, [1, 2, 3]),
            ], .reset(1, .protocolError)),
        RawFrameCase(
            "content-length that is no number",
            [
                Raw.headers(1, Raw.post + [("content-length", "x")], end: false)
            ], .reset(1, .protocolError)),
        RawFrameCase(
            "content-length beyond every integer",
            [
                Raw.headers(1, Raw.post + [("content-length", "99999999999999999999")], end: false)
            ], .reset(1, .protocolError)),
        RawFrameCase("a body as long as allowed", body(64), .status(1, 200)) { $0.bodyBytesMax = 64 },
        RawFrameCase("a body one byte too long", body(65), .status(1, 413)) { $0.bodyBytesMax = 64 },
        RawFrameCase(
            "a content-length over the limit, without the body",
            [
                Raw.headers(1, Raw.post + [("content-length", "1048577")], end: false)
            ], .status(1, 413)),
        RawFrameCase(
            "the rest of a rejected body is dropped and its window given back",
            [Raw.headers(1, end: false)]
                + Array(repeating: Raw.data(1, Array(repeating: 0, count: 1_000), end: false), count: 60)
                + [Raw.headers(3)], .status(3, 200)
        ) { $0.bodyBytesMax = 100 },
        RawFrameCase(
            "bodies together over the limit of the connection",
            [
                Raw.headers(1, end: false), Raw.data(1, Array(repeating: 0, count: 60), end: false),
                Raw.headers(3, end: false), Raw.data(3, Array(repeating: 0, count: 60), end: false),
            ], .reset(3, .refusedStream)
        ) { $0.requestBytesMax = 100 },
    ]

    private static let sizes: [RawFrameCase] = [
        RawFrameCase("as many fields as allowed", [Raw.headers(1, padded(to: 100))], .status(1, 200)),
        RawFrameCase("one field too many", [Raw.headers(1, padded(to: 101))], .status(1, 431)),
        RawFrameCase("as many bytes of fields as allowed", [Raw.headers(1, filled(to: 4_096))], .status(1, 200)) {
            $0.headerBytesMax = 4_096
        },
        RawFrameCase("one byte of fields too many", [Raw.headers(1, filled(to: 4_097))], .status(1, 431)) {
            $0.headerBytesMax = 4_096
        },
        RawFrameCase("an HPACK bomb", [bomb], .status(1, 431)),
        RawFrameCase("a request after an HPACK bomb", [bomb, Raw.headers(3)], .status(3, 200)),
        RawFrameCase(
            "trailers too large",
            [
                Raw.headers(1, end: false),
                Raw.frame(1, flags: 5, stream: 1, Raw.field("a", String(repeating: "x", count: 4_096))),
            ], .status(1, 431)
        ) { $0.headerBytesMax = 4_096 },
    ]

    private static let windows: [RawFrameCase] = [
        RawFrameCase("WINDOW_UPDATE by 0", [Raw.window(0, 0)], .goAway([.protocolError])),
        RawFrameCase(
            "WINDOW_UPDATE by 0 on a stream",
            [Raw.headers(1, end: false), Raw.window(1, 0)], .goAway([.protocolError])),
        RawFrameCase("a connection window over 2^31−1", [Raw.window(0, 0x7fff_ffff)], .goAway([.flowControlError])),
        RawFrameCase(
            "a stream window over 2^31−1", [Raw.headers(1, end: false), Raw.window(1, 0x7fff_ffff)],
            .reset(1, .flowControlError)),
        RawFrameCase(
            "more DATA than the stream's window",
            [Raw.headers(1, end: false)]
                + Array(
                    repeating: Raw.data(1, Array(repeating: 0, count: 16_384), end: false), count: 5),
            .reset(1, .flowControlError)
        ) { $0.streamWindowBytes = 16_384 },
    ]

    private static func hanging(_ count: UInt32) -> [[UInt8]] {
        (0..<count).map { Raw.headers($0 * 2 + 1, Raw.post("/hang")) }
    }

    /// Requests whose handlers continue although their streams are reset at once.
    private static func stubborn(_ count: UInt32) -> [[UInt8]] {
        (0..<count).flatMap { [Raw.headers($0 * 2 + 1, Raw.post("/stubborn")), Raw.reset($0 * 2 + 1)] }
    }

    private static func body(_ count: Int) -> [[UInt8]] {
        [Raw.headers(1, end: false), Raw.data(1, Array(repeating: 7, count: count))]
    }

    private static func padded(to count: Int) -> [(String, String)] {
        Raw.post + Array(repeating: ("a", "b"), count: count - Raw.post.count)
    }

    private static func filled(to bytes: Int) -> [(String, String)] {
        let used = Raw.post.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
        return Raw.post + [("a", String(repeating: "x", count: bytes - used - 33))]
    }

    /// A field of 3 800 bytes that is added to the table once and then referenced 10 000 times by one byte each: 38 MB.
    private static let bomb: [UInt8] = {
        let entry = [0x40] + Raw.string("a") + Raw.string(String(repeating: "x", count: 3_800))
        return Raw.frame(1, flags: 5, stream: 1, Raw.block(Raw.post) + entry + Array(repeating: 0xbe, count: 10_000))
    }()
}
