import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Edge

/// Which of a connection's requests proceeds, and which connection of a loop is next.
@Suite struct RequestTurnTests {
    enum Change: Sendable {
        case begin, received, answered, come, rest
    }

    private static func turn(_ changes: [Change]) -> RequestTurn {
        var turn = RequestTurn()
        for change in changes {
            switch change {
            case .begin: turn.begin()
            case .received: turn.received()
            case .answered: turn.answered()
            case .come: turn.come()
            case .rest: turn.rest()
            }
        }
        return turn
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let changes: [Change]
        let withRoom: RequestTurn.Step
        let withoutRoom: RequestTurn.Step
    }

    private static let cases: [Case] = [
        Case(testDescription: "nothing yet", changes: [], withRoom: .goOn, withoutRoom: .hold),
        Case(testDescription: "a request arrives", changes: [.begin], withRoom: .goOn, withoutRoom: .goOn),
        Case(
            testDescription: "one is here and has no answer", changes: [.begin, .received], withRoom: .hold,
            withoutRoom: .hold),
        Case(
            testDescription: "one has its answer before it is here", changes: [.begin, .answered], withRoom: .goOn,
            withoutRoom: .goOn),
        Case(
            testDescription: "one has its answer", changes: [.begin, .received, .answered], withRoom: .awaitTurn,
            withoutRoom: .hold),
        Case(
            testDescription: "one had its answer first", changes: [.begin, .answered, .received],
            withRoom: .awaitTurn, withoutRoom: .hold),
        Case(
            testDescription: "nothing was sent ahead of the answer", changes: [.begin, .received, .answered, .rest],
            withRoom: .goOn, withoutRoom: .hold),
        Case(
            testDescription: "the turn has come", changes: [.begin, .received, .answered, .come], withRoom: .goOn,
            withoutRoom: .hold),
        Case(
            testDescription: "a turn is good for one request",
            changes: [.begin, .received, .answered, .come, .begin, .received, .answered], withRoom: .awaitTurn,
            withoutRoom: .hold),
        Case(
            testDescription: "who has a request in work does not rest",
            changes: [.begin, .received, .rest, .answered], withRoom: .awaitTurn, withoutRoom: .hold),
    ]

    @Test("One request of a connection at a time, and one that was sent ahead in its turn", arguments: cases)
    func steps(one: Case) {
        let turn = Self.turn(one.changes)
        #expect(turn.step(hasRoom: true) == one.withRoom)
        #expect(turn.step(hasRoom: false) == one.withoutRoom)
    }

    /// Records who proceeded, in order.
    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])

        var all: [Int] { numbers.withLock(\.self) }

        func note(_ number: Int) { numbers.withLock { $0.append(number) } }
    }

    @Test("One of a line goes on after each pause; who has gone costs no turn, and who comes again is the last")
    func line() {
        let loop = EmbeddedEventLoop()
        let line = TurnLine(loop, pause: .milliseconds(1))
        let order = Order()
        for number in 0..<6 {
            line.wait {
                guard number.isMultiple(of: 2) else { return false }
                order.note(number)
                if number == 0 {
                    line.wait {
                        order.note(100)
                        return true
                    }
                }
                return true
            }
        }
        loop.run()
        #expect(order.all == [])
        for expected in [[0], [0, 2], [0, 2, 4], [0, 2, 4, 100], [0, 2, 4, 100]] {
            loop.advanceTime(by: .milliseconds(1))
            #expect(order.all == expected)
        }
        // The line has stopped by now, and starts again.
        line.wait {
            order.note(7)
            return true
        }
        loop.advanceTime(by: .milliseconds(1))
        #expect(order.all == [0, 2, 4, 100, 7])
        // A loop must not be left with pending work.
        loop.advanceTime(by: .milliseconds(1))
    }
}
