import Foundation
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// HTTP/2 with prior knowledge, using swift-nio's implementation; ours uses nghttp2.
enum WireHTTP2 {
    private typealias Stream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

    static func exchange(_ request: Wire.Request) async throws -> Wire.Answer {
        try await withThrowingTaskGroup(of: Wire.Answer.self) { group in
            group.addTask { try await run(request) }
            group.addTask {
                try await Task.sleep(for: Wire.patience)
                throw StackError("\(request.method) \(request.target): no answer within \(Wire.patience)")
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw StackError("no answer") }
            return answer
        }
    }

    private static func run(_ request: Wire.Request) async throws -> Wire.Answer {
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: request.host, port: request.port) { channel in
                channel.configureAsyncHTTP2Pipeline(mode: .client) { $0.eventLoop.makeSucceededVoidFuture() }
                    .map { (channel, $0) }
            }
        let (channel, streams) = connection
        let outcome: Result<Wire.Answer, any Error>
        do {
            let stream = try await streams.openStream { stream in
                stream.eventLoop.makeCompletedFuture { try Stream(wrappingChannelSynchronously: stream) }
            }
            outcome = .success(try await stream.executeThenClose { try await converse(request, $0, $1) })
        } catch {
            outcome = .failure(error)
        }
        try? await channel.close()
        return try outcome.get()
    }

    private static func converse(
        _ request: Wire.Request, _ inbound: NIOAsyncChannelInboundStream<HTTP2Frame.FramePayload>,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTP2Frame.FramePayload>
    ) async throws -> Wire.Answer {
        var fields: HPACKHeaders = [
            ":method": request.method, ":scheme": "http", ":path": request.target,
            ":authority": "\(request.host):\(request.port)",
        ]
        for (name, value) in request.headers { fields.add(name: name, value: value) }
        try await outbound.write(.headers(.init(headers: fields, endStream: request.body == nil)))
        if let body = request.body {
            try await outbound.write(.data(.init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: true)))
        }
        var (status, headers, body, isWhole) = (0, [String: String](), Data(), false)
        for try await payload in inbound {
            switch payload {
            case .headers(let part):
                for (name, value, _) in part.headers where !name.hasPrefix(":") {
                    headers[name] = headers[name].map { "\($0), \(value)" } ?? value
                }
                status = part.headers.first(name: ":status").flatMap { Int($0) } ?? status
                isWhole = part.endStream
            case .data(let part):
                if case .byteBuffer(let buffer) = part.data { body += Data(buffer.readableBytesView) }
                isWhole = part.endStream
            case .rstStream(let code): throw StackError("the stream was reset: \(code)")
            default: break
            }
            if isWhole { return Wire.Answer(status: status, headers: headers, body: body) }
        }
        throw StackError("the stream ended before its answer did")
    }
}
