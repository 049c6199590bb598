package import Contracts

/// When a side's value came about.
package struct SyncMoment: Sendable, Hashable {
    package let at: Timestamp
    /// Whether it is known to the second; a day or a guess does not decide a conflict.
    package let isExact: Bool

    package init(at: Timestamp, isExact: Bool = true) {
        self.at = at
        self.isExact = isExact
    }
}

/// A value on one side.
package struct SyncValue<Value: Hashable & Sendable>: Sendable, Hashable {
    package let value: Value
    package let moment: SyncMoment?

    package init(_ value: Value, _ moment: SyncMoment? = nil) {
        self.value = value
        self.moment = moment
    }
}

/// What both sides last agreed on.
package struct BaseEntry<Value: Hashable & Sendable>: Sendable, Hashable {
    /// Nil if both agreed that it is gone; kept for as long as their readings may lag.
    package var value: Value?
    /// What they had before this was agreed, for as long as a lagging reading may still show it.
    package var echo: Echo?
    /// They dropped it by themselves (Trakt removes a watched title from the watchlist), which nobody asked for.
    package var isLetGo: Bool
    /// What we have instead, if both sides were left as they are when a sync was undone.
    package var apart: Apart?

    package struct Apart: Sendable, Hashable {
        /// Nil if we have nothing.
        package let ours: Value?

        package init(ours: Value?) { self.ours = ours }
    }

    package struct Echo: Sendable, Hashable {
        /// Nil if they had nothing.
        package let was: Value?
        /// A value that they date later than this came after the agreement and is not an echo. By their clock; nil if
        /// that is unknown, and then only waiting helps.
        package let over: Timestamp?

        package init(was: Value?, over: Timestamp? = nil) {
            self.was = was
            self.over = over
        }
    }

    package init(_ value: Value?, echo: Echo? = nil, isLetGo: Bool = false, apart: Apart? = nil) {
        self.apart = apart
        self.value = value
        self.echo = echo
        self.isLetGo = isLetGo
    }

    /// Whether what is shown may be older than the agreement: the value right before it, or any other value shortly
    /// before that we have never seen.
    fileprivate func doubts(_ shown: Value?, _ moment: SyncMoment?) -> Bool {
        guard let echo, shown != (isLetGo ? nil : value) else { return false }
        if let over = echo.over, let moment, moment.isExact, moment.at > over { return false }
        return true
    }

    /// Whether a reading may lag behind this.
    func isEcho(_ theirs: SideState<Value>) -> Bool {
        switch theirs {
        case .present(let shown): doubts(shown.value, shown.moment)
        case .unshown(.absent): doubts(nil, nil)
        case .unshown(.asAgreed), .unshown(.unknown): false
        }
    }
}

/// A side's state of an item.
package enum SideState<Value: Hashable & Sendable>: Sendable, Hashable {
    case present(SyncValue<Value>)
    case unshown(Unshown)
}

/// What to do about one item.
package enum ItemDecision<Value: Hashable & Sendable>: Sendable, Hashable {
    /// Nothing.
    case rest
    /// Both already have it: the base will say so.
    case agree(Value)
    /// Neither has it any more.
    case forget
    /// They get it.
    case give(Value)
    /// We get it.
    case take(Value)
    case removeTheirs
    case removeOurs(ProvenAbsence)
    /// They dropped it by themselves; it stays with us.
    case letGo(Value)
    /// Both changed it. `winner` stays; nil if the person is asked.
    case clash(ours: Value, theirs: Value, winner: SyncSide?)
    /// Both changed it, and the losing side may not be changed: the base records the losing value, so that the winning
    /// one is a later change and the losing one is not.
    case concede(Value)
}

/// The rule for one item: what both last agreed on, what we have, what they have.
package struct ItemRule: Sendable, Hashable {
    package let policy: FacetPolicy

    /// Times that differ by no more than this decide nothing.
    package static let closeTimes = Duration.seconds(120)

    package init(policy: FacetPolicy) { self.policy = policy }

    /// Returns the decision. `isExcused`: a removal there is known to be something nobody asked for.
    package func decide<Value>(
        base: BaseEntry<Value>?, ours: SyncValue<Value>?, theirs: SideState<Value>, isExcused: Bool = false
    ) -> ItemDecision<Value> {
        let agreed = base?.value
        let (their, moment, proof): (Value?, SyncMoment?, ProvenAbsence?)
        switch theirs {
        case .present(let shown): (their, moment, proof) = (shown.value, shown.moment, nil)
        case .unshown(.absent(let absence)): (their, moment, proof) = (nil, nil, absence)
        // What they dropped is still gone.
        case .unshown(.asAgreed): (their, moment, proof) = (base?.isLetGo == true ? nil : agreed, nil, nil)
        case .unshown(.unknown): return .rest
        }
        // A reading that may lag shows nothing new; in particular, it must not win over a later edit here.
        if let base, base.isEcho(theirs) { return lagging(base, ours, their) }
        if base?.isLetGo == true, let agreed {
            if let their {
                return their == agreed && ours?.value == agreed ? .agree(agreed) : .take(their).allowed(policy)
            }
            return ours == nil ? .forget : .rest
        }
        if let apart = base?.apart { return decide(apart, agreed, ours, their, moment) }
        switch (ours?.value != agreed, their != agreed) {
        case (false, false): return .rest
        case (true, false): return give(ours?.value)
        case (false, true): return take(their, agreed, proof, isExcused)
        case (true, true): return meet(ours, their, moment)
        }
    }

    /// Leaves both as they are until someone changes one of them.
    private func decide<Value>(
        _ apart: BaseEntry<Value>.Apart, _ agreed: Value?, _ ours: SyncValue<Value>?, _ their: Value?,
        _ moment: SyncMoment?
    ) -> ItemDecision<Value> {
        if let ours, ours.value == their { return .agree(ours.value) }
        switch (ours?.value != apart.ours, their != agreed) {
        case (false, false): return .rest
        case (true, false): return ours.map { .give($0.value).allowed(policy) } ?? .rest
        case (false, true): return their.map { .take($0).allowed(policy) } ?? .rest
        case (true, true): return meet(ours, their, moment)
        }
    }

    /// They will show the agreed value sooner or later. If they show the value right before it, what we changed since
    /// is sent at once; anything else is waited out.
    private func lagging<Value>(
        _ base: BaseEntry<Value>, _ ours: SyncValue<Value>?, _ their: Value?
    ) -> ItemDecision<Value> {
        let isApart = base.isLetGo || base.apart != nil
        if isApart || base.echo?.was != their || ours?.value == base.value { return .rest }
        return give(ours?.value)
    }

    private func give<Value>(_ value: Value?) -> ItemDecision<Value> {
        value.map { ItemDecision.give($0).allowed(policy) } ?? ItemDecision.removeTheirs.allowed(policy)
    }

    private func take<Value>(
        _ value: Value?, _ agreed: Value?, _ proof: ProvenAbsence?, _ isExcused: Bool
    ) -> ItemDecision<Value> {
        if let value { return ItemDecision.take(value).allowed(policy) }
        guard let agreed, let proof else { return .rest }
        return isExcused ? .letGo(agreed) : ItemDecision.removeOurs(proof).allowed(policy)
    }

    /// Both changed it.
    private func meet<Value>(
        _ ours: SyncValue<Value>?, _ their: Value?, _ moment: SyncMoment?
    ) -> ItemDecision<Value> {
        switch (ours, their) {
        case (nil, nil): return .forget
        // An edit beats a removal.
        case (nil, .some(let their)): return ItemDecision.take(their).allowed(policy)
        case (.some(let ours), nil): return ItemDecision.give(ours.value).allowed(policy)
        case (.some(let ours), .some(let their)):
            if ours.value == their { return .agree(their) }
            return ItemDecision.clash(
                ours: ours.value, theirs: their, winner: winner(ours.moment, moment)
            ).allowed(policy)
        }
    }

    private func winner(_ ours: SyncMoment?, _ theirs: SyncMoment?) -> SyncSide? {
        if let ours, let theirs, ours.isExact, theirs.isExact {
            let apart = ours.at.duration(to: theirs.at)
            if apart > Self.closeTimes { return .theirs }
            if apart < .zero - Self.closeTimes { return .ours }
        }
        switch policy.conflicts {
        case .ours: return .ours
        case .theirs: return .theirs
        case .ask: return nil
        }
    }
}

extension ItemDecision {
    /// The side that it changes; nil if it changes none.
    package var changes: SyncSide? {
        switch self {
        case .give, .removeTheirs: .theirs
        case .take, .removeOurs: .ours
        case .clash(_, _, let winner): winner?.other
        case .rest, .agree, .forget, .letGo, .concede: nil
        }
    }

    package var isRemoval: Bool {
        switch self {
        case .removeTheirs, .removeOurs: true
        default: false
        }
    }

    /// Returns `rest` if the policy forbids the decision. A side that may not be changed is left as it is, not
    /// corrected.
    func allowed(_ policy: FacetPolicy) -> ItemDecision {
        if isRemoval, !policy.deletes { return .rest }
        guard let changes, !policy.direction.changes(changes) else { return self }
        if case .clash(let ours, let theirs, let winner) = self { return .concede(winner == .ours ? theirs : ours) }
        return .rest
    }
}
