import Dispatch
import Testing

@testable import Cryptography

@Suite struct WorkerThreadsTests {
    /// Lets the test decide when work begins and ends.
    private final class Gate: Sendable {
        private let started = DispatchSemaphore(value: 0)
        private let ends = DispatchSemaphore(value: 0)

        func pass() {
            started.signal()
            ends.wait()
        }

        func waitForStart() async {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    self.started.wait()
                    continuation.resume()
                }
            }
        }

        func open(_ count: Int = 1) { for _ in 0..<count { ends.signal() } }
    }

    /// Yields until the queue has this length.
    private func reach(_ count: Int, _ workers: WorkerThreads) async {
        while workers.waitingCount != count { await Task.yield() }
    }

    @Test func `work beyond the queue is refused at once`() async throws {
        let workers = WorkerThreads(limits: WorkerThreadsLimits(runningMax: 2, waitingMax: 3))
        let gate = Gate()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<2 {
                group.addTask {
                    try await workers.run {
                        gate.pass(); return index
                    }
                }
                await gate.waitForStart()
            }
            for index in 2..<5 {
                group.addTask {
                    try await workers.run {
                        gate.pass(); return index
                    }
                }
                await reach(index - 1, workers)
            }
            await #expect(throws: WorkerThreadsError.busy) { try await workers.run { 99 } }
            gate.open(5)
            var done: [Int] = []
            for try await index in group { done.append(index) }
            #expect(done.sorted() == [0, 1, 2, 3, 4])
        }
        #expect(try await workers.run { 7 } == 7)
    }

    @Test func `a cancelled waiter leaves the queue and its work never runs`() async throws {
        let workers = WorkerThreads(limits: WorkerThreadsLimits(runningMax: 1, waitingMax: 3))
        let gate = Gate()
        let running = Task {
            try await workers.run {
                gate.pass(); return 1
            }
        }
        await gate.waitForStart()
        let waiting = Task { try await workers.run { Issue.record("cancelled work ran") } }
        await reach(1, workers)
        waiting.cancel()
        await #expect(throws: WorkerThreadsError.cancelled) { try await waiting.value }
        #expect(workers.waitingCount == 0)
        gate.open()
        #expect(try await running.value == 1)
    }

    @Test func `a task that is cancelled already does not wait`() async throws {
        let workers = WorkerThreads(limits: WorkerThreadsLimits(runningMax: 1, waitingMax: 3))
        let outcome = await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await Result { () async throws(WorkerThreadsError) in try await workers.run { 1 } }
        }.value
        #expect(outcome == .failure(.cancelled))
    }

    @Test func `many pieces of work all end`() async throws {
        let workers = WorkerThreads(limits: WorkerThreadsLimits(runningMax: 2, waitingMax: 1000))
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 1...500 { group.addTask { try await workers.run { index } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 125_250)
    }
}

extension Result {
    fileprivate init(_ body: () async throws(Failure) -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
