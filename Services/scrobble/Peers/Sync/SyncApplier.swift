import Contracts
import Store

/// Does what a run has planned: ours in chunks, each done again without harm; theirs through the queue. Whoever takes up a
/// run after a crash goes on with what is still planned.
package struct SyncApplier: Sendable {
    let store: SyncStore
    let ledger: LedgerStore
    let batches: BatchStore
    let neighbours: any SyncNeighbours
    let clock: any WallClock
    let ids: any IDSource
    /// Where a test lets it die.
    let observe: @Sendable (SyncPoint) -> Void

    private static let timeout = Duration.seconds(30)

    /// False where the run is somebody else's by now.
    package func apply(_ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        var isOpen = false
        while true {
            let chunk = try await planned(run, .ours, store.limits.oursMax)
            if !isOpen, !chunk.isEmpty {
                // What is changed here is a batch of the run's own, so that it can be taken back as a whole.
                try await asking { () throws(StoreError) in
                    try await batches.open(
                        run.id, of: run.user, source: run.provider.rawValue, label: nil, as: .applying, at: clock.now,
                        until: .now + Self.timeout)
                }
                isOpen = true
            }
            guard let facet = chunk.first?.facet else { break }
            let part = chunk.filter { $0.facet == facet }
            let isOurs = facet == .history ? try await plays(part, run) : try await ratings(part, run)
            observe(.appliedOurs)
            guard isOurs else { return false }
        }
        // No batch, or one that is applied already, stays as it is.
        _ = try await asking { () throws(StoreError) in
            try await batches.advance(
                run.id, of: run.user, to: .applied, at: clock.now, until: .now + Self.timeout)
        }
        while true {
            let chunk = try await planned(run, .theirs, store.limits.theirsMax)
            guard !chunk.isEmpty else { return true }
            let jobs = chunk.map { job($0, run) }
            let isQueued = try await asking { () throws(StoreError) in
                try await store.queue(chunk, as: jobs, of: run, until: .now + Self.timeout)
            }
            observe(.queuedTheirs)
            guard isQueued else { return false }
        }
    }

    private func planned(_ run: ClaimedRun, _ side: SyncSide, _ limit: Int) async throws(SyncTrouble) -> [SyncChange] {
        try await asking { () throws(StoreError) in
            try await store.changes(
                of: run.id, by: run.user, after: -1, planned: side, limit: limit, until: .now + Self.timeout)
        }
    }

    // MARK: Ours

    /// Only where what is there is what the plan was made for: an edit in between stays.
    private func ratings(_ changes: [SyncChange], _ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        let present = try await neighbours.ratings(of: run.user, changes.map(\.title))
        var writes: [RatingWrite] = []
        var settled: [SyncChange] = []
        var base: [BaseRow] = []
        for change in changes {
            let now = present[change.title].map { TraktProjection.rating($0.rating).stored }
            var done = change
            done.state = .done
            if now != change.becomes {
                guard now == change.was else {
                    done.state = .skipped
                    done.reason = "edited meanwhile"
                    settled.append(done)
                    continue
                }
                let rating = change.becomes.flatMap { Int(stored: $0) }.flatMap { TraktProjection.rating($0) }
                writes.append(
                    RatingWrite(title: change.title, kind: change.kind, rating: rating, ratedAt: change.at))
            }
            settled.append(done)
            if change.becomes != nil {
                base.append(
                    BaseRow(
                        facet: change.facet, item: change.title.uuid, title: change.title, kind: change.kind,
                        value: change.becomes, was: change.was))
            } else {
                // Kept for a while as gone, so that a lagging reading does not bring it back.
                base.append(
                    BaseRow(
                        facet: change.facet, item: change.title.uuid, title: change.title, kind: change.kind,
                        value: nil,
                        was: change.was))
            }
        }
        if !writes.isEmpty { try await neighbours.write(writes, of: run.user, batch: run.id) }
        observe(.wroteOurs)
        return try await finish(settled, base, [], run)
    }

    private func plays(_ changes: [SyncChange], _ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        let added = changes.filter { $0.becomes != nil }
        let removed = changes.filter { $0.becomes == nil }.compactMap(\.play)
        let incoming = added.map { change in
            IncomingPlay(
                title: change.title, kind: change.kind,
                moment: change.at.map { .minute($0, day: $0.date) } ?? .unknown, percent: nil, runtimeMinutes: nil,
                source: PlaySource(name: run.provider.rawValue, key: "\(change.theirs ?? 0)"))
        }
        let now = clock.now
        let verdicts = try await asking { () throws(StoreError) in
            if !removed.isEmpty {
                let writer = LedgerWriter(
                    user: run.user, source: run.provider.rawValue, batch: run.id, at: now, authority: .plan)
                _ = try await ledger.remove(removed, by: writer, telling: false, until: .now + Self.timeout)
            }
            return try await ledger.add(
                LedgerStore.Arrival(
                    user: run.user, timeZone: "UTC", batch: run.id, at: now, isByHand: false, plays: incoming,
                    telling: false), until: .now + Self.timeout)
        }
        observe(.wroteOurs)
        let base = zip(added, verdicts).map { change, verdict in
            var isApart = false
            if case .removed = verdict { isApart = true }
            return BaseRow(
                facet: .history, item: verdict.play.uuid, title: change.title, kind: change.kind, value: change.becomes,
                theirs: change.theirs, isApart: isApart)
        }
        let settled = changes.map { change in
            var done = change
            done.state = .done
            return done
        }
        return try await finish(settled, base, removed.map { (.history, $0.uuid) }, run)
    }

    private func finish(
        _ changes: [SyncChange], _ base: [BaseRow], _ forgotten: [(facet: SyncFacet, item: UUIDBits)],
        _ run: ClaimedRun
    ) async throws(SyncTrouble) -> Bool {
        try await asking { () throws(StoreError) in
            try await store.finish(
                changes, base: base, forgotten: forgotten, of: run, at: clock.now, until: .now + Self.timeout)
        }
    }

    // MARK: Theirs

    private func job(_ change: SyncChange, _ run: ClaimedRun) -> NewJob {
        let action: JobAction
        switch (change.facet, change.becomes != nil) {
        case (.history, true): action = .addPlay
        case (.history, false): action = .removePlay
        case (.watchlist, true): action = .addToWatchlist
        case (.watchlist, false): action = .removeFromWatchlist
        case (.collection, true): action = .addToCollection
        case (.collection, false): action = .removeFromCollection
        case (_, true): action = .rate
        case (_, false): action = .unrate
        }
        let precision: PlayPrecision? = change.facet == .history ? (change.at == nil ? .unknown : .minute) : nil
        // A play keeps the name under which it is told when somebody watches, so that it is never queued twice.
        let name = change.play.map { "\(action == .addPlay ? "play" : "remove") \($0)" }
        return NewJob(
            id: ids.next(), lane: run.lane, urgency: .bulk, kind: change.kind, title: change.title, action: action,
            payload: JobPayload(
                watchedAt: change.facet == .history ? change.at : nil, precision: precision,
                rating: change.facet == .ratings ? change.becomes.flatMap { Int(stored: $0) } : nil,
                theirs: change.theirs),
            fingerprint: name ?? "\(change.facet.rawValue) \(change.title)", batch: run.id.uuid)
    }

    private func asking<Answer>(
        _ work: () async throws(StoreError) -> Answer
    ) async throws(SyncTrouble) -> Answer {
        do throws(StoreError) { return try await work() } catch { throw SyncTrouble(error) }
    }
}
