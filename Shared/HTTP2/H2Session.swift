internal import CNghttp2

/// One HTTP/2 connection as a value: bytes in become events, submitted messages become bytes out.
///
/// Does no I/O and reads no clock: every call that needs the time is given it. One owner, one thread. The owner reads →
/// `receive` → acts on the events → `pull`s until nothing is left → writes. Owns the library's session, which ends with
/// it, and the context that the library's callbacks write to.
@safe package struct H2Session: ~Copyable {
    package enum Role: Sendable { case server, client }

    private let session: OpaquePointer
    let context: H2CallbackContext
    let limits: H2Limits
    let startedAt: ContinuousClock.Instant
    /// Whether the library has failed or was told to end; nothing more is read.
    private var isBroken = false
    /// Whether everything of a broken session was pulled.
    private var isDrained = false
    /// Names and values of the header fields being submitted, concatenated; kept to reuse its memory.
    private var fieldBytes: [UInt8] = []
    private var fieldEnds: [(name: Int, value: Int, flags: UInt8)] = []
    /// Whether the names of the requests' own fields are in the peer's table.
    private var hasNamedOwnFields = false

    deinit { unsafe nghttp2_session_del(session) }

    /// Creates a session whose SETTINGS are ready to be pulled.
    ///
    /// Throws `connectFailed` if the library is out of memory.
    package init(
        _ role: Role, limits: H2Limits, remoteAddress: String = "", requestBudget: H2ByteBudget? = nil,
        now: ContinuousClock.Instant
    ) throws(H2Error) {
        let context = H2CallbackContext(
            role: role, limits: limits, remoteAddress: remoteAddress, requestBudget: requestBudget, now: now)
        unsafe session = try Self.makeSession(role, limits, context)
        self.context = context
        self.limits = limits
        startedAt = now
        let settings = [
            Self.setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0),
            Self.setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, role == .server ? limits.streamsMax : 0),
            Self.setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
            Self.setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerBytesMax),
            Self.setting(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        // A server may only send ENABLE_PUSH 0, and a client refuses pushes with it: 0 for both.
        _ = unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        _ = unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindowBytes))
    }

    private static func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
    }

    private static func makeSession(
        _ role: Role, _ limits: H2Limits, _ context: H2CallbackContext
    ) throws(H2Error) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        defer {
            unsafe nghttp2_session_callbacks_del(callbacks)
            unsafe nghttp2_option_del(options)
        }
        guard
            unsafe nghttp2_session_callbacks_new(&callbacks) == 0, unsafe nghttp2_option_new(&options) == 0,
            let callbacks = unsafe callbacks, let options = unsafe options
        else { throw H2Error(.connectFailed("not enough memory for a session"), wasNotProcessed: true) }
        unsafe H2Callbacks.install(on: callbacks)
        unsafe set(limits, on: options)
        var session: OpaquePointer?
        // The context outlives the library's session: the struct holds both, and its deinit ends the session first.
        let pointer = unsafe Unmanaged.passUnretained(context).toOpaque()
        let result =
            switch role {
            case .server: unsafe nghttp2_session_server_new2(&session, callbacks, pointer, options)
            case .client: unsafe nghttp2_session_client_new2(&session, callbacks, pointer, options)
            }
        guard result == 0, let session = unsafe session else {
            throw H2Error(.connectFailed("not enough memory for a session"), wasNotProcessed: true)
        }
        return unsafe session
    }

    /// Sets the guards of the library. The calls are unconditional, whatever version the header declares: a library
    /// without them must fail to link.
    private static func set(_ limits: H2Limits, on options: OpaquePointer) {
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe nghttp2_option_set_stream_reset_rate_limit(
            options, UInt64(limits.resetRate.burst), UInt64(limits.resetRate.perSecond))
        unsafe nghttp2_option_set_max_continuations(options, limits.continuationsMax)
        unsafe nghttp2_option_set_max_settings(options, limits.settingsEntriesMax)
        unsafe nghttp2_option_set_max_outbound_ack(options, limits.outboundAcksMax)
        unsafe nghttp2_option_set_peer_max_concurrent_streams(options, UInt32(limits.peerStreamsMax))
        unsafe nghttp2_option_set_max_send_header_block_length(options, limits.sentHeaderBytesMax)
        unsafe nghttp2_option_set_max_deflate_dynamic_table_size(options, limits.deflateTableBytesMax)
    }

    // MARK: Bytes

    /// Reads bytes from the peer and returns the resulting events. Never fails: a broken peer is the event `broken`.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: ContinuousClock.Instant) -> [H2Event] {
        guard !isBroken else { return [] }
        context.now = now
        let base = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        let count = unsafe nghttp2_session_mem_recv(session, base, bytes.count)
        settle()
        if count < 0 {
            fail(libraryError: Int32(count))
        } else if unsafe nghttp2_session_get_outbound_queue_size(session) > limits.outboundFramesMax {
            if context.abuse == nil { context.abuse = .outboundQueue }
        }
        endIfAbused()
        return takeEvents()
    }

    /// Passes the bytes to send to `sink`, frame by frame, until `byteCount` is reached or nothing is left.
    ///
    /// Returns the number of bytes. The pointer is valid only during the call of `sink`.
    package mutating func pull(
        upTo byteCount: Int, now: ContinuousClock.Instant, into sink: (UnsafeRawBufferPointer) -> Void
    ) -> Int {
        context.now = now
        var pulled = 0
        while pulled < byteCount {
            var frame: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &frame)
            if count > 0 {
                unsafe sink(UnsafeRawBufferPointer(start: frame, count: count))
                pulled += count
            } else if count < 0 {
                fail(libraryError: Int32(count))
                isDrained = true
                break
            } else if context.abuse != nil, !isBroken {
                endIfAbused()
            } else if !context.answers.isEmpty {
                settle()
            } else {
                if isBroken { isDrained = true }
                break
            }
        }
        return pulled
    }

    /// Takes the events of `pull`, `expire` and the submitting calls.
    package mutating func takeEvents() -> [H2Event] {
        guard !context.events.isEmpty else { return [] }
        var events: [H2Event] = []
        swap(&events, &context.events)
        return events
    }

    /// Whether the session needs neither to read nor to write; the owner closes once its own buffer is empty.
    package var wantsClose: Bool {
        if isBroken { return isDrained }
        return unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    /// Performs what the callbacks requested while the library was running.
    mutating func settle() {
        while !context.answers.isEmpty {
            var answers: [H2CallbackContext.Answer] = []
            swap(&answers, &context.answers)
            for answer in answers {
                switch answer {
                case .consume(let id, let count):
                    _ = unsafe nghttp2_session_consume(session, id, count)
                case .reset(let id, let code):
                    submitReset(id, code)
                case .status(let id, let status):
                    guard let stream = context.streams[id], !stream.isClosed else { continue }
                    // RFC 9113 §8.1: once the response is sent, the rest of the request is not needed. A reset
                    // submitted now would overtake it: the library sends nothing on a stream that it is about to reset.
                    stream.isResetAfterResponse = !stream.isPeerDone
                    if !submitResponse(stream, H2Response(status: status)) { submitReset(id, .internalError) }
                }
            }
        }
    }

    private func submitReset(_ id: Int32, _ code: H2ErrorCode) {
        _ = unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    }

    // MARK: Ends

    private mutating func endIfAbused() {
        guard let abuse = context.abuse, !isBroken else { return }
        context.observe(.abuse(abuse))
        fail(H2Error(.protocolViolation, code: abuse.code))
    }

    private mutating func fail(libraryError: Int32) {
        guard !isBroken else { return }
        switch libraryError {
        case Int32(NGHTTP2_ERR_FLOODED.rawValue), Int32(NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue):
            context.abuse = .library
            endIfAbused()
        case Int32(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue):
            fail(H2Error(.protocolViolation, code: .protocolError))
        default:
            fail(H2Error(.protocolViolation, code: .internalError))
        }
    }

    /// Ends the connection: a GOAWAY with the error's code is pulled next, and nothing more is read.
    package mutating func fail(_ error: H2Error) {
        guard !isBroken else { return }
        isBroken = true
        _ = unsafe nghttp2_session_terminate_session(session, (error.code ?? .internalError).rawValue)
        context.events.append(.broken(error))
    }

    /// Announces the end (a GOAWAY that still allows every stream) and sends a PING; its acknowledgement shows that the
    /// peer has seen both, which is the moment for `submitGoAway`.
    package mutating func submitShutdownNotice() {
        _ = unsafe nghttp2_submit_shutdown_notice(session)
        submitPing()
    }

    /// Takes no new streams from now on; `wantsClose` is true once the open ones have ended.
    package mutating func submitGoAway() {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        _ = unsafe nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, H2ErrorCode.noError.rawValue, nil, 0)
    }

    package mutating func submitPing() {
        _ = unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    // MARK: Server

    /// Answers a request and frees its slot; a nil response resets the stream.
    ///
    /// Must be called exactly once for each `request` event, when its handler has ended. Nothing is sent on a closed
    /// stream.
    package mutating func respond(to id: H2StreamID, _ response: H2Response?, now: ContinuousClock.Instant) {
        guard let stream = context.streams[id.rawValue], stream.hasHandler else { return }
        context.now = now
        stream.hasHandler = false
        if stream.isClosed {
            context.streams[id.rawValue] = nil
        } else if let response {
            if !submitResponse(stream, response) { submitReset(stream.id, .internalError) }
        } else {
            submitReset(stream.id, .cancel)
        }
    }

    /// Returns whether `respond(to:)` has not been called yet for this request.
    package func hasHandler(_ id: H2StreamID) -> Bool { context.streams[id.rawValue]?.hasHandler ?? false }

    /// The number of running handlers, including those of closed streams.
    package var handlerCount: Int { context.streams.values.count { $0.hasHandler } }

    private mutating func submitResponse(_ stream: H2Stream, _ response: H2Response) -> Bool {
        fieldBytes.removeAll(keepingCapacity: true)
        fieldEnds.removeAll(keepingCapacity: true)
        add(":status", Self.statusText(response.status))
        for header in response.headers { add(header.name, header.value) }
        context.setOutbound(response.body, on: stream)
        let session = unsafe session
        let result = unsafe withFields { fields in
            guard !response.body.isEmpty else {
                return unsafe nghttp2_submit_response(session, stream.id, fields.baseAddress, fields.count, nil)
            }
            var body = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: H2Callbacks.readBody)
            return unsafe nghttp2_submit_response(session, stream.id, fields.baseAddress, fields.count, &body)
        }
        return result == 0
    }

    private static func statusText(_ status: Int) -> String {
        switch status {
        case 200: "200"
        case 204: "204"
        case 200...599: String(status)
        default: "500"
        }
    }

    // MARK: Client

    /// Submits a request; its outcome is a `response` or `failed` event for the returned stream.
    ///
    /// Throws `goingAway` or `connectionClosed` if the connection takes no more requests, and `invalidRequest` if it
    /// cannot be sent; nothing was sent then.
    package mutating func submit(_ request: H2Request, now: ContinuousClock.Instant) throws(H2Error) -> H2StreamID {
        guard !isBroken else { throw H2Error(.connectionClosed, wasNotProcessed: true) }
        guard canSubmit else { throw H2Error(.goingAway, wasNotProcessed: true) }
        context.now = now
        fieldBytes.removeAll(keepingCapacity: true)
        fieldEnds.removeAll(keepingCapacity: true)
        add(":method", request.method)
        add(":scheme", request.scheme)
        add(":path", request.path)
        if !request.authority.isEmpty { add(":authority", request.authority) }
        for header in request.headers { add(header.name, header.value) }
        // In the table, their values would evict what every request repeats, and each would be compared with all
        // others; their names, once in the table, stay there (RFC 7541 §6.2.3).
        let flag = hasNamedOwnFields ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        for header in request.ownHeaders { add(header.name, header.value, flags: UInt8(flag.rawValue)) }
        let session = unsafe session
        let id = unsafe withFields { fields in
            guard !request.body.isEmpty else {
                return unsafe nghttp2_submit_request(session, nil, fields.baseAddress, fields.count, nil, nil)
            }
            var body = unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: H2Callbacks.readBody)
            return unsafe nghttp2_submit_request(session, nil, fields.baseAddress, fields.count, &body, nil)
        }
        guard id > 0 else { throw H2Error(.invalidRequest, wasNotProcessed: true) }
        if !request.ownHeaders.isEmpty { hasNamedOwnFields = true }
        let stream = H2Stream(id: id, now: now)
        context.setOutbound(request.body, on: stream)
        context.streams[id] = stream
        context.openCount += 1
        context.idleSince = nil
        return H2StreamID(rawValue: id)
    }

    /// Cancels a request: RST_STREAM CANCEL is sent and no event follows.
    package mutating func cancel(_ id: H2StreamID) {
        guard let stream = context.streams[id.rawValue], !stream.isClosed else { return }
        stream.isAbandoned = true
        submitReset(id.rawValue, .cancel)
    }

    /// Whether a new request may be submitted: no GOAWAY from either side, and stream numbers left.
    package var canSubmit: Bool { unsafe !isBroken && nghttp2_session_check_request_allowed(session) != 0 }

    /// The number of open streams, including those that wait in the library.
    package var openStreamCount: Int { context.openCount }

    /// The number of streams that the peer allows at once, up to our own limit.
    package var peerStreamsMax: Int {
        let told = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        // Before SETTINGS, and for a peer without a limit, the library returns 2³²−1.
        return min(Int(told), limits.peerStreamsMax)
    }

    // MARK: Fields

    private mutating func add(_ name: String, _ value: String, flags: UInt8 = 0) {
        fieldBytes.append(contentsOf: name.utf8)
        let nameEnd = fieldBytes.count
        fieldBytes.append(contentsOf: value.utf8)
        fieldEnds.append((nameEnd, fieldBytes.count, flags))
    }

    /// Passes the added fields in the library's format; it copies them during the call.
    private mutating func withFields(_ body: (UnsafeMutableBufferPointer<nghttp2_nv>) -> Int32) -> Int32 {
        let ends = fieldEnds
        return unsafe fieldBytes.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return Int32(NGHTTP2_ERR_INVALID_ARGUMENT.rawValue) }
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: ends.count) { fields in
                var start = 0
                for (index, end) in ends.enumerated() {
                    let name = unsafe base + start
                    let value = unsafe base + end.name
                    let nameCount = end.name - start
                    let valueCount = end.value - end.name
                    start = end.value
                    guard nameCount > 0 else { return Int32(NGHTTP2_ERR_INVALID_ARGUMENT.rawValue) }
                    let isPseudo = unsafe name.pointee == UInt8(ascii: ":")
                    guard
                        unsafe isPseudo || nghttp2_check_header_name(name, nameCount) != 0,
                        unsafe nghttp2_check_header_value(value, valueCount) != 0
                    else { return Int32(NGHTTP2_ERR_INVALID_ARGUMENT.rawValue) }
                    unsafe fields.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: name, value: value, namelen: nameCount, valuelen: valueCount,
                            flags: end.flags))
                }
                return unsafe body(fields)
            }
        }
    }
}
