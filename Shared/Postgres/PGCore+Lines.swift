/// Socket events: connecting, reading, losing connections, and settling statements.
extension PGCore {
    // MARK: Connecting

    mutating func connect(_ slot: Int, now: Instant) {
        lines[slot].generation &+= 1
        lines[slot].connectingSince = now
        guard configuration.namesToResolve.isEmpty else {
            lines[slot].phase = .resolving
            return outputs.append(.resolve(token(of: slot)))
        }
        lines[slot].phase = .connecting
        open(slot, [], now: now)
    }

    mutating func resolved(_ token: PGSlotToken, _ addresses: [PGHostAddress], now: Instant) {
        let slot = token.slot
        guard lines[slot].generation == token.generation, lines[slot].phase == .resolving else { return }
        guard !addresses.isEmpty else {
            return lose(slot, PGError(.connectionLost, "host name has no address"), now: now)
        }
        lines[slot].phase = .connecting
        open(slot, addresses, now: now)
    }

    private mutating func open(_ slot: Int, _ addresses: [PGHostAddress], now: Instant) {
        do throws(PGError) {
            let keywords = configuration.connectionKeywords(addresses: addresses)
            let connection = try PGConnection(keywords, preparedMax: limits.preparedMax)
            lines[slot].connection = connection
            // libpq wants the socket writable before the first poll; a failed start shows up there as an error.
            guard connection.descriptor >= 0 else {
                _ = try connection.connectStep()
                throw PGError(.connectionLost, "no socket")
            }
            setInterest(slot, .write)
        } catch {
            lose(slot, error, now: now)
        }
    }

    /// Watches the connection's current descriptor, which may differ from the previous one.
    mutating func setInterest(_ slot: Int, _ interest: PGPoller.Interest) {
        guard let connection = lines[slot].connection else { return }
        let descriptor = connection.descriptor
        let token = token(of: slot).raw
        if lines[slot].phase == .connecting {
            // While connecting, libpq closes and opens sockets, sometimes with the same number: register each time.
            if lines[slot].descriptor >= 0 { poller.remove(lines[slot].descriptor) }
            if descriptor >= 0 { poller.add(descriptor, token: token, interest) }
        } else if lines[slot].interest != interest {
            poller.change(descriptor, token: token, interest)
        }
        lines[slot].descriptor = descriptor
        lines[slot].interest = interest
    }

    /// Handles the readiness of the descriptor of `token`.
    mutating func ready(_ token: PGSlotToken, isReadable: Bool, now: Instant) {
        let slot = token.slot
        guard slot < lines.count, lines[slot].generation == token.generation else { return }
        switch lines[slot].phase {
        case .vacant, .resolving: return
        case .connecting: stepConnecting(slot, now: now)
        case .ready: pump(slot, isReadable: isReadable, now: now)
        }
        perform(now: now)
    }

    private mutating func stepConnecting(_ slot: Int, now: Instant) {
        guard let connection = lines[slot].connection else { return }
        do {
            switch try connection.connectStep() {
            case .wait(let interest): setInterest(slot, interest)
            case .ready: becomeReady(slot, now: now)
            }
        } catch {
            lose(slot, error, now: now)
        }
    }

    private mutating func becomeReady(_ slot: Int, now: Instant) {
        setInterest(slot, .read)
        lines[slot].phase = .ready
        counters.connectsTotal += 1
        if observes, let since = lines[slot].connectingSince {
            outputs.append(.observed(.connected(after: now - since)))
        }
        if let opener = lines[slot].opener {
            lines[slot].opener = nil
            outputs.append(.granted(opener, .success(token(of: slot))))
        } else if isShutDown {
            retire(slot, now: now)
        } else {
            machine.connected(slot, now: now)
        }
    }

    // MARK: Reading

    mutating func pump(_ slot: Int, isReadable: Bool, now: Instant) {
        guard let connection = lines[slot].connection else { return }
        if lines[slot].copy != nil { return pumpCopy(slot, isReadable: isReadable, now: now) }
        var progress = PGConnection.Progress()
        do {
            let wantsWrite = try connection.flush()
            try connection.receive(isReadable: isReadable, into: &progress)
            setInterest(slot, wantsWrite ? [.read, .write] : lines[slot].isWatched ? [] : .read)
        } catch {
            absorb(progress, on: slot, now: now)
            return lose(slot, error, now: now)
        }
        absorb(progress, on: slot, now: now)
        if progress.isDone { batchDone(slot, now: now) }
    }

    private mutating func absorb(_ progress: PGConnection.Progress, on slot: Int, now: Instant) {
        for settled in progress.settled { settle(settled, on: slot, now: now) }
        if !progress.notifications.isEmpty, let sink = lines[slot].sink {
            outputs.append(.notified(sink, progress.notifications))
        }
        if observes, let notices = lines[slot].connection?.takeNotices() {
            for notice in notices { outputs.append(.observed(.notice(notice))) }
        }
    }

    private mutating func batchDone(_ slot: Int, now: Instant) {
        lines[slot].members.removeAll(keepingCapacity: true)
        lines[slot].parts.removeAll(keepingCapacity: true)
        lines[slot].sentAt = nil
        lines[slot].cancels = PGCancelPlan()
        if lines[slot].isCancelUnderWay { lines[slot].cancels.awaitDelivery(grace: limits.cancelGrace, now: now) }
        settleIdle(slot, now: now)
    }

    /// Continues an idle line with the pending statements of its lease, or returns it to the machine.
    mutating func settleIdle(_ slot: Int, now: Instant) {
        // A cancel request that is still under way would hit the next statement.
        guard !lines[slot].isCancelUnderWay else { return }
        if isShutDown, !lines[slot].isLeased || lines[slot].sink != nil { return retire(slot, now: now) }
        if lines[slot].isLeased { return sendPending(slot, now: now) }
        machine.finished(slot, now: now)
    }

    mutating func cancelSent(_ token: PGSlotToken, now: Instant) {
        let slot = token.slot
        guard lines[slot].generation == token.generation, lines[slot].isCancelUnderWay else { return }
        lines[slot].isCancelUnderWay = false
        guard lines[slot].members.isEmpty else {
            return lines[slot].cancels.delivered(retry: limits.cancelRetry, now: now)
        }
        lines[slot].cancels = PGCancelPlan()
        settleIdle(slot, now: now)
    }

    // MARK: Settling

    /// Settles all the calls that one statement served.
    private mutating func settle(_ settled: PGBatch.Settled, on slot: Int, now: Instant) {
        guard lines[slot].parts.indices.contains(settled.member) else { return }
        let (calls, preparedKey) = lines[slot].parts[settled.member]
        lines[slot].cancels.settled(
            settled.member, delay: limits.cancelDelay, grace: limits.cancelGrace, now: now)
        let isShared = calls.count > 1
        switch settled.outcome {
        case .success(let result) where isShared: share(result, calls, on: slot, now: now)
        case .success(let result): complete(lines[slot].members[calls.lowerBound], .success(PGAnswer(result)), now: now)
        case .failure(let error) where isShared && error.kind == .server:
            // One of the calls is to blame, or all of them; each finds out alone.
            if error.asksForPreparing { lines[slot].connection?.forget(preparedKey) }
            rerun(calls, after: error, on: slot, now: now)
        case .failure(let error):
            // Nothing can be rerun from here inside a transaction; the next run prepares the statement again.
            if error.asksForPreparing { lines[slot].connection?.forget(preparedKey) }
            for call in calls { fail(lines[slot].members[call], error, on: slot, now: now) }
        case .again(let cause): rerun(calls, after: cause, on: slot, now: now)
        case .prepareAgain:
            lines[slot].connection?.forget(preparedKey)
            for call in calls { again(lines[slot].members[call], now: now) }
        }
    }

    private mutating func rerun(_ calls: Range<Int>, after cause: PGError, on slot: Int, now: Instant) {
        let isOurs = isOurCancel(cause, on: slot)
        for call in calls { again(lines[slot].members[call], isOurs: isOurs, now: now) }
    }

    /// Whether a cancel request sent from here, for another statement or for the whole batch, caused the error.
    private func isOurCancel(_ error: PGError, on slot: Int) -> Bool {
        error.isQueryCanceled && lines[slot].wasCancelled && !lines[slot].isLeased
    }

    private mutating func share(_ result: PGResult, _ calls: Range<Int>, on slot: Int, now: Instant) {
        let shares = PGShares(result, callCount: calls.count)
        for (place, call) in calls.enumerated() {
            let outcome: PGRequest.Outcome =
                if let shares {
                    .success(PGAnswer(result, share: place, of: shares))
                } else {
                    .failure(PGError(.decoding, "a row does not start with the number of a call"))
                }
            complete(lines[slot].members[call], outcome, now: now)
        }
    }

    private mutating func fail(_ id: Int, _ error: PGError, on slot: Int, now: Instant) {
        guard let call = tracked[id] else { return }
        if error.isQueryCanceled {
            if let stop = call.course.stop {
                complete(id, .failure(PGError(stop, "stopped", sqlState: error.sqlState)), now: now)
            } else if isOurCancel(error, on: slot) {
                again(id, isOurs: true, now: now)
            } else {
                complete(id, .failure(error), now: now)
            }
        } else if error.isSerializationFailure, !lines[slot].isLeased {
            // Nothing of it was applied: it lost against another, as happens to writes that lock the same rows in
            // different orders.
            again(id, after: error, now: now)
        } else if error.kind == .connectionLost, call.lossIsUnknown {
            complete(id, .failure(PGError(.outcomeUnknown, error.message)), now: now)
        } else {
            complete(id, .failure(error), now: now)
        }
    }

    /// Reruns a call. With `isOurs`, a cancel request sent from here hit it: that does not count, its deadline bounds
    /// it.
    private mutating func again(_ id: Int, after cause: PGError? = nil, isOurs: Bool = false, now: Instant) {
        guard let call = tracked[id] else { return }
        if let stop = call.course.stop {
            return complete(id, .failure(PGError(stop, "stopped before it ran")), now: now)
        }
        if !isOurs { call.course.attemptCount += 1 }
        guard call.course.attemptCount <= limits.rerunsMax else {
            let error = cause ?? PGError(.connectionLost, "gave up after \(limits.rerunsMax) reruns")
            return complete(id, .failure(error), now: now)
        }
        call.course.slot = nil
        counters.rerunsTotal += 1
        if observes { outputs.append(.observed(.rerun(name: call.text.name))) }
        let purpose: PGPoolMachine.Purpose =
            switch call.text.kind {
            case .read: .rereads
            case .write: .rewrites
            case .solo: .solo
            }
        switch machine.submit(id, purpose, now: now) {
        case .accepted: return
        case .closed: complete(id, .failure(PGError(.closed, "the pool is shut down")), now: now)
        case .overloaded, .unavailable:
            complete(id, .failure(PGError(.unavailable, "Postgres cannot be reached")), now: now)
        }
    }

    /// Ends the call; its caller is resumed after the lock is released.
    mutating func complete(_ id: Int, _ outcome: PGRequest.Outcome, now: Instant) {
        guard let request = tracked.removeValue(forKey: id) else { return }
        counters.statementsTotal += 1
        if case .failure(let error) = outcome {
            counters.errorsTotal += 1
            request.settle(.failure(error.named(request.text.name)), at: now)
        } else {
            request.settle(outcome, at: now)
        }
        settled.append(request)
    }

    // MARK: Losing

    /// Handles a batch that did not reach Postgres with its Sync: none of it was applied, unless each statement had its
    /// own.
    mutating func loseUnsent(_ slot: Int, _ error: PGError, rule: PGBatch.Rule, separately: Bool, now: Instant) {
        for member in lines[slot].parts.indices {
            let isSafe = rule == .reads || rule == .writes && !separately
            settle(
                .init(member: member, outcome: isSafe ? .again(after: error) : .failure(error)), on: slot, now: now)
        }
        lose(slot, error, now: now)
    }

    /// Handles the loss of the connection of `slot`, whatever the reason.
    mutating func lose(_ slot: Int, _ error: PGError, now: Instant) {
        let wasConnecting = lines[slot].phase != .ready
        var progress = PGConnection.Progress()
        lines[slot].connection?.abandon(error, into: &progress)
        absorb(progress, on: slot, now: now)
        if observes { outputs.append(.observed(wasConnecting ? .connectFailed(error) : .connectionLost(error))) }
        if !wasConnecting { counters.connectionsLostTotal += 1 }
        retire(slot, error, now: now)
    }

    /// Closes the connection of `slot` and fails everything left on it.
    mutating func retire(_ slot: Int, _ reason: PGError? = nil, now: Instant) {
        let old = lines[slot]
        if old.phase == .vacant { return }
        if old.descriptor >= 0 { poller.remove(old.descriptor) }
        lines[slot] = Line()
        lines[slot].generation = old.generation &+ 1
        let error = reason ?? PGError(.connectionLost, "connection closed")
        for request in old.pending { complete(request.id, .failure(error), now: now) }
        // Calls that the batch machine did not settle because the connection was closed from this side.
        for id in old.members {
            guard let call = tracked[id], call.course.slot == slot else { continue }
            let kind: PGError.Kind = call.lossIsUnknown ? .outcomeUnknown : call.course.stop ?? .connectionLost
            complete(id, .failure(PGError(kind, error.message)), now: now)
        }
        if let copy = old.copy { outputs.append(.copied(copy, .failure(error))) }
        if let sink = old.sink { outputs.append(.silenced(sink, PGSlotToken(slot: slot, generation: old.generation))) }
        if let opener = old.opener { outputs.append(.granted(opener, .failure(error))) }
        guard slot < machine.slots.count else { return }
        if old.phase == .ready { machine.lost(slot, now: now) } else { machine.connectFailed(slot, now: now) }
    }
}
