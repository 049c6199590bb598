import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Runtime

@Suite struct HealthTests {
    @Test func `a phase only moves forward`() async {
        let readiness = Readiness()
        #expect(await readiness.report().isReady == false)
        readiness.advance(to: .ready)
        #expect(await readiness.report().isReady)
        readiness.advance(to: .draining)
        readiness.advance(to: .ready)
        #expect(readiness.phase == .draining)
        #expect(await readiness.report().isReady == false)
    }

    @Test func `the report says which dependency fails`() async {
        let readiness = Readiness()
        readiness.advance(to: .ready)
        readiness.register("postgres") { "connection refused\n\"x\"" }
        readiness.register("queue") { nil }
        let report = await readiness.report()
        #expect(!report.isReady)
        #expect(
            String(decoding: report.json(service: "ratings", version: "1"), as: UTF8.self)
                == #"{"status":"failing","service":"ratings","version":"1","#
                + #""dependencies":{"postgres":"connection refused\n\"x\"","queue":"ok"}}"# + "\n")
    }

    @Test func `a check that never ends is bounded and not started twice`() async {
        let readiness = Readiness()
        readiness.advance(to: .ready)
        let starts = Mutex(0)
        let (forever, release) = AsyncStream.makeStream(of: Void.self)
        readiness.register("stuck", limit: .milliseconds(10)) {
            starts.withLock { $0 += 1 }
            // Ignores its cancellation, as a call into a library may do.
            await Task.detached { for await _ in forever {} }.value
            return nil
        }
        #expect(await readiness.report().dependencies.first?.problem == "no answer within 0.01 seconds")
        #expect(await readiness.report().dependencies.first?.problem == "the last check has not ended yet")
        #expect(starts.withLock { $0 } == 1)
        release.finish()
    }

    @Test func `a stuck event loop is found out`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        #expect(await EventLoopHealth(group).isTicking())
        let gate = NIOLockGate()
        let blocked = group.next().submit { gate.wait() }
        #expect(await EventLoopHealth(group, limit: .milliseconds(20)).isTicking() == false)
        gate.open()
        try await blocked.get()
        #expect(await EventLoopHealth(group).isTicking())
        try await group.shutdownGracefully()
    }
}

/// Blocks a thread until it is opened.
private final class NIOLockGate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }
    func wait() { while !isOpen.withLock({ $0 }) {} }
}
