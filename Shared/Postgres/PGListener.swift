internal import Synchronization

/// One NOTIFY as received.
package struct PGNotification: Sendable, Hashable {
    package let channel: String
    package let payload: String

    package init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

package enum PGListenEvent: Sendable, Hashable {
    case notification(PGNotification)
    /// Notifications may have been missed: the connection is new, or the reader was too slow. Check the tables.
    case gap
}

/// A bounded buffer of notifications between the loop and their reader; those that do not fit become one gap.
final class PGNotificationSink: Sendable {
    private struct State {
        var events = PGQueue<PGListenEvent>()
        var hasGap = false
        var isFinished = false
        var reader: CheckedContinuation<PGListenEvent?, Never>?
        /// The connection that was lost last.
        var silenced: PGSlotToken?
        var keeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    func receive(_ notifications: [PGNotification]) {
        for notification in notifications { push(.notification(notification)) }
    }

    func push(_ event: PGListenEvent) {
        let reader = state.withLock { state -> CheckedContinuation<PGListenEvent?, Never>? in
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            if event == .gap || state.events.count >= countMax {
                state.hasGap = true
            } else {
                state.events.append(event)
            }
            return nil
        }
        reader?.resume(returning: event)
    }

    /// Returns the next event, or nil once the reader's task is cancelled. One reader at a time.
    func next() async -> PGListenEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: PGListenEvent?? = state.withLock { state in
                    if state.isFinished { return .some(nil) }
                    // A gap comes before all buffered events, and so before those that followed it.
                    if state.hasGap {
                        state.hasGap = false
                        return .some(.gap)
                    }
                    if let event = state.events.popFirst() { return .some(event) }
                    state.reader = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                state.isFinished = true
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }

    // MARK: The connection's life

    /// Records that the connection of `token` is gone.
    func silence(_ token: PGSlotToken) {
        let keeper = state.withLock { state in
            state.silenced = token
            defer { state.keeper = nil }
            return state.keeper
        }
        keeper?.resume()
    }

    /// Returns when the connection of `token` is gone or the task is cancelled; may return early, for an older
    /// connection.
    func untilSilent(_ token: PGSlotToken) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSilent = state.withLock { state in
                    if state.silenced == token || Task.isCancelled { return true }
                    state.keeper = continuation
                    return false
                }
                if isSilent { continuation.resume() }
            }
        } onCancel: {
            let keeper = state.withLock { state in
                defer { state.keeper = nil }
                return state.keeper
            }
            keeper?.resume()
        }
    }
}

/// The notifications of the channels given to `PGPool.listen`; for one reader.
package struct PGNotifications: AsyncSequence, Sendable {
    package struct Iterator: AsyncIteratorProtocol {
        let sink: PGNotificationSink

        package mutating func next() async -> PGListenEvent? { await sink.next() }
        package mutating func next(isolation actor: isolated (any Actor)?) async -> PGListenEvent? { await sink.next() }
    }

    let sink: PGNotificationSink

    package func makeAsyncIterator() -> Iterator { Iterator(sink: sink) }
}

extension PGPool {
    /// Listens on a connection of its own while `body` runs. The connection is probed every `heartbeatInterval` and
    /// replaced when it breaks; the first event, and the first after each replacement, is `.gap`. Throws
    /// `configuration` for a channel that is not a plain name.
    package func listen<Value: Sendable>(
        to channels: [String], _ body: (PGNotifications) async throws(PGError) -> Value
    ) async throws(PGError) -> Value {
        guard !channels.isEmpty, channels.allSatisfy(PGConfiguration.isPlainName) else {
            throw PGError(.configuration, "channel names may contain only a-z, 0-9 and _")
        }
        let sink = PGNotificationSink(countMax: limits.notificationsMax)
        async let _: Void = keepListening(to: channels, sink)
        let outcome: Result<Value, PGError>
        do throws(PGError) {
            outcome = .success(try await body(PGNotifications(sink: sink)))
        } catch {
            outcome = .failure(error)
        }
        // Leaving the scope cancels the keeper and waits for it.
        return try outcome.get()
    }

    private func keepListening(to channels: [String], _ sink: PGNotificationSink) async {
        var failureCount = 0
        while !Task.isCancelled {
            do {
                try await withConnection(deadline: .now + limits.connectTimeout, sink: sink) { lease throws(PGError) in
                    try await self.listen(to: channels, on: lease)
                    failureCount = 0
                    sink.push(.gap)
                    try await self.beat(lease, sink)
                }
            } catch {
                if Task.isCancelled { return }
                observe?(.listenerReconnects(error))
            }
            let pause = min(limits.reconnectMin * (1 << min(failureCount, 20)), limits.reconnectMax)
            failureCount += 1
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
        }
    }

    private func listen(to channels: [String], on lease: PGLease) async throws(PGError) {
        let statements = channels.map { channel in
            PGCommand("listen.open", "LISTEN \(channel)").bound([])
        }
        _ = try await lease.run(statements, isLossUnknown: false, deadline: .now + limits.heartbeatTimeout)
    }

    /// Returns only by throwing: the connection did not respond, or the task was cancelled.
    private func beat(_ lease: PGLease, _ sink: PGNotificationSink) async throws(PGError) {
        let probe = PGCommand("listen.heartbeat", "SELECT 1").bound([])
        let interval = limits.heartbeatInterval
        while true {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await sink.untilSilent(lease.token) }
                group.addTask { try? await Task.sleep(for: interval) }
                await group.next()
                group.cancelAll()
            }
            if Task.isCancelled { throw PGError(.cancelled, "listener stopped") }
            _ = try await lease.run([probe], isLossUnknown: false, deadline: .now + limits.heartbeatTimeout)
        }
    }
}
