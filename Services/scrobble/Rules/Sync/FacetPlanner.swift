package import Contracts

/// A title's value on one side.
package struct TitleValue<Value: Hashable & Sendable>: Sendable, Hashable {
    package let title: TitleID
    package let value: SyncValue<Value>

    package init(_ title: TitleID, _ value: Value, _ moment: SyncMoment? = nil) {
        self.title = title
        self.value = SyncValue(value, moment)
    }
}

/// Plans a facet that has one value per title. Pure: base, both sides and policy in, a plan out.
package struct FacetPlanner<Value: Hashable & Comparable & Sendable>: Sendable {
    package let policy: FacetPolicy
    package let brake: RemovalBrake

    package init(policy: FacetPolicy, brake: RemovalBrake = .standard) {
        self.policy = policy
        self.brake = brake
    }

    /// Inputs other than base, sides and policy.
    package struct Circumstances: Sendable {
        /// Titles with a write of ours under way, and others that are left alone.
        package var inFlight: Set<TitleID> = []
        /// Titles that the other side drops by itself.
        package var excused: Set<TitleID> = []
        /// Conflicts that the person has decided.
        package var chosen: [TitleID: SyncSide] = [:]
        /// Sides whose removals the person has confirmed.
        package var confirmed: Set<SyncSide> = []

        package init() {}
    }

    /// Returns the plan. The order of the rows does not matter; of rows for one title, the latest counts.
    // Ratings are by far the most numerous; planning them from another module, such as the benchmark, uses the same
    // code as the service.
    @_specialize(where Value == Int)
    package func plan(
        base: [TitleID: BaseEntry<Value>], ours: [TitleValue<Value>], theirs: Snapshot<TitleValue<Value>>,
        _ circumstances: Circumstances = Circumstances()
    ) -> FacetPlan<Value> {
        guard policy.direction != .off else { return FacetPlan() }
        let own = Self.latest(ours)
        let shown = Self.latest(theirs.rows)
        let unshown = theirs.unshown
        let rule = ItemRule(policy: policy)
        var draft = Draft()
        // At the first contact, the base knows none of the titles.
        draft.reserve(base.isEmpty ? max(own.count, shown.count) : 0)
        func settle(
            _ title: TitleID, _ entry: BaseEntry<Value>?, _ mine: SyncValue<Value>?, _ shown: SyncValue<Value>?
        ) {
            guard !circumstances.inFlight.contains(title) else { return }
            let their = shown.map(SideState.present) ?? .unshown(unshown)
            var decision = rule.decide(
                base: entry, ours: mine, theirs: their, isExcused: circumstances.excused.contains(title))
            if let entry, entry.isEcho(their) { draft.echoed() }
            if case .clash(let ours, let theirs, nil) = decision, let side = circumstances.chosen[title] {
                decision = .clash(ours: ours, theirs: theirs, winner: side).allowed(policy)
            }
            if decision != .rest { draft.add(decision, title, entry, mine?.value, shown?.value) }
        }
        for (title, mine) in own { settle(title, base[title], mine, shown[title]) }
        for (title, shown) in shown where own[title] == nil { settle(title, base[title], nil, shown) }
        for (title, entry) in base where own[title] == nil && shown[title] == nil { settle(title, entry, nil, nil) }
        let agreedCount = base.reduce(0) { $0 + ($1.value.value == nil ? 0 : 1) }
        return draft.finished(brake, agreedCount: agreedCount, circumstances.confirmed)
    }

    /// A title may have two rows if a list moves while it is read.
    private static func latest(_ rows: [TitleValue<Value>]) -> [TitleID: SyncValue<Value>] {
        var found: [TitleID: SyncValue<Value>] = [:]
        found.reserveCapacity(rows.count)
        for row in rows {
            guard let other = found.updateValue(row.value, forKey: row.title) else { continue }
            if isLater(other, row.value) { found[row.title] = other }
        }
        return found
    }

    private static func isLater(_ one: SyncValue<Value>, _ other: SyncValue<Value>) -> Bool {
        switch (one.moment, other.moment) {
        case (.some(let left), .some(let right)) where left.at != right.at: left.at > right.at
        case (.some, nil): true
        case (nil, .some): false
        default: one.value > other.value
        }
    }

    /// The plan while it is being built.
    private struct Draft {
        private var plan = FacetPlan<Value>()
        private var removals: [SyncSide: [ItemChange<Value>]] = [:]

        mutating func reserve(_ count: Int) { plan.base.reserveCapacity(count) }

        mutating func echoed() { plan.echoes += 1 }

        mutating func add(
            _ decision: ItemDecision<Value>, _ title: TitleID, _ base: BaseEntry<Value>?, _ ours: Value?,
            _ theirs: Value?
        ) {
            switch decision {
            case .rest: break
            case .agree(let value), .concede(let value):
                plan.base[title] = BaseEntry(value, echo: .init(was: base?.value))
            case .letGo(let value):
                plan.base[title] = BaseEntry(value, echo: .init(was: base?.value), isLetGo: true)
            // Kept for as long as a late reading may show it again, which would restore what neither side has.
            case .forget: plan.base[title] = BaseEntry(nil, echo: .init(was: base?.value))
            case .give(let value): plan.forThem.append(ItemChange(title: title, was: theirs, becomes: value))
            case .take(let value): plan.forUs.append(ItemChange(title: title, was: ours, becomes: value))
            case .removeTheirs:
                removals[.theirs, default: []].append(ItemChange(title: title, was: theirs, becomes: nil))
            case .removeOurs: removals[.ours, default: []].append(ItemChange(title: title, was: ours, becomes: nil))
            case .clash(let ours, let theirs, let winner):
                plan.clashes.append(
                    ItemClash(title: title, base: base?.value, ours: ours, theirs: theirs, winner: winner))
                switch winner {
                case .ours: plan.forThem.append(ItemChange(title: title, was: theirs, becomes: ours))
                case .theirs: plan.forUs.append(ItemChange(title: title, was: ours, becomes: theirs))
                case nil: break
                }
            }
        }

        consuming func finished(
            _ brake: RemovalBrake, agreedCount: Int, _ confirmed: Set<SyncSide>
        ) -> FacetPlan<Value> {
            var plan = plan
            for (side, changes) in removals {
                let verdict = brake.verdict(changes.count, of: agreedCount)
                let isFree = verdict == .go || (confirmed.contains(side) && verdict != .failed)
                if !isFree { plan.brakes[side] = verdict }
                switch (side, isFree) {
                case (.ours, true): plan.forUs += changes
                case (.theirs, true): plan.forThem += changes
                case (.ours, false): plan.heldForUs = changes
                case (.theirs, false): plan.heldForThem = changes
                }
            }
            plan.forUs.sort { $0.title < $1.title }
            plan.forThem.sort { $0.title < $1.title }
            plan.heldForUs.sort { $0.title < $1.title }
            plan.heldForThem.sort { $0.title < $1.title }
            plan.clashes.sort { $0.title < $1.title }
            return plan
        }
    }
}
