internal import HTTP2
import RPC
import Synchronization

/// Combines questions that come at the same moment into one call: the first waits until the turn of its loop is over,
/// and asks all that came meanwhile. Nobody waits longer than that.
///
/// What concerns one of them is left to it: if the combined call fails, possibly because of another question, or has no
/// answer for it, each asks for itself.
final class Gathering<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    /// The result for one question.
    enum Told: Sendable {
        case answer(Answer)
        /// Nothing that applies to the question, which must be asked alone.
        case nothing
        case failure(RPCError)
    }

    private let questionsMax: Int
    /// The group that can still be joined.
    private let open = Mutex<Group?>(nil)

    /// `questionsMax` is how many are asked at once; later ones begin another group.
    init(questionsMax: Int) { self.questionsMax = questionsMax }

    /// Returns what `ask` answers to the question, asked with others. `ask` gets each question once and whether only one
    /// came, and runs in the task of the first. A transient error goes to all, any other to nobody.
    func answer(
        to question: Question, _ ask: ([Question], _ isAlone: Bool) async throws(RPCError) -> [Question: Answer]
    ) async -> Told {
        let (group, seat) = join(question)
        guard seat == 0 else { return await group.answer(at: seat) }
        await turnOfLoop()
        open.withLock { open in
            if open === group { open = nil }
        }
        let questions = group.close()
        let told: [Told]
        do throws(RPCError) {
            let answers = try await ask(Array(Set(questions)), questions.count == 1)
            told = questions.map { answers[$0].map(Told.answer) ?? .nothing }
        } catch {
            told = questions.map { _ in error.isMissing ? .failure(error) : .nothing }
        }
        group.tell(told)
        return told[0]
    }

    private func join(_ question: Question) -> (Group, seat: Int) {
        open.withLock { open in
            if let group = open, let seat = group.join(question, questionsMax) { return (group, seat) }
            let group = Group(question)
            open = group
            return (group, 0)
        }
    }

    /// Questions that are asked together, each with its seat.
    private final class Group: Sendable {
        private enum Phase {
            case open
            case closed
            case told([Told])
        }

        private struct State {
            var phase = Phase.open
            var questions: [Question]
            var waiting: [Int: CheckedContinuation<Told, Never>] = [:]
            /// The seats that were cancelled before they waited.
            var left: Set<Int> = []
        }

        private let state: Mutex<State>

        init(_ question: Question) { state = Mutex(State(questions: [question])) }

        /// Returns the seat; nil if the group is full, or is asking already.
        func join(_ question: Question, _ countMax: Int) -> Int? {
            state.withLock { state in
                guard case .open = state.phase, state.questions.count < countMax else { return nil }
                state.questions.append(question)
                return state.questions.count - 1
            }
        }

        /// Closes the group, so that nobody joins any more, and returns its questions.
        func close() -> [Question] {
            state.withLock { state in
                state.phase = .closed
                return state.questions
            }
        }

        /// Returns the answer for this seat, `nothing` if it is cancelled first.
        func answer(at seat: Int) async -> Told {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let told: Told? = state.withLock { state in
                        if case .told(let told) = state.phase { return told[seat] }
                        if state.left.contains(seat) { return .nothing }
                        state.waiting[seat] = continuation
                        return nil
                    }
                    if let told { continuation.resume(returning: told) }
                }
            } onCancel: {
                let waiting = state.withLock { state in
                    state.left.insert(seat)
                    return state.waiting.removeValue(forKey: seat)
                }
                waiting?.resume(returning: .nothing)
            }
        }

        func tell(_ told: [Told]) {
            let waiting = state.withLock { state in
                state.phase = .told(told)
                defer { state.waiting = [:] }
                return state.waiting
            }
            for (seat, continuation) in waiting { continuation.resume(returning: told[seat]) }
        }
    }
}
