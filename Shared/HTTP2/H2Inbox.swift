internal import Synchronization

/// The commands of callers on any thread for a client connection, until its loop takes them: many calls, one wake-up.
///
/// Also holds the state of the connection that callers may read. Thread-safe.
final class H2Inbox: Sendable {
    enum Command: Sendable {
        case start(H2PendingCall)
        case cancel(H2Call)
        /// Refuse new calls and close after the last one.
        case drain
        /// Close now.
        case close
    }

    enum Outcome {
        /// Added; the loop must be woken to take it.
        case wake
        /// Added; the loop is already awake.
        case put
        /// Not added: the connection is closed.
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

    /// The number of calls between `enter` and `leave`.
    var callCount: Int { calls.load(ordering: .relaxed) }
    func enter() { calls.add(1, ordering: .relaxed) }
    func leave() { calls.subtract(1, ordering: .relaxed) }

    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// Returns false if it was already set.
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

    /// Takes all commands; the next `put` wakes the loop again.
    func take() -> [Command] {
        state.withLock { state in
            var commands: [Command] = []
            swap(&commands, &state.commands)
            state.isWoken = false
            return commands
        }
    }

    /// Refuses commands from now on and returns those not yet taken.
    func close() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            var commands: [Command] = []
            swap(&commands, &state.commands)
            return commands
        }
    }
}
