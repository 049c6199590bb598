internal import NIOCore
internal import Synchronization

/// The line in which the connections of a loop wait with requests that were sent ahead, or exceed the number in work.
/// One at a time proceeds, and in between the loop polls its sockets: a client that sends one request after the other
/// waits for at most one of these, however many connections are in the line.
///
/// The pause begins when the tasks started by a turn have run, and lasts as long as they took: the line gets at most
/// half of the loop's time. Without the pause a loop would never poll: it runs tasks for as long as there are any, and
/// each answer would enqueue the task of the next.
final class TurnLine: Sendable {
    private struct State {
        var waiting: CircularBuffer<@Sendable () -> Bool> = []
        /// Whether a turn is scheduled or in progress.
        var isMoving = false
    }

    private let loop: any EventLoop
    private let pauses: ClosedRange<TimeAmount>
    private let state = Mutex(State())

    init(_ loop: any EventLoop, pauses: ClosedRange<Duration>) {
        self.loop = loop
        self.pauses = TimeAmount(pauses.lowerBound)...TimeAmount(pauses.upperBound)
    }

    /// Calls `takeTurn` on the loop when its turn has come; if that returns false, the turn passes to the next.
    func wait(_ takeTurn: @escaping @Sendable () -> Bool) {
        let isStanding = state.withLock { state in
            state.waiting.append(takeTurn)
            defer { state.isMoving = true }
            return !state.isMoving
        }
        if isStanding { schedule(after: pauses.lowerBound) }
    }

    private func schedule(after taken: TimeAmount) {
        loop.scheduleTask(in: min(max(taken, pauses.lowerBound), pauses.upperBound)) { self.giveTurn() }
    }

    private func giveTurn() {
        let begun = NIODeadline.now()
        while let takeTurn = next() {
            guard takeTurn() else { continue }
            loop.execute { self.schedule(after: .now() - begun) }
            return
        }
    }

    private func next() -> (@Sendable () -> Bool)? {
        state.withLock { state in
            let next = state.waiting.popFirst()
            state.isMoving = next != nil
            return next
        }
    }
}

/// The line of each loop.
struct TurnLines: Sendable {
    private let lines: [ObjectIdentifier: TurnLine]
    private let pauses: ClosedRange<Duration>

    init(_ group: any EventLoopGroup, pauses: ClosedRange<Duration>) {
        self.pauses = pauses
        lines = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), TurnLine($0, pauses: pauses)) })
    }

    /// Returns a new line for a loop outside the group.
    subscript(loop: any EventLoop) -> TurnLine { lines[ObjectIdentifier(loop)] ?? TurnLine(loop, pauses: pauses) }
}
