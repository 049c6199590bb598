import Contracts
import RPC
import Store

/// `scrobble.markWatched`: marks a film, an episode, everything up to an episode, a season or a show as watched.
struct MarkWatched: Sendable {
    let desk: WatchDesk
    let batches: BatchStore
    let queue: QueueWorker
    let ids: any IDSource

    func run(
        _ params: MarkWatchedParams, _ call: KeyedCall?, _ context: RPCContext
    ) async throws(RPCError) -> WatchedChange {
        let now = desk.clock.now
        let said = PlayDates.Said(
            watchedAt: params.watchedAt, watchedOn: params.watchedOn, unknownDate: params.unknownDate,
            timeZone: params.timeZone)
        try said.check()
        let title = try await desk.title(params.title, params.kind, context)
        let isOne = title.kind == .movie || (title.kind == .episode && params.upTo != true)
        let dates = PlayDates(ledger: desk.ledger, now: now)
        let moment = !isOne && said.isNothing ? .unknown : try await dates.moment(said, context)
        let change =
            isOne
            ? try await one(title, moment, call, params, now, context)
            : try await many(title, moment, call, params, now, context)
        if change.added > 0 { queue.announce() }
        return change
    }

    private func one(
        _ title: Title, _ moment: PlayMoment, _ call: KeyedCall?, _ params: MarkWatchedParams, _ now: Timestamp,
        _ context: RPCContext
    ) async throws(RPCError) -> WatchedChange {
        let name = call?.id("play") ?? PlayID(ids.next())
        let play = IncomingPlay(
            title: title.id, kind: title.kind, moment: moment, percent: nil,
            runtimeMinutes: title.runtimeMinutes.map { Int($0) },
            source: PlaySource(name: PlayMatcher.byHand, key: "\(name)"), episode: EpisodePlace(title))
        let verdicts = try await writing { () throws(StoreError) in
            try await desk.ledger.add(arrival([play], nil, params, now), until: context.deadline)
        }
        // Plays known from this source were written by an earlier attempt of this call.
        return WatchedChange(added: verdicts.count { $0.isNew || $0.isKnown }, removed: 0)
    }

    private func many(
        _ title: Title, _ moment: PlayMoment, _ call: KeyedCall?, _ params: MarkWatchedParams, _ now: Timestamp,
        _ context: RPCContext
    ) async throws(RPCError) -> WatchedChange {
        let batch = call?.id("batch") ?? BatchID(ids.next())
        let episodes = try await toMark(title, params, context)
        // In this order: a call that sees plays of an earlier attempt also sees its batch.
        if call != nil, let made = try await stored(batch, params, context) {
            guard made.state == .applying else { return WatchedChange(made) }
        } else if episodes.isEmpty {
            return WatchedChange(added: 0, removed: 0)
        }
        let series = title.kind == .series ? title.id : title.series ?? title.id
        try await writing { () throws(StoreError) in
            try await batches.open(
                batch, of: params.user, source: LedgerWriter.byPerson, label: title.name, as: .applying, at: now,
                until: context.deadline)
        }
        for start in stride(from: 0, to: episodes.count, by: LedgerLimits.itemsMax) {
            let plays = episodes[start..<min(start + LedgerLimits.itemsMax, episodes.count)].map { episode in
                IncomingPlay(
                    title: episode.title, kind: .episode, moment: moment, percent: nil, runtimeMinutes: nil,
                    source: PlaySource(name: PlayMatcher.byHand, key: "\(batch) \(episode.title)"),
                    episode: EpisodePlace(series: series, season: episode.season, number: episode.number))
            }
            _ = try await writing { () throws(StoreError) in
                try await desk.ledger.add(arrival(plays, batch, params, now), until: context.deadline)
            }
        }
        // Counted from what was written, since an earlier attempt may have written some of it.
        let (made, restored) = try await asking { () throws(StoreError) in
            try await batches.countPlays(of: batch, params.user, until: context.deadline)
        }
        var counts = BatchCounts()
        counts.count(LedgerFacet.play.rawValue, "created", by: made)
        // None of them was watched, so any play that is not new was removed before.
        counts.count(LedgerFacet.play.rawValue, "restored", by: restored)
        let done = counts
        try await writing { () throws(StoreError) in
            _ = try await batches.advance(
                batch, of: params.user, to: .applied, counts: done, at: now, until: context.deadline)
        }
        return WatchedChange(added: made + restored, removed: 0, batch: batch)
    }

    private func stored(
        _ batch: BatchID, _ params: MarkWatchedParams, _ context: RPCContext
    ) async throws(RPCError) -> StoredBatch? {
        try await asking { () throws(StoreError) in
            try await batches.batch(batch, of: params.user, until: context.deadline)
        }
    }

    private func toMark(
        _ title: Title, _ params: MarkWatchedParams, _ context: RPCContext
    ) async throws(RPCError) -> [EpisodeState] {
        let today = try await desk.today(params.timeZone, context)
        guard title.kind == .episode else {
            let episodes = try await desk.episodes(of: title, params.user, context)
            let withSpecials = params.specials ?? (title.kind == .season && title.seasonNumber == 0)
            return ShowProgress.toMark(episodes, upTo: nil, today: today, withSpecials: withSpecials)
        }
        guard let place = EpisodePlace(title) else {
            throw .wrongKind("this episode's place in its show is not known")
        }
        let series = try await desk.title(place.series, .series, context)
        return ShowProgress.toMark(
            try await desk.episodes(of: series, params.user, context), upTo: (place.season, place.number),
            today: today, withSpecials: params.specials ?? false)
    }

    private func arrival(
        _ plays: [IncomingPlay], _ batch: BatchID?, _ params: MarkWatchedParams, _ now: Timestamp
    ) -> LedgerStore.Arrival {
        LedgerStore.Arrival(
            user: params.user, timeZone: params.timeZone ?? "UTC", batch: batch, at: now, isByHand: true,
            plays: plays, telling: true)
    }
}

extension PlayVerdict {
    var isNew: Bool { if case .new = self { true } else { false } }
    var isKnown: Bool { if case .known = self { true } else { false } }
}

extension WatchedChange {
    /// The result of a batch that was written in full.
    fileprivate init(_ batch: StoredBatch) {
        self.init(
            added: batch.counts.counts[LedgerFacet.play.rawValue]?.values.reduce(0, +) ?? 0, removed: 0,
            batch: batch.id)
    }
}
