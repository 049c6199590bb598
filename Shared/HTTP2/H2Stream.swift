/// The record of one stream: the message being read and the body being sent.
///
/// Owned by the `H2CallbackContext` that created it and accessed only on its thread.
final class H2Stream {
    /// The state of the peer's message: `headers` → `body` → `whole`; `skipped` from either, on a refusal.
    enum Phase {
        /// The header block is being read. Next: body, whole, skipped.
        case headers
        /// The header block is complete. Next: whole, skipped.
        case body
        /// The message was passed on. Final.
        case whole
        /// The message is refused or abandoned; what still arrives is dropped. Final.
        case skipped
    }

    let id: Int32
    var phase = Phase.headers
    /// Whether the peer has closed its side.
    var isPeerDone = false
    /// Whether the library has closed the stream; the record remains only for its handler.
    var isClosed = false
    /// Whether a handler is working on the request, so that the record, and with it a slot, must remain.
    var hasHandler = false
    /// Whether the response makes the rest of the request unnecessary: RST_STREAM NO_ERROR follows it.
    var isResetAfterResponse = false
    /// Whether the caller has given up (client): no event is wanted.
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

    /// Takes the request out of the record, whose buffers are empty afterwards.
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
