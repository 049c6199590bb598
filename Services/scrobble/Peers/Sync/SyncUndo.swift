import Contracts
import Store

/// Undoes what a sync has told another side, and keeps both sides as they are from then on.
struct SyncUndo: Sendable {
    private let store: SyncStore
    private let clock: any WallClock
    private let ids: any IDSource

    init(store: SyncStore, clock: any WallClock, ids: any IDSource) {
        self.store = store
        self.clock = clock
        self.ids = ids
    }

    /// The result of an undo, so far or expected.
    struct Count: Sendable {
        var restored = 0
        var waiting = 0
        var kept: [(change: SyncChange, reason: KeptReason)] = []
    }

    /// The connection of a run; nil if the batch was no sync.
    func lane(of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> LaneKey?
    {
        try await store.provider(of: batch, user, until: deadline).map { LaneKey(user: user, provider: $0) }
    }

    /// Whether no run planned before the undo began is still being applied; from then on none is planned.
    func mayBegin(_ lane: LaneKey, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await store.isQuiet(lane, until: deadline)
    }

    /// What an undo would result in; changes nothing.
    func preview(of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> Count
    {
        guard let lane = try await self.lane(of: batch, user, until: deadline) else { return Count() }
        let shape = RemoteShape.of(lane.provider)
        try await store.settleQueued(of: user, until: deadline)
        var count = Count()
        var place = -1
        while true {
            let told = try await store.told(by: batch, user, after: place, until: deadline)
            guard let last = told.last else { return count }
            for item in told {
                switch RemoteUndo.verdict(on: item, at: shape) {
                case .restore: count.restored += 1
                case .nothing: break
                case .keepEdit: count.kept.append((item.change, .edited))
                case .inseparable: count.kept.append((item.change, .inseparable))
                }
            }
            place = last.change.position
        }
    }

    /// Continues an undo; returns true once nothing of it is in flight. May be interrupted and repeated.
    func finish(_ batch: BatchID, _ lane: LaneKey, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> Bool
    {
        // What has not left yet does not have to come back.
        try await store.takeBack(batch, lane, until: deadline)
        try await store.settleQueued(of: lane.user, until: deadline)
        try await store.setApart(batch, lane, at: clock.now, until: deadline)
        var place = -1
        while true {
            let told = try await store.told(by: batch, lane.user, after: place, until: deadline)
            guard let last = told.last else { break }
            let steps = told.compactMap { item -> UndoStep? in
                switch RemoteUndo.verdict(on: item, at: RemoteShape.of(lane.provider)) {
                case .restore(let change):
                    UndoStep(
                        gone: item.change.position,
                        inverse: UndoStep.Inverse(
                            change: change, job: change.job(on: lane, batch: batch, id: ids.next()),
                            base: RemoteUndo.base(of: change, theirs: item.theirs)))
                case .nothing: UndoStep(gone: item.change.position, inverse: nil)
                case .keepEdit, .inseparable: nil
                }
            }
            try await store.undo(steps, of: batch, lane, at: clock.now, until: deadline)
            place = last.change.position
        }
        return try await count(of: batch, lane.user, until: deadline).waiting == 0
    }

    func count(of batch: BatchID, _ user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError)
        -> Count
    {
        guard let lane = try await self.lane(of: batch, user, until: deadline) else { return Count() }
        let shape = RemoteShape.of(lane.provider)
        try await store.settleQueued(of: user, until: deadline)
        let (restored, waiting) = try await store.undone(by: batch, user, until: deadline)
        let kept = try await store.told(by: batch, user, after: -1, until: deadline).map { told in
            let isInseparable = RemoteUndo.verdict(on: told, at: shape) == .inseparable
            return (change: told.change, reason: isInseparable ? KeptReason.inseparable : .edited)
        }
        return Count(restored: restored, waiting: waiting, kept: kept)
    }
}

extension SyncChange {
    /// The job that tells the other side.
    func job(on lane: LaneKey, batch: BatchID, id: UUIDBits) -> NewJob {
        let action: JobAction
        switch (facet, becomes != nil) {
        case (.history, true): action = .addPlay
        case (.history, false): action = .removePlay
        case (.watchlist, true): action = .addToWatchlist
        case (.watchlist, false): action = .removeFromWatchlist
        case (.collection, true): action = .addToCollection
        case (.collection, false): action = .removeFromCollection
        case (_, true): action = .rate
        case (_, false): action = .unrate
        }
        let precision: PlayPrecision? = facet == .history ? (at == nil ? .unknown : .minute) : nil
        // A play keeps the name under which its live job is queued, so that it is never queued twice.
        let name = play.map { "\(action == .addPlay ? "play" : "remove") \($0)" }
        return NewJob(
            id: id, lane: lane, urgency: .bulk, kind: kind, title: title, action: action,
            payload: JobPayload(
                watchedAt: facet == .history ? at : nil, precision: precision,
                rating: facet == .ratings ? becomes.flatMap { Int(stored: $0) } : nil,
                // Nobody knows the day of a rating that is restored there.
                ratedAt: facet == .ratings && becomes != nil && !isUndo ? at : nil, theirs: theirs,
                collectedAt: facet == .collection ? at : nil, media: facet == .collection ? becomes : nil,
                status: facet == .watchlist ? becomes.flatMap { ListedValue(stored: $0) }?.status : nil),
            fingerprint: name ?? "\(facet.rawValue) \(title)", batch: batch.uuid)
    }
}
