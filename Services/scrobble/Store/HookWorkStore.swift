import Contracts
import Postgres
import Store

/// The work that deliveries are.
extension HookStore {
    /// Holds hooks whose deliveries are due, at most `count`.
    func claim(_ count: Int, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [HookPlace] {
        try await database.rows(
            HookQueries.claim, [.int(count), .double(HookLimits.lease.inSeconds)], until: deadline)
    }

    /// Lets go of a hook, which nobody takes up again before `wait` is over.
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

    /// What becomes of a delivery that changes nothing.
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

    /// What a delivery says about each of its titles, and that it is done, as one change; nothing where another worker
    /// has done it. Whether there was something to tell other accounts.
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
