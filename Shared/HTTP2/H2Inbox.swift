internal import Synchronization

/// What callers on any thread have asked of a client connection, until its loop takes it: many calls, one wake-up.
///
/// Also holds what callers may read of the connection. May be used from any thread.
final class H2Inbox: Sendable {
    enum Command: Sendable {
        case start(H2PendingCall)
        case cancel(H2Call)
        /// Take no more calls and close after the last.
        case drain
        /// Close now.
        case close
    }

    enum Outcome {
        /// Put in; the loop must be woken to take it.
        case wake
        /// Put in; the loop is already awake.
        case put
        /// Not put in: the connection is closed.
        case closed
    }

    private struct State {
        var commands: [Command] = []
        var isWoken = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let calls = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    /// Calls between `enter` and `leave`.
    var callCount: Int { calls.load(ordering: .relaxed) }
    func enter() { calls.add(1, ordering: .relaxed) }
    func leave() { calls.subtract(1, ordering: .relaxed) }

    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// Returns false when it was set before.
    func setDraining() -> Bool { !draining.exchange(true, ordering: .relaxed) }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func put(_ command: Command) -> Outcome {
        state.withLock { state in
            if state.isClosed { return .closed }
            state.commands.append(command)
            if state.isWoken { return .put }
            state.isWoken = true
            return .wake
        }
    }

    /// Takes all commands; the next `put` wakes again.
    func take() -> [Command] {
        state.withLock { state in
            var commands: [Command] = []
            swap(&commands, &state.commands)
            state.isWoken = false
            return commands
        }
    }

    /// Refuses commands from here on and returns those not taken yet.
    func close() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            var commands: [Command] = []
            swap(&commands, &state.commands)
            return commands
        }
    }
}
