package import NIOCore
import Synchronization

/// Something to notify when a deadline passes; called once, on an event loop, and must not block.
package protocol DeadlineTarget: AnyObject, Sendable {
    func deadlinePassed()
}

/// One timer for all the deadlines of a server or client: a wheel that an event loop turns while anything is armed.
///
/// Arming and disarming take a short lock and no allocation; a timer or a task per call would cost more than the call.
/// Deadlines are accurate to two ticks of 10 ms. Thread-safe.
package final class DeadlineSweeper: Sendable {
    private struct State {
        var wheel = DeadlineWheel<any DeadlineTarget>()
        var isTurning = false
        var idleTicks = 0
    }

    package typealias Key = DeadlineWheel<any DeadlineTarget>.Key

    private static let ticksPerSecond: Int64 = 100
    private static let attosecondsPerTick: Int64 = 10_000_000_000_000_000
    /// Ticks for which the wheel keeps turning when empty, so that sparse calls do not start and stop it each time.
    private static let idleTicksMax = 100

    private let eventLoop: any EventLoop
    private let origin = ContinuousClock.now
    private let state = Mutex(State())

    package init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Arms `target` for `deadline`; it is notified within 20 ms after that unless disarmed before.
    package func arm(_ target: any DeadlineTarget, at deadline: ContinuousClock.Instant) -> Key {
        let tick = Self.tick(of: origin.duration(to: deadline)) + 1
        let (key, mustStart) = state.withLock { state in
            if state.wheel.count == 0, !state.isTurning { _ = state.wheel.advance(to: currentTick) }
            let mustStart = !state.isTurning
            state.isTurning = true
            state.idleTicks = 0
            return (state.wheel.arm(target, at: tick), mustStart)
        }
        if mustStart { scheduleTurn() }
        return key
    }

    /// Disarms a target, which may be receiving its notification at the same time.
    package func disarm(_ key: Key) { state.withLock { _ = $0.wheel.disarm(key) } }

    private var currentTick: UInt64 { Self.tick(of: origin.duration(to: .now)) }

    private static func tick(of duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        // A deadline before the origin or absurdly far away is clamped instead of trapping.
        let ticks = min(max(seconds, 0), 1 << 40) * ticksPerSecond + max(attoseconds, 0) / attosecondsPerTick
        return UInt64(ticks)
    }

    private func scheduleTurn() {
        _ = eventLoop.scheduleTask(in: .milliseconds(10)) { self.turn() }
    }

    private func turn() {
        let tick = currentTick
        let (expired, goesOn) = state.withLock { state in
            let expired = state.wheel.advance(to: tick)
            state.idleTicks = state.wheel.count == 0 ? state.idleTicks + 1 : 0
            state.isTurning = state.idleTicks <= Self.idleTicksMax
            return (expired, state.isTurning)
        }
        // Outside the lock: a cancelled task's handlers may take locks of their own.
        for target in expired { target.deadlinePassed() }
        if goesOn { scheduleTurn() }
    }
}
