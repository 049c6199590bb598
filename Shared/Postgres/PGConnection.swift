internal import CLibpq

/// One `PGconn` with everything that belongs to it. Used only under the core's lock; finished in deinit.
@safe final class PGConnection {
    enum ConnectStep { case wait(PGPoller.Interest), ready }

    /// The outcome of one round of reading.
    struct Progress {
        var settled: [PGBatch.Settled] = []
        var notifications: [PGNotification] = []
        /// The batch, or the COPY step, is complete.
        var isDone = false
    }

    enum CopyReply { case ready, ended(PGResult), over }

    private let pointer: OpaquePointer
    private let notices = PGNoticeSink()
    /// Prepared statements by the hash of their text and types; the value is the name on the server.
    private var prepared: [UInt64: [CChar]] = [:]
    /// Incremented when a prepared statement must be replaced, so that the new one gets a different name.
    private var generation = 0
    private var pendingNames: [(key: UInt64, name: [CChar], member: Int)] = []
    private var batch: PGBatch?
    private let preparedMax: Int

    /// Starts to connect; nothing blocks as long as every host is an address or a socket path.
    init(_ keywords: [(String, String)], preparedMax: Int) throws(PGError) {
        var names = unsafe keywords.map { unsafe UnsafePointer(PGCString.copy($0.0)) as UnsafePointer<CChar>? }
        var values = unsafe keywords.map { unsafe UnsafePointer(PGCString.copy($0.1)) as UnsafePointer<CChar>? }
        defer { unsafe (names + values).forEach { unsafe PGCString.free($0) } }
        unsafe names.append(nil)
        unsafe values.append(nil)
        guard let pointer = unsafe PQconnectStartParams(names, values, 0) else {
            throw PGError(.connectionLost, "out of memory")
        }
        unsafe self.pointer = pointer
        self.preparedMax = preparedMax
        unsafe PQsetNoticeReceiver(pointer, PGNoticeSink.receive, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit { unsafe PQfinish(pointer) }

    /// May change while connecting; −1 before the first attempt and after a failed one.
    var descriptor: Int32 { unsafe PQsocket(pointer) }
    var backendID: Int32 { unsafe PQbackendPID(pointer) }
    var isOutsideTransaction: Bool { unsafe PQtransactionStatus(pointer) == PQTRANS_IDLE }
    var isSound: Bool { unsafe PQstatus(pointer) == CONNECTION_OK }
    func takeNotices() -> [PGNotice] { notices.take() }
    func cancelHandle() -> PGCancelHandle? { unsafe PGCancelHandle(of: pointer) }

    private var lastError: PGError {
        PGError(.connectionLost, unsafe String(cString: PQerrorMessage(pointer)))
    }

    // MARK: Connecting

    /// Advances the connection attempt; first called when the descriptor is writable (libpq manual, `PQconnectPoll`).
    func connectStep() throws(PGError) -> ConnectStep {
        guard unsafe PQstatus(pointer) != CONNECTION_BAD else { throw lastError }
        switch unsafe PQconnectPoll(pointer) {
        case PGRES_POLLING_READING: return .wait(.read)
        case PGRES_POLLING_WRITING: return .wait(.write)
        case PGRES_POLLING_OK:
            guard unsafe PQsetnonblocking(pointer, 1) == 0, unsafe PQenterPipelineMode(pointer) == 1 else {
                throw lastError
            }
            return .ready
        default: throw lastError
        }
    }

    // MARK: Batches

    /// Sends all statements as one batch. If libpq refuses any it throws, and the connection is then unusable.
    func send(_ statements: [PGWireStatement], rule: PGBatch.Rule, separately: Bool) throws(PGError) {
        var batch = PGBatch(rule)
        pendingNames = []
        for (member, statement) in statements.enumerated() {
            try send(statement, member: member, batch: &batch)
            batch.appendRun()
            if separately { try sync(&batch) }
        }
        if !separately { try sync(&batch) }
        self.batch = batch
    }

    private func sync(_ batch: inout PGBatch) throws(PGError) {
        // With libpq 15 this also flushes.
        guard unsafe PQpipelineSync(pointer) == 1 else { throw lastError }
        batch.appendSync()
    }

    private func send(_ statement: PGWireStatement, member: Int, batch: inout PGBatch) throws(PGError) {
        let key = statement.preparedKey
        let parameters = statement.parameters
        var name = prepared[key] ?? pendingNames.first { $0.key == key }?.name
        if name == nil, prepared.count + pendingNames.count < preparedMax {
            let new = Array("s\(String(key, radix: 36))_\(generation)".utf8CString)
            let types = parameters.fields.map(\.typeID)
            guard unsafe PQsendPrepare(pointer, new, statement.sql, Int32(types.count), types) == 1 else {
                throw lastError
            }
            batch.appendPrepare(for: member)
            pendingNames.append((key, new, member))
            name = new
        }
        let isSent = unsafe parameters.withPointers { count, types, values, lengths, formats in
            if let name {
                return unsafe PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1)
            }
            return unsafe PQsendQueryParams(pointer, statement.sql, count, types, values, lengths, formats, 1)
        }
        guard isSent == 1 else { throw lastError }
    }

    /// Forgets a prepared statement, so that its next use prepares it again.
    func forget(_ preparedKey: UInt64) {
        generation += 1
        prepared[preparedKey] = nil
    }

    /// Writes buffered output; returns true if some is left and the descriptor must be watched for writing.
    func flush() throws(PGError) -> Bool {
        let left = unsafe PQflush(pointer)
        guard left >= 0 else { throw lastError }
        return left == 1
    }

    /// Reads what has arrived and advances the batch. With `isReadable` false, looks only at what libpq already holds.
    func receive(isReadable: Bool, into progress: inout Progress) throws(PGError) {
        var isLost = false
        if isReadable { isLost = unsafe PQconsumeInput(pointer) == 0 }
        try followBatch(isLost: isLost, into: &progress)
        while let notify = unsafe PQnotifies(pointer) {
            unsafe progress.notifications.append(
                PGNotification(
                    channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra)))
            unsafe PQfreemem(notify)
        }
        if isLost || !isSound { throw lastError }
    }

    private func followBatch(isLost: Bool, into progress: inout Progress) throws(PGError) {
        guard var batch else {
            // Lets libpq parse unsolicited messages: parameter changes, notices, the server's shutdown.
            _ = unsafe PQisBusy(pointer)
            return
        }
        var emptyCount = 0
        defer { self.batch = batch.isDone ? nil : batch }
        while !batch.isDone, unsafe PQisBusy(pointer) == 0 {
            guard let raw = unsafe PQgetResult(pointer) else {
                // One NULL ends the results of each statement; two in a row mean that libpq expects nothing more.
                emptyCount += 1
                guard emptyCount < 3 else { throw lastError }
                continue
            }
            emptyCount = 0
            let result = unsafe PGResult(owning: raw)
            switch result.status {
            case PGRES_PIPELINE_SYNC: try batch.receive(.synced, into: &progress.settled)
            case PGRES_PIPELINE_ABORTED: try batch.receive(.skipped, into: &progress.settled)
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                try batch.receive(.done(result), into: &progress.settled)
            default:
                let error = result.error()
                guard error.kind == .server else { throw error }
                try batch.receive(.failed(error), into: &progress.settled)
            }
        }
        for member in batch.takePrepared() {
            for pending in pendingNames where pending.member == member { prepared[pending.key] = pending.name }
        }
        progress.isDone = batch.isDone
    }

    /// Decides the outcome of the statements in flight after the connection was lost.
    func abandon(_ loss: PGError, into progress: inout Progress) {
        guard var batch else { return }
        batch.lose(loss, into: &progress.settled)
        self.batch = nil
        progress.isDone = true
    }

    // MARK: COPY

    /// Leaves pipeline mode, in which COPY is not allowed (libpq manual), and sends the statement.
    func startCopy(_ sql: String) throws(PGError) {
        guard unsafe PQexitPipelineMode(pointer) == 1, unsafe PQsendQuery(pointer, sql) == 1 else { throw lastError }
    }

    /// Returns `ready` to take data, `ended` with the statement's result, then `over`; nil while Postgres has not
    /// responded.
    func copyReply(isReadable: Bool) throws(PGError) -> CopyReply? {
        if isReadable, unsafe PQconsumeInput(pointer) == 0 { throw lastError }
        guard unsafe PQisBusy(pointer) == 0 else { return nil }
        guard let raw = unsafe PQgetResult(pointer) else { return .over }
        let result = unsafe PGResult(owning: raw)
        return result.status == PGRES_COPY_IN ? .ready : .ended(result)
    }

    /// Returns false if the buffer is full and the descriptor must become writable first.
    func putCopy(_ bytes: ArraySlice<UInt8>) throws(PGError) -> Bool {
        let status = unsafe bytes.withUnsafeBytes { raw in
            unsafe PQputCopyData(pointer, raw.bindMemory(to: CChar.self).baseAddress, Int32(raw.count))
        }
        guard status >= 0 else { throw lastError }
        return status == 1
    }

    /// Ends the COPY; with a `complaint` Postgres undoes it. Returns false as `putCopy` does.
    func endCopy(_ complaint: String?) throws(PGError) -> Bool {
        let status = unsafe PQputCopyEnd(pointer, complaint)
        guard status >= 0 else { throw lastError }
        return status == 1
    }

    /// Returns to pipeline mode after `copyReply` returned `over`.
    func leaveCopy() throws(PGError) {
        guard unsafe PQenterPipelineMode(pointer) == 1 else { throw lastError }
    }
}

/// C strings that are copied from Swift strings and outlive a call.
enum PGCString {
    static func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
        let source = text.utf8CString
        let target = UnsafeMutablePointer<CChar>.allocate(capacity: source.count)
        for (index, byte) in source.enumerated() { unsafe (target + index).initialize(to: byte) }
        return unsafe target
    }

    static func free(_ text: UnsafePointer<CChar>?) {
        guard let text = unsafe text else { return }
        unsafe UnsafeMutablePointer(mutating: text).deallocate()
    }
}

extension PGParameters {
    /// Calls `body` with the arrays that libpq's send functions take, which are valid only during the call.
    func withPointers(
        _ body: (
            Int32, UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Int32
    ) -> Int32 {
        let count = fields.count
        guard count > 0 else { return body(0, nil, nil, nil, nil) }
        return unsafe bytes.withUnsafeBytes { raw in
            unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
                unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
                    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { types in
                        // A value of length 0 needs a non-null pointer too: a null pointer means NULL.
                        let empty = UnsafeRawPointer(values.baseAddress)
                        for (index, field) in fields.enumerated() {
                            let start = unsafe raw.baseAddress.map { unsafe $0 + field.offset } ?? empty
                            let value = unsafe start?.assumingMemoryBound(to: CChar.self)
                            unsafe values[index] = unsafe field.length < 0 ? nil : value
                            unsafe numbers[index] = Int32(truncatingIfNeeded: max(0, field.length))
                            unsafe numbers[count + index] = field.isBinary ? 1 : 0
                            unsafe types[index] = field.typeID
                        }
                        let lengths = numbers.baseAddress
                        let formats = unsafe lengths.map { unsafe $0 + count }
                        return unsafe body(Int32(count), types.baseAddress, values.baseAddress, lengths, formats)
                    }
                }
            }
        }
    }
}
