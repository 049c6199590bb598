internal import ServiceLifecycle
internal import Synchronization

/// When a part of a service stops; parts of one phase stop the other way round to their order.
package enum ShutdownPhase: Int, Sendable, Comparable, CaseIterable {
    /// Stops taking new work from queues and gives back what it has not begun.
    case claiming
    /// Stops listening, finishes the calls in flight.
    case serving
    /// Finishes what runs in the background.
    case background
    /// Writes what is collected in memory.
    case flushing
    /// Closes the database and other resources.
    case resources

    package static func < (left: ShutdownPhase, right: ShutdownPhase) -> Bool { left.rawValue < right.rawValue }
}

/// A part of a service with a life: a listener, a loop, a pool.
package struct ServiceComponent: Sendable {
    package let name: String
    package let phase: ShutdownPhase
    /// The longest its stop may take; then the next part stops.
    package let stopLimit: Duration
    let body: (@Sendable () async throws -> Void)?
    let stop: @Sendable () async -> Void
    /// Ends once the part does what it is there for, which the process waits for before it is ready; nil for a part that
    /// need not be waited for.
    var beginning: AsyncStream<Never>?

    /// A part whose `body` runs until it is stopped: first `stop` is called and awaited, then the body is cancelled.
    /// A body that ends before that ends the process.
    package static func running(
        _ name: String, phase: ShutdownPhase, stopLimit: Duration = .seconds(5),
        _ body: @escaping @Sendable () async throws -> Void, stop: @escaping @Sendable () async -> Void = {}
    ) -> ServiceComponent {
        ServiceComponent(name: name, phase: phase, stopLimit: stopLimit, body: body, stop: stop)
    }

    /// A part whose `body` heeds graceful shutdown itself (`ServiceLifecycle`), finishes what it has in hand and returns;
    /// after `stopLimit` it is cancelled. A body that ends before the shutdown ends the process. It calls `begun` once it
    /// does what it is there for: a listener, when its port is bound. Until then the process is not ready.
    package static func draining(
        _ name: String, phase: ShutdownPhase, stopLimit: Duration = .seconds(5),
        _ body: @escaping @Sendable (_ begun: @escaping @Sendable () -> Void) async throws -> Void
    ) -> ServiceComponent {
        let ended = EndedFlag()
        let (beginning, begun) = AsyncStream<Never>.makeStream()
        return ServiceComponent(
            name: name, phase: phase, stopLimit: stopLimit,
            body: {
                let stopping = EndedFlag()
                try await withGracefulShutdownHandler {
                    try await body { begun.finish() }
                } onGracefulShutdown: {
                    stopping.set()
                }
                ended.set()
                // Ended as asked: the end is reported by the stop, which waits for it.
                if stopping.isSet { try await Task.sleep(for: .seconds(3_600)) }
            },
            stop: {
                while !ended.isSet, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
            }, beginning: beginning)
    }

    /// A part that runs by itself since it was built and only has to be stopped.
    package static func stopping(
        _ name: String, phase: ShutdownPhase, stopLimit: Duration = .seconds(5),
        _ stop: @escaping @Sendable () async -> Void
    ) -> ServiceComponent {
        ServiceComponent(name: name, phase: phase, stopLimit: stopLimit, body: nil, stop: stop)
    }
}

/// Set once, read from anywhere.
private final class EndedFlag: Sendable {
    private let value = Atomic(false)

    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
}

/// A part ended or failed while it should have run.
package struct ComponentFailure: Error, Sendable, CustomStringConvertible {
    package let component: String
    package let reason: String

    package var description: String { "\(component): \(reason)" }
}

/// Runs one component within a service group.
struct ComponentService: Service {
    let component: ServiceComponent
    /// Called when the component ended or failed by itself; the group then stops the others.
    let onFailure: @Sendable () -> Void

    private enum Outcome: Sendable {
        case ended
        case stopped
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            if let body = component.body {
                group.addTask {
                    try await body()
                    return .ended
                }
            }
            group.addTask {
                try await gracefulShutdown()
                await firstAnswer(within: component.stopLimit, otherwise: ()) { await component.stop() }
                return .stopped
            }
            do {
                guard try await group.next() == .stopped else {
                    throw ComponentFailure(component: component.name, reason: "ended on its own")
                }
            } catch {
                onFailure()
                if let failure = error as? ComponentFailure { throw failure }
                throw ComponentFailure(component: component.name, reason: String(describing: error))
            }
            // Stopped as asked: however the body ends now is fine.
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }
}
