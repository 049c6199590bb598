extension H2Session {
    /// Checks every timeout and acts on it: 408 for slow requests, RST_STREAM for responses that are not read, GOAWAY
    /// for the rest. The owner calls it every `H2Limits.sweepInterval`, then acts on the events and pulls.
    package mutating func expire(now: ContinuousClock.Instant) -> [H2Event] {
        context.now = now
        if let abuse = lateAbuse(now) {
            context.observe(.abuse(abuse))
            fail(H2Error(.protocolViolation, code: abuse.code))
            return takeEvents()
        }
        if context.role == .server {
            if let idle = context.idleSince, now - idle > limits.idleTimeout {
                // No stream is open, so the last GOAWAY can be sent at once, and the session is done when it is pulled.
                fail(H2Error(.goingAway, code: .noError))
                return takeEvents()
            }
            for stream in context.streams.values where !stream.isClosed { expire(stream, now) }
            settle()
        }
        return takeEvents()
    }

    private func lateAbuse(_ now: ContinuousClock.Instant) -> H2Abuse? {
        if !context.isPeerReady, now - startedAt > limits.prefaceTimeout { return .prefaceTimeout }
        if !context.isSettingsAcknowledged, now - startedAt > limits.settingsAckTimeout { return .settingsTimeout }
        if let since = context.openHeaders?.since, now - since > limits.headersTimeout { return .headersTimeout }
        return nil
    }

    private func expire(_ stream: H2Stream, _ now: ContinuousClock.Instant) {
        switch stream.phase {
        case .headers:
            break
        case .body:
            if now - stream.receivedAt > limits.bodyIdleTimeout || now - stream.startedAt > limits.requestTimeout {
                context.rejectSlow(stream)
            }
        case .whole, .skipped:
            let remaining = stream.outboundRemaining
            guard remaining > 0, now - stream.outboundCheckedAt > limits.writeProgressTimeout else { return }
            if stream.outboundMoved < limits.writeProgressBytesMin {
                context.answers.append(.reset(stream.id, .cancel))
            }
            stream.outboundMoved = 0
            stream.outboundCheckedAt = now
        }
    }
}
