/// Deadlines, cancellation and the splitting of slow batches.
extension PGCore {
    mutating func bound(_ deadline: Instant) {
        deadlineBound = min(deadlineBound ?? deadline, deadline)
    }

    /// Stops a call: one that waits ends at once, as does a read in flight; a write waits for its true outcome.
    mutating func stop(_ id: Int, _ reason: PGError.Kind, now: Instant) {
        if let request = leaseRequests[id] {
            guard machine.withdraw(id) else { return }
            leaseRequests[id] = nil
            return outputs.append(.granted(request, .failure(PGError(reason, "while waiting for a connection"))))
        }
        guard let call = tracked[id] else { return stopLine(of: id, reason, now: now) }
        guard call.course.stop == nil else { return }
        guard let slot = call.course.slot else {
            if !machine.withdraw(id) {
                for slot in lines.indices { lines[slot].pending.removeAll { $0.id == id } }
            }
            return complete(id, .failure(PGError(reason, "while waiting for a connection")), now: now)
        }
        let place = lines[slot].members.firstIndex(of: id)
        if let place, let part = lines[slot].parts.firstIndex(where: { $0.calls.contains(place) }) {
            let delay = reason == .cancelled ? limits.cancelDelay : .zero
            lines[slot].cancels.stop(part, delay: delay, grace: limits.cancelGrace, now: now)
        }
        if call.lossIsUnknown || lines[slot].isLeased {
            call.course.stop = reason
        } else {
            // complete() takes it out of the table; the batch still counts it by its place.
            complete(id, .failure(PGError(reason, "stopped while running")), now: now)
        }
    }

    /// LISTEN connections being opened and COPY steps are known only to their line.
    private mutating func stopLine(of id: Int, _ reason: PGError.Kind, now: Instant) {
        let slot = lines.firstIndex { $0.opener?.id == id || $0.copy?.id == id }
        if let slot { retire(slot, PGError(reason, "stopped"), now: now) }
    }

    /// Does everything that is due by now.
    mutating func due(now: Instant) {
        for slot in lines.indices where lines[slot].phase != .vacant { lineDue(slot, now: now) }
        if let bound = deadlineBound, bound <= now { sweepDeadlines(now: now) }
        machine.tick(now: now)
        perform(now: now)
    }

    private mutating func lineDue(_ slot: Int, now: Instant) {
        let line = lines[slot]
        if line.phase == .resolving || line.phase == .connecting {
            if let since = line.connectingSince, since + limits.connectTimeout <= now {
                lose(slot, PGError(.connectionLost, "connect timed out"), now: now)
            }
            return
        }
        switch line.cancels.takeOverdue(now: now) {
        case .nothing: break
        case .connection:
            return lose(slot, PGError(.connectionLost, "no answer after a cancel request"), now: now)
        case .parts(let parts): giveUp(parts, on: line, now: now)
        }
        if let splitsAt = splitTime(of: line), splitsAt <= now {
            splitAllowedAt = now + limits.batchSplitInterval
            line.cancels.split(now: now)
        }
        if line.cancels.takeCancel(now: now) { sendCancel(slot) }
    }

    /// Ends the calls of stopped writes that are still queued behind others; once those writes run they are cancelled.
    private mutating func giveUp(_ parts: [Int], on line: Line, now: Instant) {
        let error = PGError(.outcomeUnknown, "stopped behind statements that are still running")
        for part in parts where line.parts.indices.contains(part) {
            for place in line.parts[part].calls where tracked[line.members[place]]?.course.stop != nil {
                complete(line.members[place], .failure(error), now: now)
            }
        }
    }

    /// When a batch of several statements is cancelled for being slow, so that they can run one by one.
    private func splitTime(of line: Line) -> Instant? {
        guard line.members.count > 1, !line.isLeased, !line.wasCancelled, line.cancels.cancelAt == nil else {
            return nil
        }
        guard line.purpose == .read || line.purpose == .write, let sentAt = line.sentAt else { return nil }
        return max(sentAt + limits.batchSplit, splitAllowedAt ?? sentAt)
    }

    private mutating func sendCancel(_ slot: Int) {
        guard !lines[slot].isCancelUnderWay, let handle = lines[slot].connection?.cancelHandle() else { return }
        lines[slot].isCancelUnderWay = true
        lines[slot].wasCancelled = true
        counters.cancelsTotal += 1
        outputs.append(.sendCancel(token(of: slot), handle))
        if observes { outputs.append(.observed(.cancelSent)) }
    }

    private mutating func sweepDeadlines(now: Instant) {
        deadlineBound = nil
        var passed: [Int] = []
        for (id, call) in tracked {
            if call.deadline <= now {
                if call.course.stop == nil { passed.append(id) }
            } else {
                bound(call.deadline)
            }
        }
        for (id, request) in leaseRequests {
            if request.deadline <= now { passed.append(id) } else { bound(request.deadline) }
        }
        for line in lines {
            for (id, deadline) in [
                line.opener.map { ($0.id, $0.deadline) }, line.copy.map { ($0.id, $0.deadline) },
            ].compactMap(\.self) {
                if deadline <= now { passed.append(id) } else { bound(deadline) }
            }
        }
        for id in passed { stop(id, .deadlineExceeded, now: now) }
    }

    /// The latest time at which `due` must be called again; nil if nothing is planned.
    func nextWake(after now: Instant) -> Instant? {
        var earliest = machine.nextTick(after: now)
        func consider(_ moment: Instant?) {
            guard let moment else { return }
            earliest = min(earliest ?? moment, moment)
        }
        consider(deadlineBound)
        for line in lines where line.phase != .vacant {
            consider(line.cancels.wakesAt)
            consider(splitTime(of: line))
            if line.phase != .ready { consider(line.connectingSince.map { $0 + limits.connectTimeout }) }
        }
        return earliest
    }
}
