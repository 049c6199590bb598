import Contracts
import Store

/// Drafts the history of one kind.
struct HistoryDraft: Sendable {
    let kind: TitleKind
    let frame: SyncDrafter.Frame
    let limits: SyncLimits

    /// What stands for a play as a value.
    static let play = "play"

    func draft(
        base rows: [BaseRow], ours: [StoredPlay], theirs: Snapshot<TheirPlay>, since: Timestamp?
    ) -> (draft: SyncDraft, unread: Int, recent: Int) {
        let pairs = rows.map { row in
            PlayPair(
                play: PlayID(row.item), title: row.title, theirs: row.theirs,
                isFresh: row.writtenAt.map { $0.duration(to: frame.now) < limits.lag } ?? false, isApart: row.isApart,
                isOursAlone: row.isApart && row.value == nil)
        }
        let plays = ours.map { play in
            OurPlay(
                id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                isRemoved: play.isRemoved,
                isBeyond: !TraktProjection.holds(percent: play.percent, thresholdPercent: frame.thresholdPercent),
                isThereAt: frame.playedThere[play.id], isRecent: isRecent(play))
        }
        let plan = HistoryPlanner(policy: frame.policy(.history)).plan(
            base: pairs, ours: plays, theirs: theirs, since: since,
            inFlight: underWay(ours), leaving: frame.inFlight.leaving, confirmed: frame.confirmed)
        let byID = Dictionary(ours.map { ($0.id, $0) }) { first, _ in first }
        var draft = SyncDraft()
        for play in plan.forUs {
            draft.changes.append(
                change(.ours, play.title, nil, play.id, was: nil, becomes: Self.play, at: play.watchedAt))
        }
        for play in plan.forThem {
            let at = TraktProjection.watchedAt(play.moment)
            draft.changes.append(change(.theirs, play.title, play.id, nil, was: nil, becomes: Self.play, at: at))
        }
        func remove(_ plays: [PlayID], _ state: SyncChange.State) {
            for id in plays {
                guard let play = byID[id] else { continue }
                draft.changes.append(
                    change(.ours, play.title, id, nil, was: Self.play, becomes: nil, at: nil, state))
            }
        }
        remove(plan.removeOurs, .planned)
        remove(plan.heldForUs, .held)
        for (pairs, state) in [(plan.removeTheirs, SyncChange.State.planned), (plan.heldForThem, .held)] {
            for pair in pairs {
                let at = byID[pair.play].flatMap { TraktProjection.watchedAt($0.moment) }
                draft.changes.append(
                    change(.theirs, pair.title, pair.play, pair.theirs, was: Self.play, becomes: nil, at: at, state))
            }
        }
        draft.base = plan.pairs.map {
            BaseRow(
                facet: .history, item: $0.play.uuid, title: $0.title, kind: kind, value: Self.play, theirs: $0.theirs,
                isApart: $0.isApart)
        }
        draft.forgotten = plan.forgotten.map { (.history, $0.uuid) }
        return (draft, plan.unread, plan.recent)
    }

    /// Watched lately, and told of a moment ago: a player that told us may have told them too.
    private func isRecent(_ play: StoredPlay) -> Bool {
        play.createdAt.duration(to: frame.now) < limits.lag
            && play.moment.listedAt.duration(to: frame.now) < limits.watchedLately
    }

    /// Plays that are left alone: told a moment ago, or refused by the other side.
    private func underWay(_ ours: [StoredPlay]) -> Set<PlayID> {
        let told = ours.filter { frame.inFlight.played.contains($0.title) }.map(\.id)
        return frame.inFlight.plays.union(frame.refused.plays).union(told)
    }

    private func change(
        _ side: SyncSide, _ title: TitleID, _ play: PlayID?, _ theirs: Int64?, was: String?, becomes: String?,
        at: Timestamp?, _ state: SyncChange.State = .planned
    ) -> SyncChange {
        SyncChange(
            facet: .history, side: side, title: title, kind: kind, play: play, theirs: theirs, was: was,
            becomes: becomes, at: at, state: state)
    }
}
