import HTTP2
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// Questions that arrive in the same moment, on one event loop.
@Suite struct GatheringTests {
    private typealias Told = Gathering<Int, String>.Told

    /// Records what was asked, each call's questions sorted.
    private final class Calls: Sendable {
        private let asked = Mutex<(all: [[Int]], alone: [[Int]])>(([], []))
        var all: [[Int]] { asked.withLock { $0.all.sorted { $0.lexicographicallyPrecedes($1) } } }
        /// Those that were said to have come alone.
        var alone: [[Int]] { asked.withLock { $0.alone } }
        func note(_ questions: [Int], _ isAlone: Bool) {
            asked.withLock { asked in
                asked.all.append(questions.sorted())
                if isAlone { asked.alone.append(questions) }
            }
        }
    }

    private static func text(_ told: Told) -> String {
        switch told {
        case .answer(let answer): answer
        case .nothing: "nothing"
        case .failure(let error): "\(error.code)"
        }
    }

    /// Returns what each of `questions` is told by a call that answers with `answers`; all arrive in one turn of a
    /// loop.
    private static func told(
        _ questions: [Int], max: Int = 10, calls: Calls = Calls(),
        _ answers: @escaping @Sendable ([Int]) async throws(RPCError) -> [Int: String]
    ) async -> [String] {
        let gathering = Gathering<Int, String>(questionsMax: max)
        return await atOnce(questions.count) { index in
            text(
                await gathering.answer(to: questions[index]) { (asked, isAlone) async throws(RPCError) in
                    calls.note(asked, isAlone)
                    return try await answers(asked)
                })
        }
    }

    @Test("Questions of one moment are one call, with each question once, and each is told its own answer")
    func together() async {
        let calls = Calls()
        let told = await Self.told([3, 1, 2, 1], calls: calls) { asked in
            Dictionary(uniqueKeysWithValues: asked.map { ($0, "\($0)!") })
        }
        #expect(told == ["3!", "1!", "2!", "1!"])
        #expect(calls.all == [[1, 2, 3]])
        let same = await Self.told([4, 4], calls: calls) { asked in [4: "\(asked.count)"] }
        #expect(same == ["1", "1"])
        #expect(calls.alone.isEmpty, "two who ask the same are two")
    }

    @Test("No more are asked together than may be; the next begins another group")
    func full() async {
        let calls = Calls()
        let told = await Self.told([1, 2, 3, 4, 5], max: 2, calls: calls) { asked in
            Dictionary(uniqueKeysWithValues: asked.map { ($0, "\($0)!") })
        }
        #expect(told == ["1!", "2!", "3!", "4!", "5!"])
        #expect(calls.all == [[1, 2], [3, 4], [5]])
        #expect(calls.alone == [[5]])
    }

    @Test("A question without an answer is told nothing, beside those that have one")
    func missing() async {
        #expect(await Self.told([1, 2]) { _ in [1: "one"] } == ["one", "nothing"])
    }

    @Test(
        "What may pass by itself is told to all, and no other failure to anybody",
        arguments: [
            (RPCError.Code.unavailable, true), (RPCError.Code.deadlineExceeded, true),
            (RPCError.Code.overloaded, true), (RPCError.Code.cancelled, false), (RPCError.Code.methodNotFound, false),
            (RPCError.Code.internal, false),
        ])
    func failures(code: Int, isOfAll: Bool) async {
        let told = await Self.told([1, 2]) { (_) async throws(RPCError) in throw RPCError(code: code, message: "no") }
        #expect(told == Array(repeating: isOfAll ? "\(code)" : "nothing", count: 2))
    }

    @Test("Who gives up while others are answered waits no more", .timeLimit(.minutes(1)))
    func cancelled() async {
        let gathering = Gathering<Int, String>(questionsMax: 10)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let (ended, end) = AsyncStream<Void>.makeStream()
        let tasks = await begunAtOnce(2) { index in
            Self.text(
                await gathering.answer(to: index) { _, _ in
                    begin.finish()
                    for await _ in ended {}
                    return [0: "zero", 1: "one"]
                })
        }
        for await _ in begun {}
        tasks[1].cancel()
        #expect(await tasks[1].value == "nothing")
        end.finish()
        #expect(await tasks[0].value == "zero")
    }
}

/// Runs `body` `count` times on one event loop, started in one turn of it, and returns the results in order.
func atOnce<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async -> Value) async -> [Value] {
    var values: [Value] = []
    for task in await begunAtOnce(count, body) { values.append(await task.value) }
    return values
}

private func begunAtOnce<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) async -> Value
) async -> [Task<Value, Never>] {
    let executor = LoopExecutor(MultiThreadedEventLoopGroup.singleton.next())
    return await Task(executorPreference: executor) {
        (0..<count).map { index in Task(executorPreference: executor) { await body(index) } }
    }.value
}
