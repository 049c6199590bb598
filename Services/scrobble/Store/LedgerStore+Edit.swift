package import Contracts
import Postgres
package import Store

extension LedgerStore {
    /// Says when a play was; the play after it, nil where there is none.
    ///
    /// Where the ledger has a play of the title at that time already, by the rules about plays, that one takes its
    /// place with all its roads. Connections are told to forget the one and to write down the other.
    package func edit(
        _ play: PlayID, to moment: PlayMoment, timeZone: String, by writer: LedgerWriter,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Play? {
        try await database.transaction(until: deadline) { transaction throws(PGError) -> Play? in
            try await transaction.execute(LedgerQueries.lock, [.text(writer.user.description)])
            guard let held = try await transaction.first(LedgerQueries.hold, [.id(writer.user), .id(play)]) else {
                return nil
            }
            let known = try await transaction.query(
                LedgerQueries.known,
                Self.knownValues(writer.user, timeZone, [(held.title, PlayMatcher.reach(of: .unknown))]))
            let met = PlayMerge.meeting(play, at: moment, among: known)
            if let met {
                let joined: [PGValue] = [.ids([writer.user]), .ids([play]), .ids([met.id])]
                for command in TitleMoveQueries.joinPlays { try await transaction.execute(command, joined) }
            } else {
                try await refine(
                    [play: moment], user: writer.user, batch: writer.batch, in: transaction)
            }
            try await tell(of: play, held, isNew: met == nil, at: moment, by: writer, in: transaction)
            return Play(met?.id ?? play, held, at: met?.moment ?? moment)
        }
    }

    private func tell(
        of play: PlayID, _ held: HeldPlay, isNew: Bool, at moment: PlayMoment, by writer: LedgerWriter,
        in transaction: PGTransaction
    ) async throws(PGError) {
        let stamp = writer.at.microsecondsSinceEpoch
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(writer.user)])
        _ = try await QueueStore.withdraw(
            ["play \(play)"], of: writer.user, because: "edited here", in: transaction)
        // A live removal would overtake a bulk job that still has to write the play down.
        let left = try await QueueStore.bulk(about: ["play \(play)"], of: writer.user, in: transaction)
        let jobs = connections.flatMap { connection in
            let lane = LaneKey(user: writer.user, provider: connection.provider)
            let isBehind = left.contains(JobSubject(provider: connection.provider, fingerprint: "play \(play)"))
            let urgency = isBehind ? JobUrgency.bulk : .live
            let forget = NewJob(
                id: ids.next(), lane: lane, urgency: urgency, kind: held.kind, title: held.title, action: .removePlay,
                payload: JobPayload(watchedAt: held.watchedAt, precision: held.precision),
                fingerprint: "remove \(play) \(stamp)")
            // A play that becomes one with another has left; one that gets another date is there still.
            guard isNew else { return connection.tellsRemovals ? [forget] : [] }
            let write = NewJob(
                id: ids.next(), lane: lane, urgency: urgency, kind: held.kind, title: held.title, action: .addPlay,
                payload: JobPayload(
                    progressPercent: held.percent, watchedAt: moment == .unknown ? nil : moment.listedAt,
                    precision: moment.precision), fingerprint: "play \(play) \(stamp)")
            return [forget, write]
        }
        try await QueueStore.enqueue(jobs, in: transaction)
    }
}

extension Play {
    fileprivate init(_ id: PlayID, _ held: HeldPlay, at moment: PlayMoment) {
        var (instant, day): (Timestamp?, CalendarDate?) = (nil, nil)
        switch moment {
        case .second(let at, _), .minute(let at, _): instant = at
        case .day(let on): day = on
        case .unknown: break
        }
        self.init(
            id: id, title: held.title, kind: held.kind, watchedAt: instant, watchedOn: day,
            precision: moment.precision, percent: held.percent)
    }
}
