import Contracts
import Store

/// Carries out the plan of a run: our side in chunks, each of which can safely be repeated; the other side through the
/// queue. After a crash, whoever takes over the run continues with what is still planned.
package struct SyncApplier: Sendable {
    let store: SyncStore
    let ledger: LedgerStore
    let shelves: ShelfStore
    let batches: BatchStore
    let neighbours: any SyncNeighbours
    let clock: any WallClock
    let ids: any IDSource
    /// The points at which a test kills it.
    let observe: @Sendable (SyncPoint) -> Void

    private static let timeout = Duration.seconds(30)

    /// Returns false if somebody else holds the run by now.
    package func apply(_ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        // The changes form a batch of the run's own, so that they can be undone as a whole.
        let isEmpty =
            try await planned(run, .ours, 1).isEmpty ? try await planned(run, .theirs, 1).isEmpty : false
        if !isEmpty {
            try await asking { () throws(StoreError) in
                try await batches.open(
                    run.id, of: run.user, source: run.provider.rawValue, label: nil, as: .applying, at: clock.now,
                    until: .now + Self.timeout)
            }
        }
        while true {
            let chunk = try await planned(run, .ours, store.limits.oursMax)
            guard let facet = chunk.first?.facet else { break }
            let part = chunk.filter { $0.facet == facet }
            let isOurs =
                switch facet {
                case .history: try await plays(part, run)
                case .ratings: try await ratings(part, run)
                case .watchlist:
                    try await shelf(part, run) { (value: ListedValue, was: WatchlistDetails?) in
                        WatchlistDetails(note: was?.note, status: value.status)
                    } value: { details, kind in
                        ListedValue(details.status, kind, at: RemoteShape.of(run.provider))
                    }
                case .collection:
                    try await shelf(part, run) { (value: CollectedValue, was: CollectionDetails?) in
                        value.merged(over: was)
                    } value: { details, _ in
                        CollectedValue(details)
                    }
                case .progress:
                    try await shelf(part, run) { (value: ProgressValue, _: ProgressDetails?) in
                        ProgressDetails(percent: value.percent)
                    } value: { details, _ in
                        ProgressValue(percent: details.percent)
                    }
                }
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
            let jobs = chunk.map { $0.job(on: run.lane, batch: run.id, id: ids.next()) }
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

    /// Writes only over the values that the plan was made for, down to their versions: an edit in between stays, even
    /// one made during the write.
    private func ratings(_ changes: [SyncChange], _ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        let present = try await neighbours.ratings(of: run.user, changes.map(\.title))
        var writes: [RatingWrite] = []
        var settled: [SyncChange] = []
        var base: [BaseRow] = []
        for change in changes {
            let there = present[change.title]
            let now = there.map { RemoteProjection.rating($0.rating).stored }
            let version: Int64? = if let there { there.version.map(Int64.init) } else { 0 }
            var done = change
            done.state = .done
            if now != change.becomes {
                guard now == change.was, change.ourVersion == nil || change.ourVersion == version else {
                    done.state = .skipped
                    done.reason = "edited meanwhile"
                    settled.append(done)
                    continue
                }
                let rating = change.becomes.flatMap { Int(stored: $0) }.flatMap { RemoteProjection.rating($0) }
                writes.append(
                    RatingWrite(
                        title: change.title, kind: change.kind, rating: rating, ratedAt: change.at,
                        expectedVersion: version.map { Int($0) }))
            }
            settled.append(done)
            base.append(Self.agreed(change))
        }
        if !writes.isEmpty {
            let left = try await neighbours.write(writes, of: run.user, from: run.provider, batch: run.id)
            for place in settled.indices {
                guard let result = left[settled[place].title] else { continue }
                settled[place].state = .skipped
                settled[place].reason = result == .older ? "edited meanwhile" : "not accepted here: \(result.rawValue)"
            }
            base.removeAll { left[$0.title] != nil }
        }
        observe(.wroteOurs)
        return try await finish(settled, base, [], run)
    }

    /// What both sides have from now on. A removed value is kept as removed for a while, so that a lagging reading does
    /// not bring it back.
    private static func agreed(_ change: SyncChange) -> BaseRow {
        BaseRow(
            facet: change.facet, item: change.title.uuid, title: change.title, kind: change.kind, value: change.becomes,
            was: change.was)
    }

    /// Does the same for a shelf: `details` combines the new value with what was there.
    private func shelf<Details: ShelvedDetails, Value: SyncStorable>(
        _ changes: [SyncChange], _ run: ClaimedRun, details: (Value, Details?) -> Details,
        value: (Details, TitleKind) -> Value?
    ) async throws(SyncTrouble) -> Bool {
        let known = try await asking { () throws(StoreError) in
            try await shelves.known(
                changes.map(\.title), of: run.user, as: Details.self, until: .now + Self.timeout)
        }
        let moment = clock.now
        var items: [ShelfItem<Details>] = []
        var gone: [TitleID] = []
        var settled: [SyncChange] = []
        var base: [BaseRow] = []
        for change in changes {
            let present = known[change.title].flatMap { $0.removedAt == nil ? $0.item.details : nil }
            let now = present.flatMap { value($0, change.kind)?.stored }
            var done = change
            done.state = .done
            if now != change.becomes {
                guard now == change.was else {
                    done.state = .skipped
                    done.reason = "edited meanwhile"
                    settled.append(done)
                    continue
                }
                if let wanted = change.becomes.flatMap({ Value(stored: $0) }) {
                    items.append(
                        ShelfItem(
                            title: change.title, kind: change.kind, at: change.at ?? moment,
                            details: details(wanted, known[change.title]?.item.details)))
                } else {
                    gone.append(change.title)
                }
            }
            settled.append(done)
            base.append(Self.agreed(change))
        }
        let writer = LedgerWriter(
            user: run.user, source: run.provider.rawValue, batch: run.id, at: moment, authority: .plan)
        try await asking { () throws(StoreError) in
            _ = try await shelves.put(items, by: writer, until: .now + Self.timeout)
            _ = try await shelves.remove(gone, as: Details.self, at: moment, by: writer, until: .now + Self.timeout)
        }
        observe(.wroteOurs)
        return try await finish(settled, base, [], run)
    }

    private func plays(_ changes: [SyncChange], _ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        let added = changes.filter { $0.becomes != nil }
        let removed = changes.filter { $0.becomes == nil }.compactMap(\.play)
        let days = await ledger.localDays(of: added.compactMap(\.at), in: run.timeZone)
        let incoming = added.map { change in
            IncomingPlay(
                title: change.title, kind: change.kind,
                moment: change.at.map { .minute($0, day: days[$0] ?? $0.date) } ?? .unknown, percent: nil,
                runtimeMinutes: nil,
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
                    user: run.user, timeZone: days.isEmpty ? "UTC" : run.timeZone, batch: run.id, at: now,
                    isByHand: false, plays: incoming,
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

    private func asking<Answer>(
        _ work: () async throws(StoreError) -> Answer
    ) async throws(SyncTrouble) -> Answer {
        do throws(StoreError) { return try await work() } catch { throw SyncTrouble(error) }
    }
}
