import Contracts
import Postgres
import Store

/// Processing deliveries.
extension HookStore {
    /// Leases at most `count` hooks with due deliveries.
    func claim(_ count: Int, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [HookPlace] {
        try await database.rows(
            HookQueries.claim, [.int(count), .double(HookLimits.lease.inSeconds)], until: deadline)
    }

    /// Releases a hook, which nobody leases again before `wait` is over.
    func letGo(
        _ place: HookPlace, for wait: Duration = .zero, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            HookQueries.letGo, [.id(place.owner), .id(place.hook), .double(wait.inSeconds)], until: deadline)
    }

    func due(_ place: HookPlace, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [DueDelivery] {
        try await database.rows(
            HookQueries.due,
            [
                .id(place.owner), .id(place.hook), .int(HookLimits.claimMax), .int(HookLimits.passedOverMax),
                .int(HookLimits.passedOverFrom),
            ], until: deadline)
    }

    /// Records the outcome of a delivery that changes nothing.
    func finish(
        _ delivery: HookDeliveryID, of owner: UserID, as state: HookDeliveryState, _ reason: String?,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            HookQueries.finish,
            [
                .id(owner), .id(delivery), .text(state.rawValue), .text(reason), .ids([] as [TitleID]),
                .ids([] as [PlayID]),
            ],
            until: deadline)
    }

    func tryAgain(
        _ delivery: HookDeliveryID, of owner: UserID, after wait: Duration, _ reason: String,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            HookQueries.again, [.id(owner), .id(delivery), .double(wait.inSeconds), .text(reason)], until: deadline)
    }

    /// Applies what a delivery says about each of its titles and marks it as done, in one transaction; does nothing if
    /// another worker has done so. Returns whether there was something to send to other accounts.
    func apply(
        _ delivery: HookDeliveryID, of owner: UserID, _ hearings: [PlaybackStore.Hearing], by playback: PlaybackStore,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard try await transaction.first(HookQueries.take, [.id(owner), .id(delivery)]) != nil else { return }
            var heard: [PlaybackStore.Heard] = []
            for hearing in hearings { heard.append(try await playback.hear(hearing, in: transaction)) }
            if heard.allSatisfy({ if case .advance = $0.move { true } else { false } }) {
                try await transaction.execute(HookQueries.drop, [.id(owner), .id(delivery)])
                return
            }
            let reasons = heard.compactMap { if case .nothing(let reason) = $0.move { reason } else { nil as String? } }
            let isIdle = reasons.count == heard.count
            try await transaction.execute(
                HookQueries.finish,
                [
                    .id(owner), .id(delivery), .text(isIdle ? "ignored" : "done"), .text(isIdle ? reasons.first : nil),
                    .ids(hearings.map(\.title)), .ids(heard.compactMap(\.play)),
                ])
        }
    }
}
