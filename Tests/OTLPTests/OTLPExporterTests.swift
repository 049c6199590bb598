import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import OTLP
import Synchronization
import Testing

/// The exporter with collectors that accept, refuse, ask for patience or are absent.
@Suite(.serialized) struct OTLPExporterTests {
    /// A collector that answers as told and keeps what it is sent.
    private final class Collector: Sendable {
        private struct State {
            var statuses: [UInt] = []
            var retryAfter: String?
            var location: String?
            var requests: [(path: String, body: [UInt8])] = []
        }

        private let state = Mutex(State())

        var requests: [(path: String, body: [UInt8])] { state.withLock { $0.requests } }

        /// Sets the statuses of the next answers; 200 afterwards.
        func answer(_ statuses: [UInt], retryAfter: String? = nil) {
            state.withLock { ($0.statuses, $0.retryAfter) = (statuses, retryAfter) }
        }

        /// From now on, every answer redirects.
        func send(to location: String) { state.withLock { $0.location = location } }

        func spanCount() throws -> Int {
            try requests.filter { $0.path == "/v1/traces" }.reduce(0) { sum, request in
                let body = try decodeJSON(JSONValue.self, from: request.body)
                return sum + body["resourceSpans"][0]["scopeSpans"][0]["spans"].array.count
            }
        }

        fileprivate func take(_ path: String, _ body: [UInt8]) -> (UInt, HTTPHeaders) {
            state.withLock { state in
                state.requests.append((path, body))
                var headers = HTTPHeaders([("content-length", "2")])
                if let retryAfter = state.retryAfter { headers.add(name: "retry-after", value: retryAfter) }
                guard let location = state.location else {
                    return (state.statuses.isEmpty ? 200 : state.statuses.removeFirst(), headers)
                }
                headers.add(name: "location", value: location)
                // A redirect that preserves the method and body, as a client that follows redirects would.
                return (307, headers)
            }
        }

        func listen() async throws -> any Channel {
            try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(Ear(self))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
        }

        private final class Ear: ChannelInboundHandler {
            typealias InboundIn = HTTPServerRequestPart
            typealias OutboundOut = HTTPServerResponsePart
            private let collector: Collector
            private var path = ""
            private var body: [UInt8] = []

            init(_ collector: Collector) { self.collector = collector }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                switch unwrapInboundIn(data) {
                case .head(let head): (path, body) = (head.uri, [])
                case .body(let part): body += Array(part.readableBytesView)
                case .end:
                    let (status, headers) = collector.take(path, body)
                    let head = HTTPResponseHead(
                        version: .http1_1, status: HTTPResponseStatus(statusCode: Int(status)), headers: headers)
                    context.write(wrapOutboundOut(.head(head)), promise: nil)
                    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{}")))), promise: nil)
                    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
                }
            }
        }
    }

    private static func exporter(_ port: Int, _ adjust: (inout OTLPLimits) -> Void = { _ in }) -> OTLPExporter {
        var limits = OTLPLimits()
        limits.requestTimeout = .milliseconds(500)
        adjust(&limits)
        return OTLPExporter(
            endpoint: "http://127.0.0.1:\(port)",
            resource: OTLPResource(service: "test", version: "1", instance: "i", startedAt: 1),
            interval: .milliseconds(20), limits: limits, group: MultiThreadedEventLoopGroup.singleton, now: { 2 },
            metrics: { [OTLPMetric(name: "a_total", points: [OTLPMetric.Point(attributes: [], value: .counter(1))])] })
    }

    private static func span(_ number: Int) -> OTLPSpan {
        OTLPSpan(
            name: "s\(number)", kind: .server, traceID: "4bf92f3577b34da6a3ce929d0e0e4736", spanID: "00f067aa0ba902b7",
            parentSpanID: nil, begin: 1, end: 2)
    }

    private static func holds(_ condition: () throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if try condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test("Everything arrives in batches, metrics too, and what came last when the process ends")
    func arrives() async throws {
        let collector = Collector()
        let channel = try await collector.listen()
        let exporter = Self.exporter(channel.localAddress?.port ?? 0) { $0.batchMax = 100 }
        let run = Task { await exporter.run() }
        for number in 0..<350 { exporter.add(Self.span(number)) }
        exporter.add(OTLPLog(at: 1, severity: 9, severityText: "info", body: "b", attributes: []))
        #expect(try await Self.holds { try collector.spanCount() == 350 && exporter.counts.sent == 351 })
        #expect(Set(collector.requests.map(\.path)) == ["/v1/traces", "/v1/logs", "/v1/metrics"])
        run.cancel()
        await run.value
        exporter.add(Self.span(350))
        await exporter.shutDown()
        #expect(try collector.spanCount() == 351 && exporter.counts.dropped == 0)
        try await channel.close()
    }

    @Test(
        "Who asks for patience is asked again later and gets all of it; who refuses gets the next and not the same again"
    )
    func patience() async throws {
        let collector = Collector()
        let channel = try await collector.listen()
        let exporter = Self.exporter(channel.localAddress?.port ?? 0) { $0.retryAfterMax = .milliseconds(100) }
        collector.answer([503, 429], retryAfter: "7")
        exporter.add(Self.span(1))
        let run = Task { await exporter.run() }
        #expect(try await Self.holds { exporter.counts.sent == 1 })
        #expect(exporter.counts.failed == 2 && exporter.counts.dropped == 0)
        run.cancel()
        await run.value
        collector.answer([400])
        exporter.add(Self.span(2))
        exporter.add(Self.span(3))
        await exporter.shutDown()
        #expect(exporter.counts.dropped == 2 && exporter.counts.sent == 1)
        try await channel.close()
    }

    @Test("A collector that sends elsewhere is refused as one that does not take: nobody else hears of anything")
    func redirects() async throws {
        let (collector, canary) = (Collector(), Collector())
        let (channel, other) = (try await collector.listen(), try await canary.listen())
        collector.send(to: "http://127.0.0.1:\(other.localAddress?.port ?? 0)/v1/traces")
        let exporter = Self.exporter(channel.localAddress?.port ?? 0)
        exporter.add(Self.span(1))
        exporter.add(OTLPLog(at: 1, severity: 9, severityText: "info", body: "b", attributes: []))
        await exporter.shutDown()
        #expect(collector.requests.count == 3 && canary.requests.isEmpty)
        #expect(exporter.counts.dropped == 2 && exporter.counts.sent == 0)
        try await channel.close()
        try await other.close()
    }

    @Test("Without a collector the newest is dropped and counted, and nobody waits")
    func absent() async throws {
        let collector = Collector()
        let channel = try await collector.listen()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        let exporter = Self.exporter(port) { $0.waitingMax = 50 }
        let run = Task { await exporter.run() }
        try await Task.sleep(for: .milliseconds(100))
        let begun = ContinuousClock.now
        for number in 0..<10_000 { exporter.add(Self.span(number)) }
        #expect(ContinuousClock.now - begun < .seconds(1))
        #expect(exporter.counts.dropped >= 9_900 && exporter.counts.sent == 0)
        run.cancel()
        await run.value
        let closing = ContinuousClock.now
        await exporter.shutDown()
        #expect(ContinuousClock.now - closing < .seconds(4))
    }
}
