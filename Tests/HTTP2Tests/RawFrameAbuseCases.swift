import HTTP2

/// Cases of floods and of deliberately slow peers, with shortened timeouts.
enum AbuseCases {
    static let all: [RawFrameCase] = floods + slow

    private static let floods: [RawFrameCase] = [
        RawFrameCase("8 CONTINUATION frames", continuations(8), .status(1, 200)),
        RawFrameCase("9 CONTINUATION frames", continuations(9), .goAway([.enhanceYourCalm])),
        RawFrameCase("as many resets as allowed", resets(200), .alive),
        RawFrameCase("one reset too many", resets(201), .goAway([.internalError, .enhanceYourCalm])) {
            $0.resetRate = ConnectionCases.still(200)
        },
        RawFrameCase("as many empty DATA frames as allowed", emptyData(16), .alive),
        RawFrameCase("one empty DATA frame too many", emptyData(17), .goAway([.enhanceYourCalm])),
        RawFrameCase(
            "DATA frames of padding alone",
            [Raw.headers(1, end: false)]
                + ConnectionCases.many(
                    17, Raw.frame(0, flags: 8, stream: 1, [3, 0, 0, 0])), .goAway([.enhanceYourCalm])),
        RawFrameCase(
            "empty DATA frames between full ones",
            [Raw.headers(1, end: false)]
                + Array(
                    repeating: [Raw.data(1, [], end: false), Raw.data(1, [1], end: false)], count: 40
                ).flatMap { $0 }, .alive),
        RawFrameCase("as many PRIORITY frames as allowed", ConnectionCases.many(100, Raw.priority(1)), .alive),
        RawFrameCase(
            "one PRIORITY frame too many", ConnectionCases.many(101, Raw.priority(1)), .goAway([.enhanceYourCalm])),
        RawFrameCase(
            "as many WINDOW_UPDATE frames as allowed", ConnectionCases.many(50, Raw.window(0, 1)), .alive
        ) { $0.windowUpdatesMax = 50 },
        RawFrameCase(
            "one WINDOW_UPDATE frame too many", ConnectionCases.many(51, Raw.window(0, 1)), .goAway([.enhanceYourCalm])
        ) { $0.windowUpdatesMax = 50 },
        RawFrameCase("as many streams that make us reset as allowed", tricks(20), .alive) {
            $0.ownResetRate = ConnectionCases.still(20)
        },
        RawFrameCase("one stream too many that makes us reset", tricks(21), .goAway([.enhanceYourCalm])) {
            $0.ownResetRate = ConnectionCases.still(20)
        },
        RawFrameCase("malformed requests without end", malformed(150), .goAway([.enhanceYourCalm])) {
            $0.streamsMax = 1_000
        },
    ]

    private static let slow: [RawFrameCase] = [
        RawFrameCase("a header block that never ends", [Raw.headers(1, endHeaders: false)], .goAway([.enhanceYourCalm]))
        {
            $0.headersTimeout = .milliseconds(100)
        },
        RawFrameCase("a HEADERS frame cut in its middle", [Raw.headers(1).dropLast(5)], .goAway([.enhanceYourCalm])) {
            $0.headersTimeout = .milliseconds(100)
        },
        RawFrameCase("a body that never ends", [Raw.headers(1, end: false)], .status(1, 408)) {
            $0.bodyIdleTimeout = .milliseconds(100)
        },
        RawFrameCase.dripping(
            "a body that drips", [Raw.headers(1, end: false)], drip: Raw.data(1, [1], end: false), .status(1, 408)
        ) { $0.requestTimeout = .milliseconds(200) },
        RawFrameCase("an idle connection", [], .goAway([.noError])) { $0.idleTimeout = .milliseconds(100) },
        RawFrameCase(
            "a window of zero", [Raw.settings([(4, 0)]), Raw.headers(1, Raw.post("/large"))], .reset(1, .cancel)
        ) { $0.writeProgressTimeout = .milliseconds(100) },
        RawFrameCase.dripping(
            "a window that drips", [Raw.settings([(4, 0)]), Raw.headers(1, Raw.post("/large"))], drip: Raw.window(1, 1),
            .reset(1, .cancel)
        ) { $0.writeProgressTimeout = .milliseconds(200) },
        RawFrameCase(
            "responses that nobody takes stop new streams",
            steps: [
                .send(
                    Raw.preface + Raw.settings([(4, 0)]) + Raw.headers(1, Raw.post("/large"))
                        + Raw.headers(3, Raw.post("/large"))),
                .awaitFrame(1, stream: 3), .send(Raw.headers(5)),
            ], .reset(5, .refusedStream)
        ) { $0.responseBytesMax = 100_000 },
    ]

    private static func continuations(_ count: Int) -> [[UInt8]] {
        let block = Raw.block(Raw.post)
        return [Raw.frame(1, flags: 1, stream: 1, block)] + ConnectionCases.many(count - 1, Raw.frame(9, stream: 1))
            + [Raw.frame(9, flags: 4, stream: 1)]
    }

    private static func resets(_ count: UInt32) -> [[UInt8]] {
        (0..<count).flatMap { [Raw.headers($0 * 2 + 1), Raw.reset($0 * 2 + 1)] }
    }

    private static func emptyData(_ count: Int) -> [[UInt8]] {
        [Raw.headers(1, end: false)] + ConnectionCases.many(count, Raw.data(1, [], end: false))
    }

    /// Streams whose windows are made to overflow, so that the server must reset them (CVE-2025-8671).
    private static func tricks(_ count: UInt32) -> [[UInt8]] {
        (0..<count).flatMap { [Raw.headers($0 * 2 + 1, end: false), Raw.window($0 * 2 + 1, 0x7fff_ffff)] }
    }

    private static func malformed(_ count: UInt32) -> [[UInt8]] {
        (0..<count).map { Raw.headers($0 * 2 + 1, Raw.post + [("Upper", "x")]) }
    }
}
