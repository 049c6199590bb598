import Contracts
import Logging
import RPC
import Store
import Synchronization

/// Processes what media servers have sent. Any number of copies may run, on any machine; a hook's deliveries stay in
/// order.
package final class HookWorker: Sendable {
    private let store: HookStore
    private let playback: PlaybackStore
    private let titles: HookTitleDesk
    private let queue: QueueWorker
    private let clock: any WallClock
    private let logger: Logger
    private let bell = QueueBell()
    /// The number of hooks being processed here.
    private let working = Atomic(0)

    init(
        store: HookStore, playback: PlaybackStore, metadata: MetadataClient, queue: QueueWorker, clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.playback = playback
        titles = HookTitleDesk(metadata: metadata)
        self.queue = queue
        self.clock = clock
        self.logger = logger
    }

    /// Signals that there is work.
    func announce() { bell.ring() }

    /// Works until the task is cancelled. Hooks in progress then stay held for `HookLimits.lease`, after which another
    /// copy takes them.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let room = HookLimits.workedMax - working.load(ordering: .relaxed)
                let places = room > 0 ? await claim(room) : []
                for place in places {
                    working.add(1, ordering: .relaxed)
                    group.addTask {
                        await self.work(place)
                        self.working.subtract(1, ordering: .relaxed)
                        // There is room again, and perhaps more of the same hook.
                        self.bell.ring()
                    }
                }
                if places.isEmpty { await bell.wait(atMost: HookLimits.poll * Double.random(in: 0.75...1.25)) }
            }
        }
    }

    private func claim(_ count: Int) async -> [HookPlace] {
        do {
            return try await store.claim(count, until: .now + .seconds(5))
        } catch {
            logger.warning("failed to look for hook deliveries", metadata: ["cause": "\(error)"])
            try? await Task.sleep(for: HookLimits.poll)
            return []
        }
    }

    func work(_ place: HookPlace) async {
        do throws(StoreError) {
            try await store.letGo(place, for: try await workThrough(place), until: .now + .seconds(5))
        } catch {
            // The next turn begins when the hook is free again; what was done is recorded.
            logger.warning("failed to process a hook's deliveries", metadata: ["cause": "\(error)"])
        }
    }

    /// Processes a hook's deliveries in order; returns how long the rest must wait for one of them.
    private func workThrough(_ place: HookPlace) async throws(StoreError) -> Duration {
        let end = ContinuousClock.now + HookLimits.lease - HookLimits.resolveTimeout * 2
        var passedOver: [DueDelivery] = []
        var hasTakenNext = false
        for delivery in try await store.due(place, until: .now + .seconds(5)) {
            let isPassedOver = delivery.tries >= HookLimits.passedOverFrom
            // Retrying passed-over deliveries in vain may use up this turn, but must not prevent the next delivery's.
            if ContinuousClock.now >= end, hasTakenNext || isPassedOver { continue }
            hasTakenNext = hasTakenNext || !isPassedOver
            switch try await look(at: delivery, place) {
            case .settled: continue
            case .waits(let wait):
                // A stop must not come before its play.
                guard isPassedOver else { return wait }
                passedOver.append(delivery)
            case .ready(let work):
                // What could not be looked up a moment ago may be available now.
                for earlier in passedOver where ContinuousClock.now < end {
                    if case .ready(let work) = try await look(at: earlier, place) { try await work() }
                }
                passedOver = []
                try await work()
            }
        }
        return .zero
    }

    /// The result of looking at a delivery.
    private enum Look {
        case ready(() async throws(StoreError) -> Void)
        case settled
        /// Its titles cannot be looked up now.
        case waits(Duration)
    }

    private func look(at delivery: DueDelivery, _ place: HookPlace) async throws(StoreError) -> Look {
        func finish(_ state: HookDeliveryState, _ reason: String) async throws(StoreError) -> Look {
            try await store.finish(delivery.id, of: place.owner, as: state, reason, until: .now + .seconds(10))
            return .settled
        }
        guard let reading = HookReading(Array(delivery.payload.utf8)) else {
            return try await finish(.failed, "can no longer be read")
        }
        guard case .event(let event) = reading.content else {
            guard case .ignored(let reason) = reading.content else { return .settled }
            return try await finish(.ignored, reason)
        }
        if delivery.isIgnored { return try await finish(.ignored, "this account is ignored") }
        guard let person = delivery.person else {
            return try await finish(.quarantined, "the account is not assigned to anybody yet")
        }
        switch await titles.titles(of: event.item) {
        case .found(let titles):
            return .ready { () throws(StoreError) in
                try await self.apply(event, reading, titles, delivery, place, to: person)
            }
        case .nothing(let reason): return try await finish(.unmatched, reason)
        case .later(let reason):
            let isOld = delivery.receivedAt.duration(to: clock.now) > HookLimits.retryFor
            if isOld, delivery.tries >= HookLimits.triesMax { return try await finish(.failed, reason) }
            let wait = min(HookLimits.retryMin * (1 << min(delivery.tries, 20)), HookLimits.retryMax)
            try await store.tryAgain(delivery.id, of: place.owner, after: wait, reason, until: .now + .seconds(10))
            return .waits(wait)
        }
    }

    private func apply(
        _ event: MediaEvent, _ reading: HookReading, _ titles: [Title], _ delivery: DueDelivery, _ place: HookPlace,
        to person: UserID
    ) async throws(StoreError) {
        let now = clock.now
        let player = event.player.isEmpty ? nil : "\(reading.sender.rawValue) \(event.player)"
        let hearings = titles.compactMap { title -> PlaybackStore.Hearing? in
            guard let kind = PlayableKind(title.kind) else { return nil }
            let runtime = title.runtimeMinutes.map { Duration.seconds(Int($0) * 60) }
            return PlaybackStore.Hearing(
                user: person, title: title.id, kind: kind,
                word: PlayerWord(event, receivedAt: delivery.receivedAt, heardAt: now, runtime: runtime),
                runtimeMinutes: title.runtimeMinutes.map { Int($0) }, timeZone: delivery.timeZone ?? "UTC",
                player: player, companions: titles.map(\.id),
                source: PlaySource(name: reading.sender.rawValue, key: "\(delivery.id) \(title.id)"),
                removesPlays: delivery.removesPlays)
        }
        do throws(StoreError) {
            try await store.apply(delivery.id, of: place.owner, hearings, by: playback, until: .now + .seconds(20))
            queue.announce()
        } catch .conflict {
            try await store.finish(
                delivery.id, of: place.owner, as: .failed, "the person was deleted", until: .now + .seconds(10))
        } catch .fault(let cause), .invalidValue(let cause) {
            // Retrying would fail every time and block everything behind it.
            logger.error("a delivery cannot be processed", metadata: ["cause": "\(cause)"])
            try await store.finish(
                delivery.id, of: place.owner, as: .failed, "it cannot be processed", until: .now + .seconds(10))
        }
    }
}
