import Contracts
import Store

/// Drafts one kind of a facet that has a value per title.
struct FacetDraft: Sendable {
    let facet: SyncFacet
    let kind: TitleKind
    let frame: SyncDrafter.Frame
    let limits: SyncLimits

    /// Returns the draft, and whether the reading lagged. `excused` are titles that the other side removes by itself;
    /// `moved` are those whose value here is under another id by now.
    func draft<Value: SyncStorable>(
        base rows: [BaseRow], ours: [TitleValue<Value>], theirs: Snapshot<TitleValue<Value>>,
        inFlight actions: [JobAction], excused: Set<TitleID> = [], moved: Set<TitleID> = []
    ) -> (draft: SyncDraft, isLagging: Bool) {
        var circumstances = FacetPlanner<Value>.Circumstances()
        circumstances.excused = excused
        circumstances.inFlight = moved
        for action in actions { circumstances.inFlight.formUnion(frame.inFlight.titles[action] ?? []) }
        let refused = frame.refused.titles[facet] ?? [:]
        for own in ours where refused[own.title]?.contains(own.value.value.stored) == true {
            circumstances.inFlight.insert(own.title)
        }
        let mine = Dictionary(ours.map { ($0.title, $0.value.value.stored) }) { first, _ in first }
        let their = Dictionary(theirs.rows.map { ($0.title, $0.value.value.stored) }) { first, _ in first }
        // A decision applies only to the two values that it was made about.
        for choice in frame.chosen where choice.facet == facet {
            guard mine[choice.title] == choice.ours, their[choice.title] == choice.theirs else { continue }
            circumstances.chosen[choice.title] = choice.winner
        }
        circumstances.confirmed = frame.confirmed
        var draft = SyncDraft()
        var base: [TitleID: BaseEntry<Value>] = [:]
        for row in rows {
            let entry: BaseEntry<Value> = entry(row)
            // Agreed to be gone for so long that no reading lags behind it any more.
            if entry.value == nil, entry.echo == nil, entry.apart == nil {
                draft.forgotten.append((facet, row.item))
            } else {
                base[row.title] = entry
            }
        }
        let plan = FacetPlanner<Value>(policy: frame.policy(facet)).plan(
            base: base, ours: ours, theirs: theirs, circumstances)
        let times = Dictionary(theirs.rows.map { ($0.title, $0.value.moment) }) { first, _ in first }
        let ourTimes = Dictionary(ours.map { ($0.title, $0.value.moment?.at) }) { first, _ in first }
        func add(_ changes: [ItemChange<Value>], _ side: SyncSide, _ state: SyncChange.State) {
            for change in changes {
                // A value that changed after both agreed on another was changed just now, so an estimated time is
                // ignored.
                let theirs = times[change.title].flatMap(\.self).flatMap {
                    $0.isExact || change.was == nil ? $0.at : nil
                }
                let at = side == .ours ? theirs : ourTimes[change.title].flatMap(\.self)
                draft.changes.append(
                    SyncChange(
                        facet: facet, side: side, title: change.title, kind: kind, was: change.was?.stored,
                        becomes: change.becomes?.stored, at: at, state: state))
            }
        }
        add(plan.forUs, .ours, .planned)
        add(plan.forThem, .theirs, .planned)
        add(plan.heldForUs, .ours, .held)
        add(plan.heldForThem, .theirs, .held)
        for (title, entry) in plan.base {
            draft.base.append(
                BaseRow(
                    facet: facet, item: title.uuid, title: title, kind: kind, value: entry.value?.stored,
                    was: entry.echo?.was?.stored, isLetGo: entry.isLetGo))
        }
        // A conflict that its person has decided is listed already.
        draft.clashes = plan.clashes.filter { circumstances.chosen[$0.title] == nil }.map {
            SyncClash(
                facet: facet, title: $0.title, kind: kind, base: $0.base?.stored, ours: $0.ours.stored,
                theirs: $0.theirs.stored, winner: $0.winner)
        }
        return (draft, plan.echoes > 0)
    }

    private func entry<Value: SyncStorable>(_ row: BaseRow) -> BaseEntry<Value> {
        var echo: BaseEntry<Value>.Echo?
        if let writtenAt = row.writtenAt, writtenAt.duration(to: frame.now) < limits.lag {
            echo = .init(
                was: row.was.flatMap { Value(stored: $0) },
                over: frame.activities.clockSkew.map { writtenAt.advanced(by: $0 + limits.clockDoubt) })
        }
        return BaseEntry(
            row.value.flatMap { Value(stored: $0) }, echo: echo, isLetGo: row.isLetGo,
            apart: row.isApart ? .init(ours: row.apart.flatMap { Value(stored: $0) }) : nil)
    }
}
