import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

/// The rule for a single item, by table and by a million random cases.
@Suite struct ItemRuleTests {
    private typealias Decision = ItemDecision<Int>

    /// The only proof there is, from a list that proved to be empty.
    static let gone: SideState<Int> = {
        var tally = PageTally()
        tally.add(PageTally.Page(number: 1, rowCount: 0, limit: 100, pageCount: 1, itemCount: 0))
        let snapshot: Snapshot<Int> = tally.snapshot([], isMoved: true, agreedCount: 0)
        return .unshown(snapshot.unshown)
    }()

    private static func decide(
        _ base: Int?, _ ours: Int?, _ theirs: Int?, _ policy: FacetPolicy = FacetPolicy(direction: .both),
        ourTime: Int64? = nil, theirTime: Int64? = nil
    ) -> Decision {
        func value(_ value: Int?, _ time: Int64?) -> SyncValue<Int>? {
            value.map { SyncValue($0, time.map { SyncMoment(at: moment($0)) }) }
        }
        return ItemRule(policy: policy).decide(
            base: base.map { BaseEntry($0) }, ours: value(ours, ourTime),
            theirs: value(theirs, theirTime).map(SideState.present) ?? gone)
    }

    private static func moment(_ seconds: Int64) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: seconds * 1_000_000)
    }

    @Test("Every combination of base, ours and theirs")
    func table() {
        guard case .unshown(.absent(let proof)) = Self.gone else {
            Issue.record("an empty list that proved itself proves nothing")
            return
        }
        let cases: [(base: Int?, ours: Int?, theirs: Int?, expected: Decision)] = [
            (nil, nil, nil, .rest), (nil, 7, nil, .give(7)), (nil, nil, 7, .take(7)), (nil, 7, 7, .agree(7)),
            (nil, 7, 8, .clash(ours: 7, theirs: 8, winner: .ours)),
            (7, 7, 7, .rest), (7, 7, 8, .take(8)), (7, 8, 7, .give(8)), (7, 8, 8, .agree(8)),
            (7, 8, 9, .clash(ours: 8, theirs: 9, winner: .ours)),
            (7, 7, nil, .removeOurs(proof)), (7, nil, 7, .removeTheirs), (7, nil, nil, .forget),
            // An edit beats a removal.
            (7, nil, 8, .take(8)), (7, 8, nil, .give(8)),
        ]
        for item in cases {
            let decision = Self.decide(item.base, item.ours, item.theirs)
            #expect(decision == item.expected, "\(item)")
        }
    }

    @Test("Of two changes the newer stays where both times are exact and more than two minutes apart")
    func times() {
        let policy = FacetPolicy(direction: .both, conflicts: .ask)
        func winner(_ ours: Int64?, _ theirs: Int64?) -> SyncSide? {
            guard case .clash(_, _, let winner) = Self.decide(5, 7, 8, policy, ourTime: ours, theirTime: theirs) else {
                Issue.record("no clash")
                return nil
            }
            return winner
        }
        #expect(winner(1_000, 1_121) == .theirs)
        #expect(winner(1_121, 1_000) == .ours)
        for (ours, theirs) in [(1_000, 1_120), (1_120, 1_000), (1_000, nil), (nil, 1_000), (nil, nil)]
            as [(
                Int64?, Int64?
            )]
        { #expect(winner(ours, theirs) == nil) }
        let vague = ItemRule(policy: policy).decide(
            base: BaseEntry(5), ours: SyncValue(7, SyncMoment(at: Self.moment(9_000), isExact: false)),
            theirs: .present(SyncValue(8, SyncMoment(at: Self.moment(0)))))
        #expect(vague == .clash(ours: 7, theirs: 8, winner: nil), "a day decides nothing")
    }

    @Test("A side that the policy leaves alone is not put right either, and removals can be switched off")
    func policies() {
        let send = FacetPolicy(direction: .send), receive = FacetPolicy(direction: .receive)
        #expect(Self.decide(7, 7, 8, send) == .rest)
        #expect(Self.decide(7, 7, nil, send) == .rest)
        #expect(Self.decide(7, 8, 7, receive) == .rest)
        #expect(Self.decide(7, nil, 7, receive) == .rest)
        #expect(Self.decide(7, 8, 7, send) == .give(8))
        #expect(Self.decide(7, 8, 9, receive) == .concede(9), "ours stays, and they may not be told")
        for ours in [8, nil] {
            #expect(Self.decide(9, ours, 9, receive) == .rest, "what lost comes back when what won is taken away")
        }
        #expect(Self.decide(9, 8, 9) == .give(8), "what won is told once that is allowed")
        let theirsFirst = FacetPolicy(direction: .send, conflicts: .theirs)
        #expect(Self.decide(7, 8, 9, theirsFirst) == .concede(8), "theirs stays, and ours may not be changed")
        #expect(Self.decide(8, 8, nil, theirsFirst) == .rest)
        let keeping = FacetPolicy(direction: .both, deletes: false)
        #expect(Self.decide(7, nil, 7, keeping) == .rest)
        #expect(Self.decide(7, 7, nil, keeping) == .rest)
    }

    @Test("A reading that may lag behind what was agreed is an echo, whatever it shows; what is dated later counts")
    func echoes() {
        let rule = ItemRule(policy: FacetPolicy(direction: .both))
        func decide(_ base: BaseEntry<Int>, _ ours: Int?, _ theirs: Int?, dated seconds: Int64? = nil) -> Decision {
            let moment = seconds.map { SyncMoment(at: Self.moment($0)) }
            return rule.decide(
                base: base, ours: ours.map { SyncValue($0) },
                theirs: theirs.map { .present(SyncValue($0, moment)) } ?? Self.gone)
        }
        let written = BaseEntry(8, echo: .init(was: 5))
        #expect(decide(written, 8, 5) == .rest, "what they had before")
        #expect(decide(written, 8, 8) == .rest, "what we wrote")
        #expect(decide(written, 8, 3, dated: 500) == .rest, "what may have been there before")
        #expect(decide(written, 9, 5) == .give(9), "what we changed since")
        #expect(decide(written, 9, 3) == .rest, "what may have been there before wins over nothing")
        #expect(decide(written, 9, 9) == .rest, "nor does it agree")
        let timed = BaseEntry(8, echo: .init(was: 5, over: Self.moment(1_000)))
        #expect(decide(timed, 8, 3, dated: 1_001) == .take(3), "what somebody wrote since")
        #expect(decide(timed, 8, 5, dated: 1_001) == .take(5), "and be it what was there before")
        #expect(decide(timed, 8, 3, dated: 1_000) == .rest)
        #expect(decide(timed, 8, 3) == .rest, "without a date")
        let added = BaseEntry(8, echo: .init(was: nil))
        #expect(decide(added, 8, nil) == .rest, "not seen yet is not removed")
        let removed = BaseEntry<Int>(nil, echo: .init(was: 8))
        #expect(decide(removed, nil, 8) == .rest, "seen still is not added again")
        #expect(decide(removed, nil, 9) == .rest)
        #expect(decide(BaseEntry(nil, echo: .init(was: 8, over: Self.moment(0))), nil, 8, dated: 1) == .take(8))
        #expect(decide(BaseEntry(nil), nil, 8) == .take(8), "the lag is over: they have it")
    }

    @Test("What they let go of by themselves stays here and is not sent again")
    func letGo() {
        let rule = ItemRule(policy: FacetPolicy(direction: .both))
        #expect(
            rule.decide(base: BaseEntry(1), ours: SyncValue(1), theirs: Self.gone, isExcused: true) == .letGo(1))
        let base = BaseEntry(1, isLetGo: true)
        // If the list was not read, it is still gone: neither agreed on again, nor restored where the person removed it
        // here.
        #expect(rule.decide(base: base, ours: SyncValue(1), theirs: .unshown(.asAgreed)) == .rest)
        #expect(rule.decide(base: base, ours: nil, theirs: .unshown(.asAgreed)) == .forget)
        #expect(rule.decide(base: base, ours: SyncValue(1), theirs: Self.gone) == .rest)
        #expect(rule.decide(base: base, ours: nil, theirs: Self.gone) == .forget)
        #expect(rule.decide(base: base, ours: SyncValue(1), theirs: .present(SyncValue(1))) == .agree(1))
        #expect(rule.decide(base: base, ours: nil, theirs: .present(SyncValue(1))) == .take(1), "they put it back")
        let fresh = BaseEntry(1, echo: .init(was: nil), isLetGo: true)
        for ours in [nil, SyncValue(1)] {
            #expect(rule.decide(base: fresh, ours: ours, theirs: .present(SyncValue(1))) == .rest, "seen still")
        }
    }

    @Test("What a reading does not show is never removed unless the reading proved itself")
    func unproven() {
        let rule = ItemRule(policy: FacetPolicy(direction: .both))
        for unshown in [Unshown.asAgreed, .unknown] {
            for base in [nil, 7] as [Int?] {
                for ours in [nil, 7, 8] as [Int?] {
                    let decision = rule.decide(
                        base: base.map { BaseEntry($0) }, ours: ours.map { SyncValue($0) }, theirs: .unshown(unshown))
                    if case .removeOurs = decision { Issue.record("\(base as Any) \(ours as Any)") }
                    if unshown == .unknown { #expect(decision == .rest) }
                }
            }
        }
    }

    // MARK: A million cases

    /// A random case: values 0 (absent) to 3, times 0 (unknown) or within a quarter of an hour.
    private struct Drawn {
        var base, ours, theirs: Int?
        var ourTime, theirTime: Int64?
        var policy: FacetPolicy

        init(_ bits: UInt64, _ conflicts: ConflictRule) {
            func value(_ shift: UInt64) -> Int? {
                let value = Int(bits >> shift & 3)
                return value == 0 ? nil : value
            }
            func time(_ shift: UInt64) -> Int64? {
                let drawn = Int64(bits >> shift & 1_023)
                return drawn < 64 ? nil : drawn
            }
            (base, ours, theirs) = (value(0), value(2), value(4))
            (ourTime, theirTime) = (time(8), time(24))
            policy = FacetPolicy(direction: .both, conflicts: conflicts)
        }

        var decision: Decision {
            ItemRuleTests.decide(base, ours, theirs, policy, ourTime: ourTime, theirTime: theirTime)
        }

        /// The same case with the sides swapped.
        var mirrored: Drawn {
            var other = self
            (other.ours, other.theirs, other.ourTime, other.theirTime) = (theirs, ours, theirTime, ourTime)
            return other
        }

        /// Updates both sides and the base according to the decision.
        mutating func apply(_ decision: Decision) {
            switch decision {
            case .rest, .letGo, .concede: break
            case .agree(let value): base = value
            case .forget: base = nil
            case .give(let value): (theirs, theirTime, base) = (value, ourTime, value)
            case .take(let value): (ours, ourTime, base) = (value, theirTime, value)
            case .removeTheirs: (theirs, base) = (nil, nil)
            case .removeOurs: (ours, base) = (nil, nil)
            case .clash(let mine, _, .ours): (theirs, theirTime, base) = (mine, ourTime, mine)
            case .clash(_, let their, .theirs): (ours, ourTime, base) = (their, theirTime, their)
            case .clash(_, _, nil): break
            }
        }
    }

    private static func mirror(_ decision: Decision) -> Decision? {
        switch decision {
        case .rest, .agree, .forget, .letGo, .concede: decision
        case .give(let value): .take(value)
        case .take(let value): .give(value)
        // A proof cannot be constructed, so the two removals are compared by kind.
        case .removeTheirs, .removeOurs: nil
        case .clash(let ours, let theirs, let winner): .clash(ours: theirs, theirs: ours, winner: winner?.other)
        }
    }

    /// Returns what is wrong with a case, or nil.
    private static func fault(_ drawn: Drawn) -> String? {
        let decision = drawn.decision
        if decision.isRemoval {
            guard let base = drawn.base else { return "a removal without a base" }
            let kept = decision.changes == .ours ? drawn.ours : drawn.theirs
            if kept != base { return "a removal of what was edited" }
            if decision.changes == .theirs, drawn.ours != nil { return "a removal of what is here" }
        }
        if drawn.policy.conflicts == .ask {
            let other = drawn.mirrored.decision
            let isMirrored =
                mirror(decision).map { $0 == other } ?? (other.isRemoval && other.changes != decision.changes)
            if !isMirrored { return "not symmetric: \(decision), mirrored \(other)" }
        }
        var after = drawn
        after.apply(decision)
        var rounds = 1
        while rounds < 3, after.decision != .rest, !isOpen(after.decision) {
            after.apply(after.decision)
            rounds += 1
        }
        let last = after.decision
        if isOpen(last) { return drawn.policy.conflicts == .ask ? nil : "an open conflict" }
        if last != .rest { return "still \(last) after \(rounds) rounds" }
        if after.ours != after.theirs { return "apart: \(after.ours as Any) and \(after.theirs as Any)" }
        if rounds > 1 { return "a second run had \(rounds) rounds of work" }
        return nil
    }

    private static func isOpen(_ decision: Decision) -> Bool {
        if case .clash(_, _, nil) = decision { true } else { false }
    }

    @Test("A million cases converge, mirror, rest, and remove only what nobody edited")
    func millionCases() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        var decisions: [Bool: Int] = [:]
        for count in 0..<1_000_000 {
            let bits = random.next()
            let drawn = Drawn(bits, [.ours, .theirs, .ask, .ask][Int(bits >> 60 & 3)])
            if let fault = Self.fault(drawn) {
                Issue.record("seed \(seed), case \(count): \(fault), \(drawn)")
                return
            }
            decisions[drawn.base == nil, default: 0] += 1
        }
        #expect(decisions.values.reduce(0, +) == 1_000_000)
    }
}
