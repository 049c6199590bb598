internal import HTTP2
import RPC
import Synchronization

/// Asks what comes at the same moment with one call: the first of several waits until the turn of its loop is over, and asks for
/// all that came with it. Nobody waits longer than that turn, and who comes alone asks alone.
///
/// What concerns one of them alone is left to it: where the call for all fails and may do so for the sake of another, or has no
/// answer for it, each asks for itself.
final class Gathering<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    /// What became of one question.
    enum Told: Sendable {
        case answer(Answer)
        /// Nothing that holds for it; it is to be asked alone.
        case nothing
        case failure(RPCError)
    }

    private let questionsMax: Int
    /// Those who may still be joined.
    private let open = Mutex<Group?>(nil)

    /// `questionsMax` is how many are asked at once; whoever comes then begins another group.
    init(questionsMax: Int) { self.questionsMax = questionsMax }

    /// What `ask` says to the question, asked together with others; nothing where nobody came with it. `ask` gets each question
    /// once, and runs in the task of the first; what it throws is told to all where it may pass by itself, and else to nobody.
    func answer(
        to question: Question, _ ask: ([Question]) async throws(RPCError) -> [Question: Answer]
    ) async -> Told {
        let (group, seat) = join(question)
        guard seat == 0 else { return await group.answer(at: seat) }
        await turnOfLoop()
        open.withLock { open in
            if open === group { open = nil }
        }
        let questions = group.close()
        guard questions.count > 1 else { return .nothing }
        let told: [Told]
        do throws(RPCError) {
            let answers = try await ask(Array(Set(questions)))
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

    /// Those who ask together, each on the seat of its question.
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
            /// Who was cancelled before it waited.
            var left: Set<Int> = []
        }

        private let state: Mutex<State>

        init(_ question: Question) { state = Mutex(State(questions: [question])) }

        /// The seat; nil where the group is full, or asks already.
        func join(_ question: Question, _ countMax: Int) -> Int? {
            state.withLock { state in
                guard case .open = state.phase, state.questions.count < countMax else { return nil }
                state.questions.append(question)
                return state.questions.count - 1
            }
        }

        /// Nobody joins from here on.
        func close() -> [Question] {
            state.withLock { state in
                state.phase = .closed
                return state.questions
            }
        }

        /// What was told to this seat, nothing to one that is cancelled before.
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
