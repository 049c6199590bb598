/// COPY FROM STDIN and scripts on a leased connection, one step at a time.
extension PGCore {
    mutating func copy(_ request: PGCopyRequest, on token: PGSlotToken, now: Instant) {
        let slot = token.slot
        bound(request.deadline)
        guard lines[slot].generation == token.generation, lines[slot].isLeased else {
            return outputs.append(.copied(request, .failure(PGError(.connectionLost, "the leased connection is gone"))))
        }
        guard lines[slot].members.isEmpty, lines[slot].copy == nil, let connection = lines[slot].connection else {
            return outputs.append(.copied(request, .failure(PGError(.closed, "the leased connection is busy"))))
        }
        lines[slot].copy = request
        lines[slot].copyOffset = 0
        lines[slot].isCopyEndSent = false
        lines[slot].copyResult = nil
        do {
            switch request.step {
            case .start(let sql), .script(let sql): try connection.startCopy(sql)
            case .data, .end: break
            }
        } catch {
            return lose(slot, error, now: now)
        }
        pumpCopy(slot, isReadable: false, now: now)
    }

    mutating func pumpCopy(_ slot: Int, isReadable: Bool, now: Instant) {
        guard let connection = lines[slot].connection, let request = lines[slot].copy else { return }
        do {
            var waitsForReply = true
            switch request.step {
            case .start, .script: break
            case .data(let bytes): waitsForReply = try !putCopy(bytes, slot, connection)
            case .end(let complaint):
                if !lines[slot].isCopyEndSent { lines[slot].isCopyEndSent = try connection.endCopy(complaint) }
            }
            let wantsWrite = try connection.flush()
            if !waitsForReply, !wantsWrite { return finishCopy(slot, .success(0)) }
            try readCopy(slot, connection, isReadable: isReadable)
            guard lines[slot].copy != nil else { return }
            setInterest(slot, wantsWrite || isUnsent(slot) ? [.read, .write] : .read)
        } catch {
            lose(slot, error, now: now)
        }
    }

    private func isUnsent(_ slot: Int) -> Bool {
        switch lines[slot].copy?.step {
        case .end: !lines[slot].isCopyEndSent
        case .data: true
        case .start, .script, nil: false
        }
    }

    /// Returns true once libpq has taken all bytes.
    private mutating func putCopy(_ bytes: [UInt8], _ slot: Int, _ connection: PGConnection) throws(PGError) -> Bool {
        while lines[slot].copyOffset < bytes.count {
            let end = min(lines[slot].copyOffset + limits.copyChunkBytesMax, bytes.count)
            let isTaken: Bool
            do {
                isTaken = try connection.putCopy(bytes[lines[slot].copyOffset..<end])
            } catch {
                // Postgres may have ended the COPY because of a bad row: its own error follows.
                guard connection.isSound else { throw error }
                return false
            }
            guard isTaken else { return false }
            lines[slot].copyOffset = end
        }
        return true
    }

    private mutating func readCopy(_ slot: Int, _ connection: PGConnection, isReadable: Bool) throws(PGError) {
        var isReadable = isReadable
        while let reply = try connection.copyReply(isReadable: isReadable) {
            isReadable = false
            switch reply {
            case .ready:
                guard case .start = lines[slot].copy?.step else { return }
                return finishCopy(slot, .success(0))
            case .ended(let result):
                // The first error of a script counts; nothing runs after it.
                if lines[slot].copyResult?.isSuccess != false { lines[slot].copyResult = result }
            case .over:
                try connection.leaveCopy()
                guard let result = lines[slot].copyResult else {
                    throw PGError(.connectionLost, "COPY without a result")
                }
                return finishCopy(slot, result.isSuccess ? .success(result.affectedCount) : .failure(result.error()))
            }
        }
    }

    private mutating func finishCopy(_ slot: Int, _ result: Result<Int, PGError>) {
        guard let request = lines[slot].copy else { return }
        lines[slot].copy = nil
        setInterest(slot, .read)
        outputs.append(.copied(request, result))
    }
}
