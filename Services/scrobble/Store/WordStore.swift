import Contracts
import Postgres
import Store

/// What media servers report about sittings.
extension PlaybackStore {
    /// A message about one title of a person.
    struct Hearing: Sendable {
        let user: UserID
        let title: TitleID
        let kind: PlayableKind
        let word: PlayerWord
        let runtimeMinutes: Int?
        /// The person's time zone as an IANA name.
        let timeZone: String
        /// The name of the device; nil if the server does not tell devices apart.
        let player: String?
        /// The titles of the same file. Other titles on the same device have been left.
        let companions: [TitleID]
        /// The source of a play without a sitting.
        let source: PlaySource
        /// Whether the person wants plays removed that the server unmarks.
        let removesPlays: Bool
    }

    /// The result of a message.
    struct Heard: Sendable {
        let move: SittingMove
        let play: PlayID?
    }

    func hear(_ hearing: Hearing, in transaction: PGTransaction) async throws(PGError) -> Heard {
        let open = try await transaction.first(PlaybackQueries.holdTitle, [.id(hearing.user), .id(hearing.title)])
        var lastEnd: Timestamp?
        if open == nil {
            lastEnd = try await transaction.first(PlaybackQueries.lastEnd, [.id(hearing.user), .id(hearing.title)])
        }
        let move = SittingMove.of(hearing.word, open?.sitting, lastEnd: lastEnd)
        let play: PlayID?
        switch move {
        case .nothing: play = nil
        case .begin(let place, let isTold):
            try await leaveOthers(hearing, in: transaction)
            let step: PlaybackChange.Step = open == nil ? .started : .resumed
            play = try await self.open(sitting(hearing, at: place), telling: isTold ? step : nil, in: transaction).play
        case .pause(let place):
            let session = try await known(open?.id, hearing, at: place ?? 0, in: transaction)
            play = try await self.move(
                change(hearing, session, to: .paused, at: place, patience: SittingPatience.paused, telling: .paused),
                in: transaction)?.play
        case .advance(let place):
            guard let session = open?.id else { return Heard(move: move, play: nil) }
            let isPaused = open?.sitting.state == .paused
            play = try await self.move(
                change(
                    hearing, session, to: nil, at: place,
                    patience: isPaused ? SittingPatience.paused : SittingPatience.heartbeat,
                    telling: hearing.word.kind == .seek && !isPaused ? .resumed : nil), in: transaction)?.play
        case .count(let place), .end(let place):
            guard let session = open?.id else { return Heard(move: move, play: nil) }
            let isEnd = if case .end = move { true } else { false }
            let stop = Stop(
                user: hearing.user, session: session, progressPercent: place, at: hearing.word.at,
                heardAt: hearing.word.heardAt)
            play = try await close(stop, ending: isEnd, in: transaction)?.play
        case .log(let place): play = try await log(hearing, at: place, in: transaction)
        case .unlog: play = try await unlog(hearing, in: transaction)
        }
        return Heard(move: move, play: play)
    }

    private func sitting(_ hearing: Hearing, at place: Double) -> Sitting {
        let at = hearing.word.at
        let patience = SittingPatience.playing(progressPercent: place, runtime: hearing.word.runtime)
        return Sitting(
            id: PlaybackSessionID(ids.next()), user: hearing.user, title: hearing.title, kind: hearing.kind,
            progressPercent: place, startedAt: at, expiresAt: hearing.word.heardAt.advanced(by: patience),
            player: hearing.player, timeZone: hearing.timeZone, runtimeMinutes: hearing.runtimeMinutes)
    }

    private func change(
        _ hearing: Hearing, _ session: PlaybackSessionID, to state: PlaybackState?, at place: Double?,
        patience: Duration, telling step: PlaybackChange.Step?
    ) -> Move {
        Move(
            user: hearing.user, session: session, state: state, progressPercent: place, at: hearing.word.at,
            expiresAt: hearing.word.heardAt.advanced(by: patience), step: step)
    }

    /// The open sitting, or one that begins with this message. The other sides are only told of what follows.
    private func known(
        _ open: PlaybackSessionID?, _ hearing: Hearing, at place: Double, in transaction: PGTransaction
    ) async throws(PGError) -> PlaybackSessionID {
        if let open { return open }
        try await leaveOthers(hearing, in: transaction)
        return try await self.open(sitting(hearing, at: place), telling: nil, in: transaction).id
    }

    /// A device plays one file at a time: what it played before ended at its last report.
    private func leaveOthers(_ hearing: Hearing, in transaction: PGTransaction) async throws(PGError) {
        guard let player = hearing.player else { return }
        let left = try await transaction.query(
            PlaybackQueries.leftBehind, [.id(hearing.user), .text(player), .ids(hearing.companions)])
        for sitting in left {
            let stop = Stop(
                user: sitting.user, session: sitting.session, progressPercent: sitting.progressPercent,
                at: sitting.lastSeenAt, heardAt: hearing.word.heardAt)
            _ = try await close(stop, ending: true, in: transaction)
        }
    }

    /// Writes a play without a sitting. Nil if the person has removed it, or if it is below their threshold, in which
    /// case progress is stored.
    private func log(
        _ hearing: Hearing, at place: Double?, in transaction: PGTransaction
    ) async throws(PGError) -> PlayID? {
        let kind: TitleKind = hearing.kind == .movie ? .movie : .episode
        if let place {
            let percent = try await transaction.first(PlaybackQueries.threshold, [.id(hearing.user)])
            let threshold = percent.map { WatchThreshold(percent: $0) } ?? .standard
            guard threshold.isPlay(progressPercent: place) else {
                guard place >= LivePlan.progressMin else { return nil }
                try await transaction.execute(
                    PlaybackQueries.keepProgress,
                    [
                        .id(hearing.user), .id(hearing.title), .moment(hearing.word.at), .word(kind), .double(place),
                    ])
                return nil
            }
        }
        let day = try await LedgerStore.day(of: hearing.word.at, in: hearing.timeZone, transaction)
        let play = IncomingPlay(
            title: hearing.title, kind: kind,
            moment: .second(hearing.word.at, day: day), percent: place, runtimeMinutes: hearing.runtimeMinutes,
            source: hearing.source)
        let arrival = LedgerStore.Arrival(
            user: hearing.user, timeZone: hearing.timeZone, batch: nil, at: hearing.word.heardAt,
            // A mark is a person's own click.
            isByHand: hearing.word.kind == .markPlayed, plays: [play], telling: true)
        return try await ledger.add(arrival, in: transaction).first?.lasting
    }

    /// Removes the latest play of the title, if the person wants that.
    private func unlog(_ hearing: Hearing, in transaction: PGTransaction) async throws(PGError) -> PlayID? {
        guard hearing.removesPlays else { return nil }
        let day = try await LedgerStore.day(of: hearing.word.at, in: hearing.timeZone, transaction)
        let play = try await transaction.first(
            PlaybackQueries.latestPlay,
            [.id(hearing.user), .id(hearing.title), .moment(hearing.word.at), .day(day)])
        guard let play else { return nil }
        let removed = try await ledger.remove(
            [play], by: .person(hearing.user, at: hearing.word.heardAt), telling: true, in: transaction)
        return removed.first
    }
}
