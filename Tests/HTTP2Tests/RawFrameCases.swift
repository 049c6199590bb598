import HTTP2

/// Cases of the connection preface, SETTINGS, PING, and misplaced frames.
enum ConnectionCases {
    static let all: [RawFrameCase] = preface + settings + pings + placement + sizes

    private static let preface: [RawFrameCase] = [
        RawFrameCase(
            "an HTTP/1.1 request instead of the preface",
            steps: [.send(Array("GET / HTTP/1.1\r\nHost: test\r\n\r\n".utf8))], .goAway([.protocolError])),
        RawFrameCase(
            "a preface broken at its last byte",
            steps: [.send(Array(Raw.preface.dropLast()) + [0x21] + Raw.settings())],
            .goAway([.protocolError])),
        RawFrameCase(
            "PING instead of the first SETTINGS", steps: [.send(Raw.preface + Raw.ping())], .goAway([.protocolError])),
        RawFrameCase("silence", steps: [], .goAway([.settingsTimeout])) { $0.prefaceTimeout = .milliseconds(100) },
        RawFrameCase("a preface without SETTINGS", steps: [.send(Raw.preface)], .goAway([.settingsTimeout])) {
            $0.prefaceTimeout = .milliseconds(100)
        },
        RawFrameCase(
            "SETTINGS never acknowledged", steps: [.send(Raw.preface + Raw.settings())], .goAway([.settingsTimeout])
        ) { $0.settingsAckTimeout = .milliseconds(100) },
    ]

    private static let settings: [RawFrameCase] = [
        RawFrameCase("SETTINGS on a stream", [Raw.frame(4, stream: 1)], .goAway([.protocolError])),
        RawFrameCase("SETTINGS of 5 bytes", [Raw.frame(4, stream: 0, [0, 1, 0, 0, 0])], .goAway([.frameSizeError])),
        RawFrameCase(
            "an acknowledgement of SETTINGS with content",
            [Raw.frame(4, flags: 1, stream: 0, [0, 1, 0, 0, 0, 0])], .goAway([.frameSizeError])),
        RawFrameCase("a window of 2^31", [Raw.settings([(4, 0x8000_0000)])], .goAway([.flowControlError])),
        RawFrameCase("a frame size of 16 383", [Raw.settings([(5, 16_383)])], .goAway([.protocolError])),
        RawFrameCase("ENABLE_PUSH 2", [Raw.settings([(2, 2)])], .goAway([.protocolError])),
        RawFrameCase("an unknown setting", [Raw.settings([(0x99, 7)])], .alive),
        RawFrameCase("32 entries of SETTINGS", [Raw.settings(entries(32))], .alive),
        RawFrameCase("33 entries of SETTINGS", [Raw.settings(entries(33))], .goAway([.enhanceYourCalm])),
        // The preface included the first SETTINGS frame.
        RawFrameCase("as many SETTINGS frames as allowed", many(4, Raw.settings()), .alive) {
            $0.settingsRate = still(5)
        },
        RawFrameCase("one SETTINGS frame too many", many(5, Raw.settings()), .goAway([.enhanceYourCalm])) {
            $0.settingsRate = still(5)
        },
    ]

    private static let pings: [RawFrameCase] = [
        RawFrameCase("PING", [Raw.ping()], .alive),
        RawFrameCase("PING of 7 bytes", [Raw.frame(6, stream: 0, [1, 2, 3, 4, 5, 6, 7])], .goAway([.frameSizeError])),
        RawFrameCase(
            "PING on a stream", [Raw.frame(6, stream: 1, Array(repeating: 0, count: 8))], .goAway([.protocolError])),
        // The PING that checks whether the server is alive counts too.
        RawFrameCase("as many PINGs as allowed", many(9, Raw.ping()), .alive) { $0.pingRate = still(10) },
        RawFrameCase("one PING too many", many(11, Raw.ping()), .goAway([.enhanceYourCalm])) {
            $0.pingRate = still(10)
        },
        RawFrameCase("a flood of PINGs", many(5_000, Raw.ping()), .goAway([.enhanceYourCalm])),
    ]

    private static let placement: [RawFrameCase] = [
        RawFrameCase("a frame of unknown type", [Raw.frame(0xfa, flags: 0xff, stream: 0, [1, 2, 3])], .alive),
        RawFrameCase("GOAWAY from the client", [Raw.goAway()], .closed),
        RawFrameCase(
            "PUSH_PROMISE from the client",
            [Raw.frame(5, flags: 4, stream: 1, Raw.word(2))], .goAway([.protocolError])),
        RawFrameCase("DATA on stream 0", [Raw.data(0, [1])], .goAway([.protocolError])),
        RawFrameCase("DATA on an idle stream", [Raw.data(1, [1])], .goAway([.protocolError])),
        RawFrameCase("HEADERS on stream 0", [Raw.headers(0)], .goAway([.protocolError])),
        RawFrameCase("HEADERS on an even stream", [Raw.headers(2)], .goAway([.protocolError])),
        RawFrameCase("RST_STREAM on stream 0", [Raw.reset(0)], .goAway([.protocolError])),
        RawFrameCase("RST_STREAM on an idle stream", [Raw.reset(1)], .goAway([.protocolError])),
        RawFrameCase("WINDOW_UPDATE on an idle stream", [Raw.window(1, 1)], .goAway([.protocolError])),
        RawFrameCase("CONTINUATION without HEADERS", [Raw.frame(9, flags: 4, stream: 1)], .goAway([.protocolError])),
        RawFrameCase("PRIORITY on stream 0", [Raw.priority(0, on: 3)], .goAway([.protocolError])),
        RawFrameCase("PRIORITY on an idle stream", [Raw.priority(7)], .alive),
        RawFrameCase(
            "DATA inside a header block", [Raw.headers(1, endHeaders: false), Raw.data(1, [1])],
            .goAway([.protocolError])),
        RawFrameCase(
            "CONTINUATION of another stream",
            [Raw.headers(1, endHeaders: false), Raw.frame(9, flags: 4, stream: 3)], .goAway([.protocolError])),
    ]

    private static let sizes: [RawFrameCase] = [
        RawFrameCase(
            "a frame of 16 385 bytes", [Raw.headers(1, end: false), Raw.data(1, Array(repeating: 0, count: 16_385))],
            .goAway([.frameSizeError])),
        RawFrameCase(
            "a frame of 16 384 bytes", [Raw.headers(1, end: false), Raw.data(1, Array(repeating: 0, count: 16_384))],
            .status(1, 200)),
        RawFrameCase(
            "RST_STREAM of 3 bytes", [Raw.headers(1, end: false), Raw.frame(3, stream: 1, [0, 0, 8])],
            .goAway([.frameSizeError])),
        RawFrameCase("WINDOW_UPDATE of 3 bytes", [Raw.frame(8, stream: 0, [0, 0, 8])], .goAway([.frameSizeError])),
        RawFrameCase("PRIORITY of 4 bytes", [Raw.frame(2, stream: 1, [0, 0, 0, 0])], .goAway([.frameSizeError])),
        RawFrameCase(
            "padding longer than its frame",
            [
                Raw.headers(1, end: false), Raw.frame(0, flags: 9, stream: 1, [9, 1, 2, 3]),
            ], .goAway([.protocolError])),
        RawFrameCase(
            "padded DATA", [Raw.headers(1, end: false), Raw.frame(0, flags: 9, stream: 1, [2, 1, 0, 0])],
            .status(1, 200)),
    ]

    static func entries(_ count: Int) -> [(UInt16, UInt32)] { Array(repeating: (0x99, 1), count: count) }
    static func many(_ count: Int, _ frame: [UInt8]) -> [[UInt8]] { Array(repeating: frame, count: count) }
    /// A rate without refill, so that the count is exact, no matter how slow the machine is.
    static func still(_ burst: Int) -> H2Rate { H2Rate(burst: burst, perSecond: 0) }
}
