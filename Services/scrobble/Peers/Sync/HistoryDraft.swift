import Contracts
import Store

/// Drafts the history of one kind.
struct HistoryDraft: Sendable {
    let kind: TitleKind
    let frame: SyncDrafter.Frame
    let limits: SyncLimits

    /// The value that represents a play.
    static let play = "play"
    /// The value that represents a play nobody made: the other side marked a film as watched because it was rated.
    static let filed = "filed"

    func draft(
        base rows: [BaseRow], ours: [StoredPlay], theirs: Snapshot<TheirPlay>, since: Timestamp?
    ) -> (draft: SyncDraft, unread: Int, recent: Int) {
        let filed = Set(rows.filter { $0.value == Self.filed }.compactMap(\.theirs))
        let theirs = filed.isEmpty ? theirs : theirs.filter { !filed.contains($0.id) }
        let superseded = frame.reader.shape.keepsOneDate ? Self.superseded(ours, theirs.rows) : []
        let pairs = rows.filter { $0.value != Self.filed }.map { row in
            PlayPair(
                play: PlayID(row.item), title: row.title, theirs: row.theirs,
                isFresh: row.writtenAt.map { $0.duration(to: frame.now) < limits.lag } ?? false, isApart: row.isApart,
                isOursAlone: row.isApart && row.value == nil)
        }
        let plays = ours.map { play in
            OurPlay(
                id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                isRemoved: play.isRemoved,
                isBeyond: !RemoteProjection.holds(percent: play.percent, thresholdPercent: frame.thresholdPercent)
                    || superseded.contains(play.id),
                isThereAt: frame.playedThere[play.id], isRecent: isRecent(play))
        }
        let plan = HistoryPlanner(policy: frame.policy(.history)).plan(
            base: pairs, ours: plays, theirs: theirs, since: since,
            inFlight: underWay(ours), leaving: frame.inFlight.leaving, confirmed: frame.confirmed)
        let byID = Dictionary(ours.map { ($0.id, $0) }) { first, _ in first }
        var draft = SyncDraft()
        for play in plan.forUs where !isFiled(play) {
            draft.changes.append(
                change(.ours, play.title, nil, play.id, was: nil, becomes: Self.play, at: play.watchedAt))
        }
        for play in plan.forThem {
            let at = RemoteProjection.watchedAt(play.moment)
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
                let at = byID[pair.play].flatMap { RemoteProjection.watchedAt($0.moment) }
                draft.changes.append(
                    change(.theirs, pair.title, pair.play, pair.theirs, was: Self.play, becomes: nil, at: at, state))
            }
        }
        draft.base = plan.pairs.map {
            BaseRow(
                facet: .history, item: $0.play.uuid, title: $0.title, kind: kind, value: Self.play, theirs: $0.theirs,
                isApart: $0.isApart)
        }
        draft.base += plan.forUs.filter(isFiled).map {
            BaseRow(
                facet: .history, item: $0.title.uuid, title: $0.title, kind: kind, value: Self.filed, theirs: $0.id,
                isApart: true)
        }
        draft.forgotten = plan.forgotten.map { (.history, $0.uuid) }
        return (draft, plan.unread, plan.recent)
    }

    /// Whether a play was watched lately and reported a moment ago: a player that told us may have told the other side
    /// too.
    private func isRecent(_ play: StoredPlay) -> Bool {
        play.createdAt.duration(to: frame.now) < limits.lag
            && play.moment.listedAt.duration(to: frame.now) < limits.watchedLately
    }

    /// Whether our rating made a play there.
    private func isFiled(_ play: TheirPlay) -> Bool {
        guard let at = play.watchedAt, let rated = frame.ratedThere[play.title] else { return false }
        let here = at.advanced(by: .zero - (frame.activities.clockSkew ?? .zero))
        return rated.contains { abs(here.microsecondsSinceEpoch - $0.microsecondsSinceEpoch) <= Self.filedWithin }
    }

    private static let filedWithin: Int64 = 120_000_000

    /// The plays of ours that are not the latest of either side, where a title has one date.
    private static func superseded(_ ours: [StoredPlay], _ theirs: [TheirPlay]) -> Set<PlayID> {
        var latest: [TitleID: (at: Timestamp, id: PlayID)] = [:]
        for play in ours where !play.isRemoved {
            let this = (at: play.moment.listedAt, id: play.id)
            if let other = latest[play.title], (other.at, other.id) > (this.at, this.id) { continue }
            latest[play.title] = this
        }
        let unknown = PlayMoment.unknown.listedAt
        let there = Dictionary(theirs.map { ($0.title, $0.watchedAt ?? unknown) }) { max($0, $1) }
        return Set(
            ours.filter { play in
                guard let last = latest[play.title], !play.isRemoved else { return false }
                return last.id != play.id || there[play.title].map { play.moment.listedAt <= $0 } ?? false
            }.map(\.id))
    }

    /// Plays that are left alone: reported a moment ago, or refused by the other side.
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
