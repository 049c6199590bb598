package import Contracts
import Postgres
package import Store

extension LedgerStore {
    /// Changes when a play was. Returns the play afterwards, or nil if there is none.
    ///
    /// If the ledger already has a play of the title at that time, by the rules about plays, that one takes its place
    /// with all its sources, and connections are only told to remove the old date. Otherwise they are told to add the
    /// new one, too.
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
            let moved = MovedPlay(id: play, was: held, moment: moment)
            try await tell(
                of: [moved], isThere: met == nil, as: .live, because: "edited here", writer.user, at: writer.at,
                in: transaction)
            return Play(met?.id ?? play, held, at: met?.moment ?? moment)
        }
    }

    /// Tells connections of plays that a file has moved, as of plays that their person has moved.
    func tell(
        of moved: [PlayID: PlayMoment], _ arrival: Arrival, _ verdicts: [PlayVerdict], in transaction: PGTransaction
    ) async throws(PGError) {
        let plays = zip(arrival.plays, verdicts).compactMap { play, verdict -> MovedPlay? in
            guard case .moved(let id) = verdict, let before = moved[id] else { return nil }
            return MovedPlay(
                id: id,
                was: HeldPlay(
                    title: play.title, kind: play.kind, watchedAt: before.listedAt, precision: before.precision,
                    percent: play.percent), moment: play.moment)
        }
        try await tell(
            of: plays, as: .bulk, because: "moved by an import", arrival.user, at: arrival.at, in: transaction)
    }

    /// Tells connections to remove the old dates of plays and then to add the new ones. If `isThere` is false, the
    /// plays have become one with others.
    func tell(
        of moved: [MovedPlay], isThere: Bool = true, as wanted: JobUrgency, because reason: String, _ user: UserID,
        at moment: Timestamp, in transaction: PGTransaction
    ) async throws(PGError) {
        guard !moved.isEmpty else { return }
        let stamp = moment.microsecondsSinceEpoch
        let connections = try await transaction.query(PlaybackQueries.connections, [.id(user)])
        let added = moved.map { "play \($0.id)" }
        _ = try await QueueStore.withdraw(added, of: user, because: reason, in: transaction)
        // A live removal would overtake a bulk job that is still to add the play.
        let left = try await QueueStore.bulk(about: added, of: user, in: transaction)
        let jobs = connections.flatMap { connection -> [NewJob] in
            let lane = LaneKey(user: user, provider: connection.provider)
            // All removals first, because one play may now be where another was.
            var (forgotten, written): ([NewJob], [NewJob]) = ([], [])
            for play in moved {
                let isBehind = left.contains(
                    JobSubject(provider: connection.provider, fingerprint: "play \(play.id)"))
                let urgency = isBehind ? .bulk : wanted
                forgotten.append(
                    NewJob(
                        id: ids.next(), lane: lane, urgency: urgency, kind: play.was.kind, title: play.was.title,
                        action: .removePlay,
                        payload: JobPayload(watchedAt: play.was.watchedAt, precision: play.was.precision),
                        fingerprint: "remove \(play.id) \(stamp)", isOneOfMany: moved.count > 1))
                written.append(
                    NewJob(
                        id: ids.next(), lane: lane, urgency: urgency, kind: play.was.kind, title: play.was.title,
                        action: .addPlay,
                        payload: JobPayload(
                            progressPercent: play.was.percent,
                            watchedAt: play.moment == .unknown ? nil : play.moment.listedAt,
                            precision: play.moment.precision),
                        fingerprint: "play \(play.id) \(stamp)", isOneOfMany: moved.count > 1))
            }
            // A play that becomes one with another is gone; one that gets another date still exists.
            guard isThere else { return connection.tellsRemovals ? forgotten : [] }
            return forgotten + written
        }
        try await QueueStore.enqueue(jobs, in: transaction)
    }
}

/// A play whose date has changed.
struct MovedPlay: Sendable {
    let id: PlayID
    /// The play with its old date.
    let was: HeldPlay
    /// The new date.
    let moment: PlayMoment
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
