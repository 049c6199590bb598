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
        let end = OperationEnd()
        let begun = ContinuousClock.now
        async let answer = outcome {
            try await within(begun + .seconds(30), orUntil: end, sweeper, on: LoopExecutors(group)[loop]) {
                try? await Task.sleep(for: .seconds(30))
                return Task.isCancelled
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        end.clientLeft()
        #expect(await answer == nil)
        let late = await outcome {
            try await within(.now + .milliseconds(50), orUntil: OperationEnd(), sweeper, on: LoopExecutors(group)[loop])
            {
                try? await Task.sleep(for: .seconds(30))
                return Task.isCancelled
            }
        }
        #expect(late == nil && begun.duration(to: .now) < .seconds(20))
        let inTime = await outcome {
            try await within(.now + .seconds(30), orUntil: OperationEnd(), sweeper, on: LoopExecutors(group)[loop]) {
                true
            }
        }
        #expect(inTime == true)
    }

    private func outcome(_ work: @Sendable () async throws -> Bool) async -> Bool? { try? await work() }
}
