import NIOCore
import NIOPosix
import RPC
import Testing

@testable import Edge

/// Where the work of a request runs.
@Suite struct WithinTests {
    @Test("What would hold a loop up runs beside it, and whoever asked for it goes on there")
    func besideTheLoop() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        let places = await withTaskExecutorPreference(LoopExecutors(group)[loop]) { () async -> [Bool?] in
            let before = loop.inEventLoop
            let meanwhile = try? await besideLoops { () async throws(RPCError) in loop.inEventLoop }
            return [before, meanwhile, loop.inEventLoop]
        }
        #expect(places == [true, false, true])
    }

    @Test("An operation that its client has left is cancelled, and has no answer")
    func departure() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        let sweeper = DeadlineSweeper(eventLoop: loop)
        let executor = LoopExecutors(group)[loop]
        @Sendable func answer(
            until deadline: ContinuousClock.Instant, _ end: OperationEnd, _ work: @escaping @Sendable () async -> Bool
        ) async -> Bool? {
            await inOwnTask(endedBy: end, on: executor) { try? await within(deadline, orUntil: end, sweeper, work) }
        }
        let end = OperationEnd()
        let begun = ContinuousClock.now
        async let left = answer(until: begun + .seconds(30), end) {
            try? await Task.sleep(for: .seconds(30))
            return Task.isCancelled
        }
        try await Task.sleep(for: .milliseconds(50))
        end.clientLeft()
        #expect(await left == nil)
        let late = await answer(until: .now + .milliseconds(50), OperationEnd()) {
            try? await Task.sleep(for: .seconds(30))
            return Task.isCancelled
        }
        #expect(late == nil && begun.duration(to: .now) < .seconds(20))
        let inTime = await answer(until: .now + .seconds(30), OperationEnd()) { true }
        #expect(inTime == true)
    }

    @Test("Once an operation is over, what comes of its answer is not cancelled")
    func afterwards() async {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        let sweeper = DeadlineSweeper(eventLoop: loop)
        let end = OperationEnd()
        let executor = LoopExecutors(group)[loop]
        let isUntouched = await withTaskExecutorPreference(executor) { () async -> Bool in
            await inOwnTask(endedBy: end, on: executor) { () async -> Bool in
                let answer = try? await within(.now + .seconds(30), orUntil: end, sweeper) { true }
                end.clientLeft()
                await Task.yield()
                return answer == true && !Task.isCancelled
            }
        }
        #expect(isUntouched)
    }
}
