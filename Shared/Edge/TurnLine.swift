internal import NIOCore
internal import Synchronization

/// The line in which the connections of a loop wait with requests that were sent ahead, or beside too many others. One at a time
/// goes on, and between two of them the loop looks at its sockets: who sends one request after the other waits for one of these
/// at the most, however many connections are in the line.
///
/// The pause begins when what a turn has set going has run, and is as long as that took: whoever waits in line has half of the
/// loop's time at the most. Without it a loop would never look: it runs tasks for as long as there are any, and each answer
/// would leave the task of the next.
final class TurnLine: Sendable {
    private struct State {
        var waiting: CircularBuffer<@Sendable () -> Bool> = []
        /// Whether a turn is about to be given.
        var isMoving = false
    }

    private let loop: any EventLoop
    private let pauses: ClosedRange<TimeAmount>
    private let state = Mutex(State())

    init(_ loop: any EventLoop, pauses: ClosedRange<Duration>) {
        self.loop = loop
        self.pauses = TimeAmount(pauses.lowerBound)...TimeAmount(pauses.upperBound)
    }

    /// Calls `takeTurn` on the loop when it is its turn; false from it means that nothing comes of it, and the next has it.
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

    /// Of a loop that is none of the group's, one of its own.
    subscript(loop: any EventLoop) -> TurnLine { lines[ObjectIdentifier(loop)] ?? TurnLine(loop, pauses: pauses) }
}
