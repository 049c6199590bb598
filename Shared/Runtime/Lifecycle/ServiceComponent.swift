internal import ServiceLifecycle
internal import Synchronization

/// When a part of a service stops; the parts of one phase stop in reverse order.
package enum ShutdownPhase: Int, Sendable, Comparable, CaseIterable {
    /// Stop taking new work from queues and return what has not been started.
    case claiming
    /// Stop listening and finish the calls in flight.
    case serving
    /// Finish background work.
    case background
    /// Write what is buffered in memory.
    case flushing
    /// Close the database and other resources.
    case resources

    package static func < (left: ShutdownPhase, right: ShutdownPhase) -> Bool { left.rawValue < right.rawValue }
}

/// A part of a service with a lifecycle: a listener, a loop, a pool.
package struct ServiceComponent: Sendable {
    package let name: String
    package let phase: ShutdownPhase
    /// How long its stop may take before the next part stops.
    package let stopLimit: Duration
    let body: (@Sendable () async throws -> Void)?
    let stop: @Sendable () async -> Void
    /// Finishes once the part does its job, which the process waits for before it is ready; nil for a part that need
    /// not be waited for.
    var beginning: AsyncStream<Never>?

    /// Creates a part whose `body` runs until it is stopped: `stop` is called and awaited, then the body is cancelled.
    /// A body that ends before that ends the process.
    package static func running(
        _ name: String, phase: ShutdownPhase, stopLimit: Duration = .seconds(5),
        _ body: @escaping @Sendable () async throws -> Void, stop: @escaping @Sendable () async -> Void = {}
    ) -> ServiceComponent {
        ServiceComponent(name: name, phase: phase, stopLimit: stopLimit, body: body, stop: stop)
    }

    /// Creates a part whose `body` handles graceful shutdown itself (`ServiceLifecycle`), finishes its current work and
    /// returns; after `stopLimit` it is cancelled. A body that ends before the shutdown ends the process. It calls
    /// `begun` once it does its job: a listener, when its port is bound. Until then the process is not ready.
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
                // Ended as requested: the end is reported by the stop, which waits for it.
                if stopping.isSet { try await Task.sleep(for: .seconds(3_600)) }
            },
            stop: {
                while !ended.isSet, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
            }, beginning: beginning)
    }

    /// Creates a part that has been running by itself since it was built and only needs to be stopped.
    package static func stopping(
        _ name: String, phase: ShutdownPhase, stopLimit: Duration = .seconds(5),
        _ stop: @escaping @Sendable () async -> Void
    ) -> ServiceComponent {
        ServiceComponent(name: name, phase: phase, stopLimit: stopLimit, body: nil, stop: stop)
    }
}

/// A flag that is set once and can be read from anywhere.
private final class EndedFlag: Sendable {
    private let value = Atomic(false)

    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
}

/// A part ended or failed while it should have been running.
package struct ComponentFailure: Error, Sendable, CustomStringConvertible {
    package let component: String
    package let reason: String

    package var description: String { "\(component): \(reason)" }
}

/// Runs one component in a service group.
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
            // Stopped as requested: it does not matter how the body ends now.
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }
}
