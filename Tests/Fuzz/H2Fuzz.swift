@testable import HTTP2

/// Feeds any bytes to one side of a connection, split at arbitrary places, while time passes and handlers answer at
/// arbitrary moments.
///
/// The first byte holds options; the second decides where to split and when to answer. The rest is the peer's bytes,
/// either raw or as a list of frames in `FrameScript`'s encoding, which gets further than random bytes.
enum H2Fuzz {
    private static let tightLimits: H2Limits = {
        var limits = H2Limits()
        limits.streamsMax = 6
        limits.handlersMax = 8
        limits.headerBytesMax = 1_024
        limits.headerCountMax = 12
        limits.bodyBytesMax = 600
        limits.requestBytesMax = 1_000
        limits.responseBytesMax = 2_000
        limits.continuationsMax = 2
        limits.outboundFramesMax = 20
        limits.ownResetRate = H2Rate(burst: 5, perSecond: 1)
        limits.emptyDataMax = 4
        limits.windowUpdatesMax = 10
        return limits
    }()

    static func run(_ bytes: [UInt8]) -> Int32 {
        guard bytes.count > 2 else { return 0 }
        let options = bytes[0]
        let role: H2Session.Role = options & 1 == 0 ? .server : .client
        let limits = options & 2 == 0 ? tightLimits : role == .server ? H2Limits() : .client
        let rest = Array(bytes[2...])
        var stream = role == .server && options & 4 == 0 ? FrameScript.preface : []
        stream += options & 8 == 0 ? FrameScript.bytes(of: rest) : rest
        do throws(H2Error) {
            var owner = try H2FuzzOwner(role, limits, random: bytes[1])
            try owner.submitRequests()
            owner.feed(stream)
            owner.finish()
        } catch {
            check(false, "a session fails to begin: \(error)")
        }
        return 0
    }
}

/// The owner of a session. It reads, answers and writes as the handler on a socket does, and checks each event against
/// earlier ones.
private struct H2FuzzOwner: ~Copyable {
    private var session: H2Session
    private let role: H2Session.Role
    private let limits: H2Limits
    private var now = ContinuousClock.now
    private var random: UInt64
    /// On a server, the requests whose handler is running, and whether each was cancelled.
    private var running: [H2StreamID: Bool] = [:]
    /// On a client, the requests without an outcome.
    private var waiting: Set<H2StreamID> = []
    private var highestID: Int32 = 0
    private var isBroken = false

    init(_ role: H2Session.Role, _ limits: H2Limits, random: UInt8) throws(H2Error) {
        session = try H2Session(role, limits: limits, remoteAddress: "192.0.2.1", now: now)
        self.role = role
        self.limits = limits
        self.random = UInt64(random)
    }

    /// A number below `count`, deterministic for each input.
    private mutating func number(below count: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(random >> 33) % count
    }

    mutating func submitRequests() throws(H2Error) {
        guard role == .client else { return }
        for size in [0, 10, 70_000] {
            let body = [UInt8](repeating: 120, count: size)
            waiting.insert(try session.submit(H2Request(method: "POST", path: "/rpc", body: body), now: now))
        }
        if number(below: 2) == 0, let id = waiting.min(by: { $0.rawValue < $1.rawValue }) {
            session.cancel(id)
            waiting.remove(id)
        }
    }

    mutating func feed(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = min(bytes.count - offset, 1 + number(below: number(below: 3) == 0 ? 4 : 400))
            let events = bytes.withUnsafeBytes {
                session.receive(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]), now: now)
            }
            offset += count
            take(events)
            turn()
        }
    }

    /// Ends every handler, writes everything and lets hours pass; then no handler may hold a slot and the counters must
    /// be right.
    mutating func finish() {
        for id in running.keys.sorted(by: { $0.rawValue < $1.rawValue }) { answer(id) }
        check(session.handlerCount == 0, "a handler that has ended keeps its slot")
        pull()
        for _ in 0..<3 {
            now += .seconds(3_600)
            take(session.expire(now: now))
            pull()
        }
        for id in running.keys { answer(id) }
        pull()
        check(session.handlerCount == 0, "a handler that has ended keeps its slot")
        hold()
    }

    private mutating func turn() {
        if number(below: 8) == 0 {
            now += .milliseconds(number(below: 20_000))
            take(session.expire(now: now))
        }
        for id in running.keys.sorted(by: { $0.rawValue < $1.rawValue }) where number(below: 3) == 0 { answer(id) }
        if number(below: 40) == 0 { session.submitShutdownNotice() }
        if number(below: 60) == 0 { session.submitGoAway() }
        // Now and then the socket accepts nothing.
        if number(below: 4) != 0 { pull() }
        hold()
    }

    private mutating func answer(_ id: H2StreamID) {
        running[id] = nil
        switch number(below: 5) {
        case 0: session.respond(to: id, nil, now: now)
        case 1: session.respond(to: id, H2Response(status: 204), now: now)
        case 2:
            let headers = [H2Header("content-type", "application/json"), H2Header("x", "not\nallowed")]
            session.respond(to: id, H2Response(status: 200, headers: headers), now: now)
        default:
            let body = [UInt8](repeating: 120, count: number(below: 3_000))
            let headers = [H2Header("content-type", "application/json")]
            session.respond(to: id, H2Response(status: 200, headers: headers, body: body), now: now)
        }
        check(!session.hasHandler(id), "an answered request keeps its handler")
    }

    private mutating func pull() {
        var pulledBytes = 0
        while true {
            let count = session.pull(upTo: 16_384, now: now) { pulledBytes += $0.count }
            take(session.takeEvents())
            if count == 0 { break }
            check(pulledBytes < 8_388_608, "a session has more to send than it was given")
        }
        if isBroken { check(session.wantsClose, "a broken session that is written out does not end") }
    }

    private mutating func take(_ events: [H2Event]) {
        for event in events {
            switch event {
            case .request(let id, let request): begin(id, request)
            case .cancelled(let id):
                check(running.updateValue(true, forKey: id) == false, "\(id) is cancelled twice or does not run")
            case .response(let id, let response):
                check(waiting.remove(id) != nil, "\(id) has two outcomes")
                check(response.body.count <= limits.bodyBytesMax, "a response of \(response.body.count) bytes")
            case .failed(let id, _): check(waiting.remove(id) != nil, "\(id) has two outcomes")
            case .broken:
                check(!isBroken, "a session breaks twice")
                isBroken = true
            case .ready, .pingAcknowledged, .goAway, .observed: break
            }
        }
    }

    private mutating func begin(_ id: H2StreamID, _ request: H2Request) {
        check(role == .server, "a client is asked")
        check(id.rawValue & 1 == 1, "\(id) is no stream of a client")
        check(running.updateValue(false, forKey: id) == nil, "\(id) is asked twice")
        check(!request.method.isEmpty, "a request without a method")
        check(request.body.count <= limits.bodyBytesMax, "a request of \(request.body.count) bytes")
        check(request.headers.count <= limits.headerCountMax, "a request of \(request.headers.count) fields")
    }

    /// Checks the counters that bound memory.
    private func hold() {
        let context = session.context
        check(session.handlerCount <= limits.handlersMax, "\(session.handlerCount) handlers run")
        check(session.handlerCount == running.count, "the session and its owner count handlers differently")
        let receiving = context.streams.values.reduce(0) { $0 + $1.body.count }
        check(context.requestBytes == receiving, "requestBytes is \(context.requestBytes), \(receiving) are held")
        let sending = context.streams.values.reduce(0) { $0 + $1.outboundRemaining }
        check(context.responseBytes == sending, "responseBytes is \(context.responseBytes), \(sending) are held")
        if role == .server {
            check(context.requestBytes <= limits.requestBytesMax, "\(context.requestBytes) bytes of requests")
            check(context.streams.count <= limits.handlersMax, "\(context.streams.count) streams are kept")
        }
    }
}
