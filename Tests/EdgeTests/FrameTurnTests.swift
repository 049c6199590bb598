import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import Edge

/// Requests and bodies over HTTP/2 that arrive in one read.
@Suite struct FrameTurnTests {
    /// A connection with the handlers below the parser, and what has reached the parser.
    private final class Line {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        private(set) var passed: [UInt8] = []
        private var progress = FrameProgress()

        init(isProxy: Bool = false) throws {
            let limits = EdgeLimits()
            let line = TurnLine(loop, pauses: limits.pipelinedPause...limits.pipelinedPauseMax)
            let clock = FrameClock(limits: limits, line: isProxy ? nil : line, turnedAway: { _ in })
            channel = EmbeddedChannel(handler: clock, loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// The number of whole frames that have reached the parser, including the two that open the connection.
        func frames() throws -> Int {
            while let bytes = try channel.readInbound(as: ByteBuffer.self) {
                passed += Array(bytes.readableBytesView)
                progress.take(bytes.readableBytesView)
            }
            return Int(progress.frameCount)
        }
    }

    private static let requests =
        StreamGateTests.beginning + (1...30).flatMap { StreamGateTests.request($0, "/jobs/\($0)") }

    /// A request with twelve frames of a body, of 8,000 bytes each.
    private static let body: [UInt8] =
        StreamGateTests.beginning + StreamGateTests.request(1, "/jobs/1", isWhole: false)
        + (1...12).flatMap { _ in [0, 0x1F, 0x40, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0x78, count: 8_000) }

    @Test("Eight are taken in a turn of the loop, and the others in turns with pauses, until all have been")
    func turns() throws {
        let line = try Line()
        try line.channel.writeInbound(ByteBuffer(bytes: Self.requests))
        var frames = [try line.frames()]
        for _ in 0..<60 {
            line.loop.advanceTime(by: .microseconds(100))
            frames.append(try line.frames())
        }
        #expect(frames[0] == 2 + 8 && frames[2] == 2 + 8, "\(frames)")
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $1 - $0 <= 8 }, "\(frames)")
        #expect(frames.last == 2 + 30)
        #expect(line.passed == Self.requests)
    }

    @Test("What comes while others wait goes on behind them, and eight are taken again once nothing waits")
    func order() throws {
        let line = try Line()
        let (first, second) = (Self.requests.prefix(400), Self.requests.dropFirst(400))
        try line.channel.writeInbound(ByteBuffer(bytes: first))
        try line.channel.writeInbound(ByteBuffer(bytes: second))
        for _ in 0..<60 { line.loop.advanceTime(by: .microseconds(100)) }
        #expect(try line.frames() == 2 + 30)
        #expect(line.passed == Self.requests)
        let more = (31...38).flatMap { StreamGateTests.request($0, "/jobs/\($0)") }
        try line.channel.writeInbound(ByteBuffer(bytes: more))
        #expect(try line.frames() == 2 + 38)
    }

    @Test("Bodies are taken sixteen KiB at a time, with pauses, until all has been")
    func bytes() throws {
        let line = try Line()
        try line.channel.writeInbound(ByteBuffer(bytes: Self.body))
        var counts: [Int] = []
        for _ in 0..<60 {
            _ = try line.frames()
            counts.append(line.passed.count)
            line.loop.advanceTime(by: .microseconds(100))
        }
        #expect(counts[0] == 16_384 && counts[2] == 16_384, "\(counts)")
        #expect(zip(counts, counts.dropFirst()).allSatisfy { $1 - $0 <= 16_384 }, "\(counts)")
        #expect(line.passed == Self.body)
    }

    @Test("Requests behind a large body are not more at once than others")
    func requestsAfterBody() throws {
        let line = try Line()
        let behind = Self.requests.dropFirst(StreamGateTests.beginning.count)
        try line.channel.writeInbound(ByteBuffer(bytes: Self.body + behind))
        var frames: [Int] = []
        for _ in 0..<100 {
            frames.append(try line.frames())
            line.loop.advanceTime(by: .microseconds(100))
        }
        let ofBody = 2 + 1 + 12
        let requests = frames.filter { $0 > ofBody }
        #expect(zip(requests, requests.dropFirst()).allSatisfy { $1 - $0 <= 8 }, "\(frames)")
        #expect(requests.first.map { $0 <= ofBody + 8 } == true && frames.last == ofBody + 30, "\(frames)")
    }

    @Test("Bytes that keep coming while others wait, as after a client has closed its side, end the connection")
    func tooManyBytes() throws {
        let line = try Line()
        try line.channel.writeInbound(ByteBuffer(bytes: Self.body))
        for _ in 0..<5 { try line.channel.writeInbound(ByteBuffer(repeating: 0, count: 65_536)) }
        #expect(line.channel.isActive)
        for _ in 0..<4 where line.channel.isActive {
            try line.channel.writeInbound(ByteBuffer(repeating: 0, count: 65_536))
        }
        #expect(!line.channel.isActive)
    }

    @Test("Requests and bodies of a proxy are everybody's, and wait for nobody")
    func proxy() throws {
        for sent in [Self.requests, Self.body] {
            let line = try Line(isProxy: true)
            try line.channel.writeInbound(ByteBuffer(bytes: sent))
            _ = try line.frames()
            #expect(line.passed == sent)
        }
    }
}
