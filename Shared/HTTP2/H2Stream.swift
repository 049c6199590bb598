/// The record of one stream: the message being read and the body being sent.
///
/// Owned by the `H2CallbackContext` that made it and touched only on its thread.
final class H2Stream {
    /// Where the peer's message stands: `headers` → `body` → `whole`; `skipped` from either, at a refusal.
    enum Phase {
        /// The header block is being read. Next: body, whole, skipped.
        case headers
        /// The header block is complete. Next: whole, skipped.
        case body
        /// The message was handed on. Final.
        case whole
        /// The message is refused or given up; what still comes is dropped. Final.
        case skipped
    }

    let id: Int32
    var phase = Phase.headers
    /// The peer has ended its side.
    var isPeerDone = false
    /// The library has closed the stream; the record stays only for its handler.
    var isClosed = false
    /// A handler works on the request, so the record (and with it a slot) must stay.
    var hasHandler = false
    /// The response makes the rest of the request needless: RST_STREAM NO_ERROR follows it.
    var isResetAfterResponse = false
    /// The caller has given up (client): no event is wanted.
    var isAbandoned = false

    var method = ""
    var path = ""
    var authority = ""
    var scheme = ""
    var status = 0
    var headers: [H2Header] = []
    var headerBytes = 0
    var headerCount = 0
    var contentLength: Int?
    var body: [UInt8] = []

    var outbound: [UInt8] = []
    var outboundOffset = 0
    var hasOutbound = false
    /// Body bytes sent since `outboundCheckedAt`.
    var outboundMoved = 0
    var outboundCheckedAt: ContinuousClock.Instant

    let startedAt: ContinuousClock.Instant
    var receivedAt: ContinuousClock.Instant

    init(id: Int32, now: ContinuousClock.Instant) {
        self.id = id
        startedAt = now
        receivedAt = now
        outboundCheckedAt = now
    }

    var outboundRemaining: Int { hasOutbound ? outbound.count - outboundOffset : 0 }

    /// Takes the request out of the record; its buffers are empty afterwards.
    func takeRequest(remoteAddress: String) -> H2Request {
        let request = H2Request(
            method: method, path: path, authority: authority, scheme: scheme, headers: headers, body: body,
            receivedAt: startedAt, remoteAddress: remoteAddress)
        dropMessage()
        return request
    }

    func takeResponse() -> H2Response {
        let response = H2Response(status: status, headers: headers, body: body)
        dropMessage()
        return response
    }

    func dropMessage() {
        headers = []
        body = []
    }
}
