import HTTP2
import Testing

/// One row of the raw-frame table: what a client sends, byte by byte, and what the server must do.
struct RawFrameCase: Sendable, CustomTestStringConvertible {
    enum Expectation: Sendable {
        /// A GOAWAY with one of these codes, then the end of the connection.
        case goAway([H2ErrorCode])
        /// A RST_STREAM on this stream.
        case reset(UInt32, H2ErrorCode)
        /// A response with this status.
        case status(UInt32, Int)
        /// The server answers a PING after everything sent, without a GOAWAY before.
        case alive
        /// The end of the connection, with or without a GOAWAY.
        case closed
    }

    enum Step: Sendable {
        case send([UInt8])
        /// Waits until the server has sent a frame of this type on this stream.
        case awaitFrame(UInt8, stream: UInt32)
        /// Sends these bytes every 20 ms until the expectation is met.
        case drip([UInt8])
    }

    let name: String
    let steps: [Step]
    let expectation: Expectation
    let limits: H2Limits

    /// Sends the preface, SETTINGS and the acknowledgement of the server's SETTINGS, then `bytes`.
    init(
        _ name: String, _ bytes: [[UInt8]], _ expectation: Expectation,
        limits change: (inout H2Limits) -> Void = { _ in }
    ) {
        self.init(
            name,
            steps: [
                .send(Raw.preface + Raw.settings()), .awaitFrame(4, stream: 0),
                .send(Raw.settingsAck + bytes.flatMap { $0 }),
            ], expectation, limits: change)
    }

    init(
        _ name: String, steps: [Step], _ expectation: Expectation, limits change: (inout H2Limits) -> Void = { _ in }
    ) {
        self.name = name
        self.steps = steps
        self.expectation = expectation
        var limits = H2Limits()
        limits.sweepInterval = .milliseconds(20)
        limits.lingerTimeout = .milliseconds(500)
        change(&limits)
        self.limits = limits
    }

    /// Sends `bytes` after a regular opening, then drips.
    static func dripping(
        _ name: String, _ bytes: [[UInt8]], drip: [UInt8], _ expectation: Expectation,
        limits change: (inout H2Limits) -> Void
    ) -> RawFrameCase {
        RawFrameCase(
            name,
            steps: [
                .send(Raw.preface + Raw.settings()), .awaitFrame(4, stream: 0),
                .send(Raw.settingsAck + bytes.flatMap { $0 }),
                .drip(drip),
            ], expectation, limits: change)
    }

    var testDescription: String { name }
}
