import HTTP2
import NIOCore
import NIOPosix

/// A client that plays a `RawFrameCase` against a server over a real socket.
enum RawConnection {
    enum Outcome: Sendable, CustomStringConvertible {
        case met
        /// The frames that arrived instead, and whether the server had closed.
        case unmet([ReceivedFrame], closed: Bool)

        var description: String {
            switch self {
            case .met: "met"
            case .unmet(let frames, let closed): "\(frames)\(closed ? " and the end" : " and silence")"
            }
        }

        var isMet: Bool { if case .met = self { true } else { false } }
    }

    /// The time limit for a case in which the server never does what is expected.
    private static let patience = TimeAmount.seconds(8)
    private static let aliveMark: UInt8 = 0xa1

    static func play(_ testCase: RawFrameCase, port: Int) async throws -> Outcome {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let timeout = channel.channel.eventLoop.scheduleTask(in: patience) { channel.channel.close(promise: nil) }
        defer { timeout.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            var script = Script(testCase, inbound.makeAsyncIterator())
            for step in testCase.steps {
                // Writes fail if the server has already closed; what it sent before is still to be read.
                switch step {
                case .send(let bytes): try? await outbound.write(ByteBuffer(bytes: bytes))
                case .awaitFrame(let type, let stream):
                    if try await script.wait(for: { $0.type == type && $0.stream == stream }) == false {
                        return script.outcome
                    }
                case .drip(let bytes):
                    let drip = channel.channel.eventLoop.scheduleRepeatedTask(
                        initialDelay: .zero, delay: .milliseconds(20)
                    ) { _ in channel.channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
                    defer { drip.cancel() }
                    return try await script.finish()
                }
            }
            if case .alive = testCase.expectation {
                try? await outbound.write(ByteBuffer(bytes: Raw.ping(aliveMark)))
            }
            return try await script.finish()
        }
    }

    private struct Script {
        let testCase: RawFrameCase
        var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        let reader = FrameReader()
        var frames: [ReceivedFrame] = []
        var isClosed = false

        init(_ testCase: RawFrameCase, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
            self.testCase = testCase
            self.inbound = inbound
        }

        var outcome: Outcome { isMet ? .met : .unmet(frames, closed: isClosed) }

        /// Reads until a frame matches; returns false at the end of the connection.
        mutating func wait(for matches: (ReceivedFrame) -> Bool) async throws -> Bool {
            if frames.contains(where: matches) { return true }
            while try await read() {
                if frames.contains(where: matches) { return true }
            }
            return false
        }

        mutating func finish() async throws -> Outcome {
            while !isMet {
                guard try await read() else { break }
            }
            return outcome
        }

        private mutating func read() async throws -> Bool {
            var bytes: ByteBuffer?
            do { bytes = try await inbound.next(isolation: #isolation) } catch { bytes = nil }
            guard let bytes else {
                isClosed = true
                return false
            }
            reader.append(bytes.readableBytesView)
            while let frame = reader.next() { frames.append(frame) }
            return true
        }

        private var isMet: Bool {
            switch testCase.expectation {
            case .goAway(let codes):
                isClosed
                    && frames.contains { frame in
                        frame.type == 7 && codes.contains { $0.rawValue == frame.word(at: 4) }
                    }
            case .reset(let stream, let code):
                frames.contains { $0.type == 3 && $0.stream == stream && $0.word(at: 0) == code.rawValue }
            case .status(let stream, let status):
                frames.contains { $0.type == 1 && $0.stream == stream && $0.status == status }
            case .alive:
                !frames.contains { $0.type == 7 }
                    && frames.contains { $0.type == 6 && $0.flags == 1 && $0.payload.first == RawConnection.aliveMark }
            case .closed:
                isClosed
            }
        }
    }
}
