import Contracts
import RPC
import Store

/// `scrobble.addPlay`: writes down a play by hand: now, at a moment, on a day, or at some time.
struct AddPlay: Sendable {
    let ledger: LedgerStore
    let titles: TitleLookup
    let queue: QueueWorker
    let clock: any WallClock
    let ids: any IDSource

    func run(
        _ params: AddPlayParams, _ call: KeyedCall?, _ context: RPCContext
    ) async throws(RPCError) -> PlayAdded {
        let said = PlayDates.Said(
            watchedAt: params.watchedAt, watchedOn: params.watchedOn, unknownDate: params.unknownDate,
            timeZone: params.timeZone)
        try said.check()
        let title = try await titles.title(params.title, context)
        guard PlayableKind(title.kind) != nil else {
            throw .wrongKind("a \(title.kind.rawValue) cannot be watched in one go, only films and episodes can")
        }
        let now = clock.now
        let moment = try await PlayDates(ledger: ledger, now: now).moment(said, context)
        // The same call again, under the same key, is the same play.
        let name = call?.id("play") ?? PlayID(ids.next())
        let source = PlaySource(name: PlayMatcher.byHand, key: "\(name)")
        let play = IncomingPlay(
            title: title.id, kind: title.kind, moment: moment, percent: nil,
            runtimeMinutes: title.runtimeMinutes.map { Int($0) }, source: source, episode: EpisodePlace(title))
        let arrival = LedgerStore.Arrival(
            user: params.user, timeZone: params.timeZone ?? "UTC", batch: nil, at: now, isByHand: true, plays: [play],
            telling: true)
        let verdict = try await writing { () throws(StoreError) in
            try await ledger.add(arrival, until: context.deadline)
        }.first
        guard let verdict else { throw .internal("the ledger gave no verdict") }
        queue.announce()
        // A play known from this source was written by an earlier attempt of this call.
        return PlayAdded(play: verdict.play, isNew: verdict.isNew || verdict.isKnown)
    }
}

/// When a play was, as a person says it: now, at a moment, on a day, or at some time.
struct PlayDates: Sendable {
    /// How far ahead clocks may be.
    static let aheadMax = Duration.seconds(300)
    /// In some places it is already tomorrow.
    private static let dayAheadMax = Duration.seconds(14 * 3_600)

    let ledger: LedgerStore
    let now: Timestamp

    /// What the person said; at most one of the three may be set.
    struct Said {
        let watchedAt: Timestamp?
        let watchedOn: CalendarDate?
        let unknownDate: Bool?
        let timeZone: String?

        var isNothing: Bool { watchedAt == nil && watchedOn == nil && unknownDate != true }

        /// Throws `contradictoryValues` if more than one is set.
        func check() throws(RPCError) {
            guard [watchedAt != nil, watchedOn != nil, unknownDate == true].count(where: \.self) <= 1 else {
                throw .contradictoryValues("at most one of watched_at, watched_on and unknown_date may be given")
            }
        }
    }

    /// The last day that is not in the future.
    static func latestDay(at now: Timestamp) -> CalendarDate {
        now.advanced(by: aheadMax).advanced(by: dayAheadMax).date
    }

    /// Throws `dateInFuture` for a day in the future.
    static func check(_ day: CalendarDate, at now: Timestamp) throws(RPCError) {
        guard day <= latestDay(at: now) else { throw .dateInFuture("watched_on: \(day) is in the future") }
    }

    /// The moment that is meant; now if nothing was said. Throws `contradictoryValues`, `dateInFuture` and
    /// `unknownTimeZone`.
    func moment(_ said: Said, _ context: RPCContext) async throws(RPCError) -> PlayMoment {
        try said.check()
        if said.unknownDate == true { return .unknown }
        let latest = now.advanced(by: Self.aheadMax)
        if let day = said.watchedOn {
            try Self.check(day, at: now)
            return .day(day)
        }
        let at = said.watchedAt ?? now
        guard at <= latest else { throw .dateInFuture("watched_at: \(at) is in the future") }
        return .second(at, day: try await day(of: at, in: said.timeZone, context))
    }

    /// Today, or the day of another moment, in the person's time zone.
    func day(
        of moment: Timestamp, in timeZone: String?, _ context: RPCContext
    ) async throws(RPCError) -> CalendarDate {
        guard let timeZone, timeZone != "UTC" else { return moment.date }
        do {
            return try await ledger.days(of: [moment], in: timeZone, until: context.deadline).first ?? moment.date
        } catch .invalidValue {
            throw .unknownTimeZone("the time zone \(timeZone) is unknown")
        } catch {
            throw error.asRPCError
        }
    }
}

/// Runs a write of a person's rows. Throws `userNotFound` for a person who is gone.
func writing<Answer>(_ work: () async throws(StoreError) -> Answer) async throws(RPCError) -> Answer {
    do {
        return try await work()
    } catch .conflict(constraint: "person_deleted") {
        throw .userNotFound("this account was deleted")
    } catch {
        throw error.asRPCError
    }
}
