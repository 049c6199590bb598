/// Everything that the callbacks of libnghttp2 may access: events, the stream table and the counters.
///
/// It has no pointer to the session, so that code in a callback cannot call the library again. Actions are recorded in
/// `answers`, and `H2Session` performs them once the library has returned. Owned by its `H2Session`, and used on that
/// session's thread only.
final class H2CallbackContext {
    /// Something to submit once the library has returned.
    enum Answer {
        case reset(Int32, H2ErrorCode)
        case status(Int32, Int)
        case consume(Int32, Int)
    }

    let role: H2Session.Role
    let limits: H2Limits
    let remoteAddress: String
    /// The time of the current call, as given by the owner.
    var now: ContinuousClock.Instant
    var events: [H2Event] = []
    var answers: [Answer] = []
    var streams: [Int32: H2Stream] = [:]
    /// The first abuse detected; from then on callbacks ignore everything, and the session sends GOAWAY.
    var abuse: H2Abuse?

    var isPeerReady = false
    var isSettingsAcknowledged = false
    var isGoingAway = false
    /// The stream whose header block is being read, and the time when that began.
    var openHeaders: (id: Int32, since: ContinuousClock.Instant)?
    /// The time since when no stream is open.
    var idleSince: ContinuousClock.Instant?
    /// The number of streams that the library has open, according to its begin and close callbacks.
    var openCount = 0

    private var highestID: Int32 = 0
    /// Streams that this side reset: frames for them may still be in flight, and are no fault of the peer.
    private var ownResetIDs: [Int32] = []
    private var ownResetNext = 0
    /// Streams reset here that are remembered, to recognise late frames for them.
    private static let ownResetIDsMax = 128

    private(set) var requestBytes = 0
    /// The budget that the connections of a server share; nil if there is none.
    private let requestBudget: H2ByteBudget?
    private(set) var responseBytes = 0

    private var ownResets: TokenBucket
    private var pings: TokenBucket
    private var settings: TokenBucket
    private var emptyDataCount = 0
    private var priorityCount = 0
    private var windowUpdateCount = 0
    private var streamCount = 0
    private var dataSentCount = 0

    deinit { requestBudget?.giveBack(requestBytes) }

    init(
        role: H2Session.Role, limits: H2Limits, remoteAddress: String, requestBudget: H2ByteBudget?,
        now: ContinuousClock.Instant
    ) {
        self.requestBudget = requestBudget
        self.role = role
        self.limits = limits
        self.remoteAddress = remoteAddress
        self.now = now
        idleSince = now
        ownResets = TokenBucket(limits.ownResetRate, now: now)
        pings = TokenBucket(limits.pingRate, now: now)
        settings = TokenBucket(limits.settingsRate, now: now)
    }

    func observe(_ observation: H2Observation) { events.append(.observed(observation)) }

    private func fault(_ abuse: H2Abuse) {
        if self.abuse == nil { self.abuse = abuse }
    }

    // MARK: Frames

    /// Called with each frame header before the frame is processed.
    func beginFrame(_ type: UInt8, flags: UInt8, length: Int, id: Int32) {
        guard abuse == nil else { return }
        switch type {
        case FrameType.data:
            // Padding can disguise an empty frame: one of up to 256 bytes may hold nothing else.
            let isEmpty = length == 0 || (flags & FrameFlag.padded != 0 && length <= 256)
            guard isEmpty, flags & FrameFlag.endStream == 0 else { return }
            emptyDataCount += 1
            if emptyDataCount > limits.emptyDataMax { fault(.emptyData) }
        case FrameType.headers where role == .server:
            beginHeadersFrame(id)
        case FrameType.ping:
            if !pings.take(now: now) { fault(.pings) }
        case FrameType.settings:
            if flags & FrameFlag.acknowledgement == 0, !settings.take(now: now) { fault(.settings) }
        case FrameType.priority:
            // RFC 9113 §6.3; the library does not check it, since it was told that priorities are not used.
            if id == 0 { return fault(.misplacedFrame) }
            priorityCount += 1
            if priorityCount > limits.priorityFramesMax + limits.priorityFramesPerStream * streamCount {
                fault(.priorities)
            }
        case FrameType.windowUpdate:
            windowUpdateCount += 1
            let earned = streamCount + dataSentCount
            if windowUpdateCount > limits.windowUpdatesMax + limits.windowUpdatesPerFrame * earned {
                fault(.windowUpdates)
            }
        default:
            break
        }
    }

    /// Checks RFC 9113 §5.1.1: a new stream has a higher number than all before. The library merely ignores such
    /// HEADERS.
    private func beginHeadersFrame(_ id: Int32) {
        if id > highestID {
            highestID = id
        } else if streams[id].map(\.isClosed) ?? true, !ownResetIDs.contains(id) {
            fault(.oldStreamID)
        }
    }

    /// Starts a header block. A new request over a limit gets no record and is refused.
    func beginHeaders(_ id: Int32, isRequest: Bool) {
        guard abuse == nil else { return }
        openHeaders = (id, now)
        guard isRequest, role == .server else { return }
        streamCount += 1
        openCount += 1
        idleSince = nil
        if streams.count >= limits.handlersMax { return refuse(id, .handlers) }
        if responseBytes > limits.responseBytesMax { return refuse(id, .responseBytes) }
        streams[id] = H2Stream(id: id, now: now)
    }

    private func refuse(_ id: Int32, _ refusal: H2Observation.StreamRefusal) {
        rememberOwnReset(id)
        answers.append(.reset(id, .refusedStream))
        observe(.streamRefused(H2StreamID(rawValue: id), refusal))
    }

    private func rememberOwnReset(_ id: Int32) {
        if ownResetIDs.count < Self.ownResetIDsMax {
            ownResetIDs.append(id)
        } else {
            ownResetIDs[ownResetNext] = id
            ownResetNext = (ownResetNext + 1) % Self.ownResetIDsMax
        }
    }

    /// Ends a HEADERS frame with all its CONTINUATION frames.
    func endHeaders(_ id: Int32, endStream: Bool) {
        openHeaders = nil
        guard abuse == nil, let stream = streams[id], !stream.isClosed else { return }
        stream.receivedAt = now
        if endStream { stream.isPeerDone = true }
        guard stream.phase == .headers || stream.phase == .body else { return }
        if stream.headerBytes > limits.headerBytesMax || stream.headerCount > limits.headerCountMax {
            return reject(stream, status: 431, H2Error.Reason.headersTooLarge)
        }
        if role == .client, stream.phase == .headers, stream.status < 200 {
            // An interim response (RFC 9110 §15.2): the final one follows in another block.
            stream.headers = []
            return
        }
        if let length = stream.contentLength, length > limits.bodyBytesMax {
            return reject(stream, status: 413, .bodyTooLarge)
        }
        if stream.phase == .headers {
            stream.phase = .body
            if let length = stream.contentLength, !endStream { stream.body.reserveCapacity(min(length, 65_536)) }
        }
        if endStream { finish(stream) }
    }

    func endStreamData(_ id: Int32) {
        guard abuse == nil, let stream = streams[id], !stream.isClosed else { return }
        stream.isPeerDone = true
        if stream.phase == .body { finish(stream) }
    }

    private func finish(_ stream: H2Stream) {
        stream.phase = .whole
        let id = H2StreamID(rawValue: stream.id)
        release(stream.body.count)
        if role == .server {
            stream.hasHandler = true
            observe(.requestReceived(id))
            events.append(.request(id, stream.takeRequest(remoteAddress: remoteAddress)))
        } else {
            if !stream.isAbandoned { events.append(.response(id, stream.takeResponse())) }
            // The response came before the whole request was sent: the rest of it is useless.
            if stream.outboundRemaining > 0 { answers.append(.reset(stream.id, .noError)) }
        }
    }

    private func reject(_ stream: H2Stream, status: Int, _ reason: H2Error.Reason) {
        let id = H2StreamID(rawValue: stream.id)
        skip(stream)
        if role == .server {
            answers.append(.status(stream.id, status))
            observe(.requestRejected(id, status: status))
        } else {
            answers.append(.reset(stream.id, .cancel))
            if !stream.isAbandoned { events.append(.failed(id, H2Error(reason, streamID: id))) }
        }
    }

    /// Drops what was read of a message and ignores the rest.
    func skip(_ stream: H2Stream) {
        release(stream.body.count)
        stream.dropMessage()
        stream.phase = .skipped
    }

    /// Server: rejects a request that did not arrive in time.
    func rejectSlow(_ stream: H2Stream) { reject(stream, status: 408, .deadlineExceeded) }

    func receiveSettings(isAcknowledgement: Bool) {
        if isAcknowledgement {
            isSettingsAcknowledged = true
        } else if !isPeerReady {
            isPeerReady = true
            events.append(.ready)
        }
    }

    func receiveGoAway(last: Int32, _ code: H2ErrorCode) {
        observe(.goAwayReceived(last: H2StreamID(rawValue: last), code))
        if !isGoingAway { events.append(.goAway) }
        isGoingAway = true
    }

    // MARK: Body

    func receiveData(_ id: Int32, _ bytes: UnsafeRawBufferPointer) {
        guard abuse == nil else { return }
        emptyDataCount = 0
        // Bytes are consumed as they arrive, even if they are dropped: otherwise the window of the connection would
        // leak. Memory is bounded by `bodyBytesMax` per stream, `requestBytesMax` for all, and the server's budget.
        if case .consume(id, let count)? = answers.last {
            answers[answers.count - 1] = .consume(id, count + bytes.count)
        } else {
            answers.append(.consume(id, bytes.count))
        }
        guard let stream = streams[id], stream.phase == .body, !stream.isClosed else { return }
        stream.receivedAt = now
        if stream.body.count + bytes.count > limits.bodyBytesMax {
            return reject(stream, status: 413, .bodyTooLarge)
        }
        if requestBytes + bytes.count > limits.requestBytesMax, role == .server {
            skip(stream)
            return refuse(id, .requestBytes)
        }
        guard requestBudget?.take(bytes.count) != false else {
            skip(stream)
            return refuse(id, .serverRequestBytes)
        }
        requestBytes += bytes.count
        unsafe stream.body.append(contentsOf: bytes)
    }

    private func release(_ bytes: Int) {
        requestBytes -= bytes
        requestBudget?.giveBack(bytes)
    }

    /// Gives the library the next part of a body; returns nil if the stream has none.
    func nextOutbound(_ id: Int32, into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, isLast: Bool)? {
        guard let stream = streams[id], stream.hasOutbound else { return nil }
        let count = min(buffer.count, stream.outboundRemaining)
        unsafe stream.outbound.withUnsafeBytes { body in
            let part = unsafe UnsafeRawBufferPointer(
                rebasing: body[stream.outboundOffset..<stream.outboundOffset + count])
            unsafe buffer.copyMemory(from: part)
        }
        stream.outboundOffset += count
        stream.outboundMoved += count
        responseBytes -= count
        return (count, stream.outboundRemaining == 0)
    }

    func setOutbound(_ body: [UInt8], on stream: H2Stream) {
        stream.outbound = body
        stream.outboundOffset = 0
        stream.hasOutbound = true
        stream.outboundCheckedAt = now
        responseBytes += body.count
    }

    // MARK: Ends

    func closeStream(_ id: Int32, _ code: H2ErrorCode) {
        if openCount > 0 { openCount -= 1 }
        if openCount == 0 { idleSince = now }
        // The end of a malformed message's block is not reported: the library resets the stream and drops the rest.
        if openHeaders?.id == id { openHeaders = nil }
        guard let stream = streams[id] else { return }
        responseBytes -= stream.outboundRemaining
        let isResponseSent = stream.hasOutbound && stream.outboundRemaining == 0
        stream.outbound = []
        stream.outboundOffset = 0
        stream.hasOutbound = false
        stream.isClosed = true
        if stream.phase == .headers || stream.phase == .body {
            skip(stream)
            if role == .client, !stream.isAbandoned {
                let streamID = H2StreamID(rawValue: id)
                let refused = code == .refusedStream
                let reason: H2Error.Reason = refused && isGoingAway ? .goingAway : .reset
                let error = H2Error(reason, code: code, streamID: streamID, wasNotProcessed: refused)
                events.append(.failed(streamID, error))
            }
        }
        if stream.hasHandler {
            if !isResponseSent { events.append(.cancelled(H2StreamID(rawValue: id))) }
        } else {
            streams[id] = nil
        }
    }

    /// Client: handles a request that the library could not send at all, so the peer has not seen it.
    func requestNotSent(_ id: Int32) {
        guard role == .client, let stream = streams.removeValue(forKey: id) else { return }
        responseBytes -= stream.outboundRemaining
        if openCount > 0 { openCount -= 1 }
        guard !stream.isAbandoned else { return }
        let streamID = H2StreamID(rawValue: id)
        events.append(.failed(streamID, H2Error(.goingAway, streamID: streamID, wasNotProcessed: true)))
    }

    func sentFrame(_ type: UInt8, id: Int32, code: H2ErrorCode, last: Int32) {
        switch type {
        case FrameType.headers:
            if streams[id]?.isResetAfterResponse == true { answers.append(.reset(id, .noError)) }
        case FrameType.data:
            dataSentCount += 1
        case FrameType.resetStream:
            rememberOwnReset(id)
            observe(.resetSent(H2StreamID(rawValue: id), code))
            if role == .server, !ownResets.take(now: now) { fault(.ownResets) }
        case FrameType.goAway:
            observe(.goAwaySent(last: H2StreamID(rawValue: last), code))
        default:
            break
        }
    }
}
