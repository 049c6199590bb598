import Glibc
import HTTP2

/// A connection of the load generator, which keeps calls in flight and checks each answer.
///
/// Like pgbench, it uses a non-blocking socket and a session, without tasks, timers or a client's decoding, so that the
/// load costs little compared with what it measures.
final class LoadConnection {
    private struct Call {
        let sentAt: ContinuousClock.Instant
        let title: [UInt8]
    }

    let descriptor: Int32
    private var session: H2Session
    private var outgoing: [UInt8] = []
    private var incoming = [UInt8](repeating: 0, count: 1 << 16)
    private var calls: [H2StreamID: Call] = [:]
    private let plan: LoadPlan
    private static let answerStart = Array(#"{"jsonrpc":"2.0","id":1,"result":{"title":""#.utf8)

    init(_ plan: LoadPlan) throws {
        self.plan = plan
        session = try H2Session(.client, limits: .client, now: .now)
        descriptor = try Self.connect(plan.host, plan.port)
    }

    deinit { close(descriptor) }

    private static func connect(_ host: String, _ port: UInt16) throws -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw LoadError("\(host) is no address") }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LoadError("no socket: errno \(errno)") }
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var one: Int32 = 1
        guard status == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0,
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size)) == 0
        else { throw LoadError("cannot connect to \(host):\(port): errno \(errno)") }
        return descriptor
    }

    var inFlight: Int { calls.count }
    /// Whether bytes are waiting for room in the socket.
    var isBlocked: Bool { !outgoing.isEmpty }

    func start(_ script: inout LoadScript, now: ContinuousClock.Instant) throws {
        let (body, title) = script.next()
        let request = H2Request(
            method: "POST", path: "/rpc", authority: "ratings", headers: plan.headers, body: body, receivedAt: now)
        calls[try session.submit(request, now: now)] = Call(sentAt: now, title: title)
    }

    /// Sends what the session has to send; what does not fit in the socket waits.
    func flush(now: ContinuousClock.Instant) throws {
        _ = session.pull(upTo: .max, now: now) { outgoing += $0 }
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EAGAIN else { throw LoadError("the service closed the connection: errno \(errno)") }
                return
            }
            outgoing.removeFirst(count)
        }
    }

    /// Reads what has arrived, passes each answer's time and fault to `ended`, and returns the time of arrival.
    func receive(
        _ ended: (ContinuousClock.Instant, _ took: Duration, _ fault: String?) throws -> Void
    ) throws -> ContinuousClock.Instant {
        let count = incoming.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        let now = ContinuousClock.now
        if count < 0, errno == EAGAIN { return now }
        guard count > 0 else { throw LoadError("the service closed the connection") }
        let events = incoming.withUnsafeBytes {
            session.receive(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: now)
        }
        for event in events {
            switch event {
            case .response(let id, let response):
                guard let call = calls.removeValue(forKey: id) else { throw LoadError("an answer to nothing") }
                try ended(now, call.sentAt.duration(to: now), Self.fault(of: response, call.title))
            case .failed(let id, let error):
                guard let call = calls.removeValue(forKey: id) else { throw LoadError("an end of nothing") }
                try ended(now, call.sentAt.duration(to: now), "\(error)")
            case .goAway, .broken: throw LoadError("the service ended the connection: \(event)")
            case .request, .cancelled, .ready, .pingAcknowledged, .observed: break
            }
        }
        return now
    }

    /// Returns nil for a correct answer, which begins with the result's first member, the requested title.
    private static func fault(of response: H2Response, _ title: [UInt8]) -> String? {
        let body = response.body
        let start = answerStart.count
        guard response.status == 200, body.count > start + title.count, body.starts(with: answerStart),
            body[start..<start + title.count].elementsEqual(title)
        else { return "\(response.status) " + String(decoding: body, as: UTF8.self) }
        return nil
    }
}
