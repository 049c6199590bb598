import HTTP2

/// A client and a server session connected by byte arrays, on a clock that moves only on request.
final class SessionPair {
    var client: H2Session
    var server: H2Session
    var now = ContinuousClock.now
    /// The events collected by pumping, except for observations.
    var clientEvents: [H2Event] = []
    var serverEvents: [H2Event] = []
    var observations: [H2Observation] = []

    init(serverLimits: H2Limits = H2Limits(), clientLimits: H2Limits = .client) throws {
        client = try H2Session(.client, limits: clientLimits, now: now)
        server = try H2Session(.server, limits: serverLimits, remoteAddress: "192.0.2.1", now: now)
    }

    func pullClient() -> [UInt8] {
        var bytes: [UInt8] = []
        _ = client.pull(upTo: .max, now: now) { bytes.append(contentsOf: $0) }
        return bytes
    }

    func pullServer() -> [UInt8] {
        var bytes: [UInt8] = []
        _ = server.pull(upTo: .max, now: now) { bytes.append(contentsOf: $0) }
        return bytes
    }

    func feedServer(_ bytes: some Collection<UInt8>) {
        keep(Array(bytes).withUnsafeBytes { server.receive($0, now: now) }, in: &serverEvents)
    }

    func feedClient(_ bytes: some Collection<UInt8>) {
        keep(Array(bytes).withUnsafeBytes { client.receive($0, now: now) }, in: &clientEvents)
    }

    func expireServer(after duration: Duration) {
        now += duration
        keep(server.expire(now: now), in: &serverEvents)
    }

    /// Carries bytes both ways until neither side has any left.
    func pump() {
        while true {
            let up = pullClient()
            let down = pullServer()
            keep(client.takeEvents(), in: &clientEvents)
            keep(server.takeEvents(), in: &serverEvents)
            if up.isEmpty, down.isEmpty { return }
            feedServer(up)
            feedClient(down)
        }
    }

    private func keep(_ events: [H2Event], in list: inout [H2Event]) {
        for event in events {
            if case .observed(let observation) = event { observations.append(observation) } else { list.append(event) }
        }
    }

    var requests: [(id: H2StreamID, request: H2Request)] {
        serverEvents.compactMap { if case .request(let id, let request) = $0 { (id, request) } else { nil } }
    }

    var responses: [(id: H2StreamID, response: H2Response)] {
        clientEvents.compactMap { if case .response(let id, let response) = $0 { (id, response) } else { nil } }
    }

    var failures: [(id: H2StreamID, error: H2Error)] {
        clientEvents.compactMap { if case .failed(let id, let error) = $0 { (id, error) } else { nil } }
    }

    var cancelled: [H2StreamID] {
        serverEvents.compactMap { if case .cancelled(let id) = $0 { id } else { nil } }
    }

    var serverBreak: H2Error? {
        serverEvents.lazy.compactMap { if case .broken(let error) = $0 { error } else { nil } }.first
    }

    // Copies of the sessions' state: expectations cannot hold a noncopyable value.
    var clientCanSubmit: Bool { client.canSubmit }
    var clientWantsClose: Bool { client.wantsClose }
    var serverWantsClose: Bool { server.wantsClose }
    var handlerCount: Int { server.handlerCount }
    var clientStreamCount: Int { client.openStreamCount }
    var serverStreamCount: Int { server.openStreamCount }

    func submit(_ path: String = "/rpc", body: [UInt8] = []) throws -> H2StreamID {
        try submit(H2Request(method: "POST", path: path, authority: "test", headers: [H2Header("a", "b")], body: body))
    }

    @discardableResult func submit(_ request: H2Request) throws -> H2StreamID {
        try client.submit(request, now: now)
    }
}
