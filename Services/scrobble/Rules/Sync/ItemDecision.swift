package import Contracts

/// When a side's value came to be.
package struct SyncMoment: Sendable, Hashable {
    package let at: Timestamp
    /// Known to the second; a day or a guess does not decide a conflict.
    package let isExact: Bool

    package init(at: Timestamp, isExact: Bool = true) {
        self.at = at
        self.isExact = isExact
    }
}

/// A value as one side has it.
package struct SyncValue<Value: Hashable & Sendable>: Sendable, Hashable {
    package let value: Value
    package let moment: SyncMoment?

    package init(_ value: Value, _ moment: SyncMoment? = nil) {
        self.value = value
        self.moment = moment
    }
}

/// What both sides agreed on last.
package struct BaseEntry<Value: Hashable & Sendable>: Sendable, Hashable {
    /// Nil where both agreed that it is gone; kept for as long as their readings may lag.
    package var value: Value?
    /// What they had before this was agreed, for as long as a lagging reading may still show it.
    package var echo: Echo?
    /// They let go of it by themselves (Trakt takes a watched title off the watchlist), which is nobody's wish.
    package var isLetGo: Bool

    package struct Echo: Sendable, Hashable {
        /// Nil where they had nothing.
        package let was: Value?

        package init(was: Value?) { self.was = was }
    }

    package init(_ value: Value?, echo: Echo? = nil, isLetGo: Bool = false) {
        self.value = value
        self.echo = echo
        self.isLetGo = isLetGo
    }

    /// Whether a reading shows what was there before.
    func isEcho(_ shown: Value?, _ unshown: Unshown) -> Bool {
        guard let echo, echo.was == shown, shown != value else { return false }
        if shown == nil, case .absent = unshown { return true }
        return shown != nil
    }
}

/// What a side has of an item.
package enum SideState<Value: Hashable & Sendable>: Sendable, Hashable {
    case present(SyncValue<Value>)
    case unshown(Unshown)
}

/// What is to be done about one item.
package enum ItemDecision<Value: Hashable & Sendable>: Sendable, Hashable {
    /// Nothing.
    case rest
    /// Both have it already: the base is to say so.
    case agree(Value)
    /// Neither has it any more.
    case forget
    /// To them.
    case give(Value)
    /// To us.
    case take(Value)
    case removeTheirs
    case removeOurs(ProvenAbsence)
    /// They let go of it by themselves; it stays with us.
    case letGo(Value)
    /// Both changed it. `winner` stays; nil where the person is asked.
    case clash(ours: Value, theirs: Value, winner: SyncSide?)
}

/// The rule for one item: what both agreed on last, what we have, what they have.
package struct ItemRule: Sendable, Hashable {
    package let policy: FacetPolicy

    /// Times that differ by no more than this decide nothing.
    package static let closeTimes = Duration.seconds(120)

    package init(policy: FacetPolicy) { self.policy = policy }

    /// `isExcused`: a removal over there is known to be nobody's wish.
    package func decide<Value>(
        base: BaseEntry<Value>?, ours: SyncValue<Value>?, theirs: SideState<Value>, isExcused: Bool = false
    ) -> ItemDecision<Value> {
        let agreed = base?.value
        let (their, moment, proof): (Value?, SyncMoment?, ProvenAbsence?)
        switch theirs {
        case .present(let shown): (their, moment, proof) = (shown.value, shown.moment, nil)
        case .unshown(.absent(let absence)): (their, moment, proof) = (nil, nil, absence)
        case .unshown(.asAgreed): (their, moment, proof) = (agreed, nil, nil)
        case .unshown(.unknown): return .rest
        }
        // A reading that lags behind our own write shows nothing new.
        if let echo = base?.echo, echo.was == their, their != agreed { return lagging(agreed, ours) }
        if base?.isLetGo == true, let agreed {
            if let their {
                return their == agreed && ours?.value == agreed ? .agree(agreed) : .take(their).allowed(policy)
            }
            return ours == nil ? .forget : .rest
        }
        switch (ours?.value != agreed, their != agreed) {
        case (false, false): return .rest
        case (true, false): return give(ours?.value)
        case (false, true): return take(their, agreed, proof, isExcused)
        case (true, true): return meet(ours, their, moment)
        }
    }

    /// They will show the agreed value sooner or later; only what we changed since then is told.
    private func lagging<Value>(_ agreed: Value?, _ ours: SyncValue<Value>?) -> ItemDecision<Value> {
        ours?.value == agreed ? .rest : give(ours?.value)
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
    /// The side that it changes; nil where it changes none.
    package var changes: SyncSide? {
        switch self {
        case .give, .removeTheirs: .theirs
        case .take, .removeOurs: .ours
        case .clash(_, _, let winner): winner?.other
        case .rest, .agree, .forget, .letGo: nil
        }
    }

    package var isRemoval: Bool {
        switch self {
        case .removeTheirs, .removeOurs: true
        default: false
        }
    }

    /// Nothing, where the policy does not let it happen. A side that may not be changed is left as it is, not put right.
    func allowed(_ policy: FacetPolicy) -> ItemDecision {
        if isRemoval, !policy.deletes { return .rest }
        guard let changes else { return self }
        return policy.direction.changes(changes) ? self : .rest
    }
}
