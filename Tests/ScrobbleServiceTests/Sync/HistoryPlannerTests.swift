import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct HistoryPlannerTests {
    private static let planner = HistoryPlanner(policy: FacetPolicy(direction: .both))
    private static let film = TitleID(UUIDBits(high: 7, low: 1))

    private static func id(_ number: Int) -> PlayID { PlayID(UUIDBits(high: 9, low: UInt64(number))) }

    private static func at(_ minutes: Double) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: 1_790_000_040_000_000 + Int64(minutes * 60_000_000))
    }

    private static func ours(_ number: Int, _ minutes: Double, removed: Bool = false) -> OurPlay {
        let moment = at(minutes)
        return OurPlay(
            id: id(number), title: film, moment: .second(moment, day: moment.date), runtimeMinutes: 90,
            isRemoved: removed)
    }

    private static func theirs(_ number: Int64, _ minutes: Double) -> TheirPlay {
        TheirPlay(id: number, title: film, watchedAt: at(minutes))
    }

    private static func complete(_ plays: [TheirPlay]) -> Snapshot<TheirPlay> {
        var tally = PageTally()
        tally.add(PageTally.Page(number: 1, rowCount: plays.count, limit: 1_000, pageCount: 1, itemCount: plays.count))
        return tally.snapshot(plays, isMoved: true, agreedCount: 0)
    }

    @Test("Plays that overlap are one; every further play is a play of its own, both ways")
    func pairing() {
        let plan = Self.planner.plan(
            base: [], ours: [Self.ours(1, 0), Self.ours(2, 3_000), Self.ours(3, 9_000)],
            theirs: Self.complete([Self.theirs(11, 1), Self.theirs(12, 3_000), Self.theirs(13, 20_000)]))
        #expect(
            plan.pairs == [
                PlayPair(play: Self.id(1), title: Self.film, theirs: 11),
                PlayPair(play: Self.id(2), title: Self.film, theirs: 12),
            ])
        #expect(plan.forThem.map(\.id) == [Self.id(3)] && plan.forUs.map(\.id) == [13])
        #expect(plan.removeOurs.isEmpty && plan.removeTheirs.isEmpty)
    }

    @Test("Two plays of two minutes are two; a play here pairs with the nearest there")
    func multiset() {
        let plan = Self.planner.plan(
            base: [], ours: [Self.ours(1, 0)], theirs: Self.complete([Self.theirs(11, 0), Self.theirs(12, 1)]))
        #expect(plan.pairs.map(\.theirs) == [11] && plan.forUs.map(\.id) == [12])
        let near = Self.planner.plan(
            base: [], ours: [Self.ours(1, 0), Self.ours(2, 20)],
            theirs: Self.complete([Self.theirs(11, 19), Self.theirs(12, 2)]))
        #expect(near.pairs.map(\.theirs) == [12, 11])
    }

    @Test("What is listed twice there at one moment is one play here, which neither comes again nor goes with a double")
    func doubles() {
        let both = [Self.theirs(11, 0), Self.theirs(12, 0)]
        let ours = [Self.ours(1, 0)]
        let first = Self.planner.plan(base: [], ours: ours, theirs: Self.complete(both))
        #expect(first.pairs.map(\.theirs) == [11] && first.forUs.isEmpty)
        #expect(Self.planner.plan(base: first.pairs, ours: ours, theirs: Self.complete(both)).isEmpty)
        // Without a play here, the two arrive as one.
        #expect(Self.planner.plan(base: [], ours: [], theirs: Self.complete(both)).forUs.map(\.id) == [11])
        let unknown = [11, 12].map { TheirPlay(id: $0, title: Self.film, watchedAt: nil) }
        #expect(Self.planner.plan(base: [], ours: [], theirs: Self.complete(unknown)).forUs.map(\.id) == [11])
        // One of the two is removed there, whichever we had matched: the play stays, and has the other row from then
        // on.
        for left in both {
            let plan = Self.planner.plan(base: first.pairs, ours: ours, theirs: Self.complete([left]))
            #expect(plan.removeOurs.isEmpty && plan.forUs.isEmpty && plan.forThem.isEmpty)
            #expect(plan.pairs.map(\.theirs) == (left.id == 11 ? [] : [12]))
        }
        // Both are removed: that is a removal.
        let gone = Self.planner.plan(base: first.pairs, ours: ours, theirs: Self.complete([]))
        #expect(gone.removeOurs == [Self.id(1)])
        // Removed here, the matched row is removed there; the duplicate stays and does not come back.
        let removed = [Self.ours(1, 0, removed: true)]
        let plan = Self.planner.plan(base: first.pairs, ours: removed, theirs: Self.complete(both))
        #expect(plan.removeTheirs.map(\.theirs) == [11] && plan.forUs.isEmpty)
        let rest = Self.planner.plan(base: [], ours: removed, theirs: Self.complete([both[1]]))
        #expect(rest.forUs.isEmpty && rest.pairs.map(\.isApart) == [true])
    }

    @Test("Removed on one side, removed on the other: only what both had, only with proof")
    func removals() {
        let base = (1...3).map { PlayPair(play: Self.id($0), title: Self.film, theirs: Int64($0 + 10)) }
        let plays = [Self.ours(1, 0), Self.ours(2, 3_000, removed: true), Self.ours(3, 9_000)]
        let shown = [Self.theirs(12, 3_000), Self.theirs(13, 9_000)]
        let plan = Self.planner.plan(base: base, ours: plays, theirs: Self.complete(shown))
        #expect(plan.removeOurs == [Self.id(1)] && plan.removeTheirs.map(\.theirs) == [12])
        for unproven in [Snapshot.partial(shown), .changes(shown)] {
            let plan = Self.planner.plan(base: base, ours: plays, theirs: unproven, since: Self.at(-9_000))
            #expect(plan.removeOurs.isEmpty && plan.removeTheirs.map(\.theirs) == [12] && plan.forThem.isEmpty)
        }
        let both = Self.planner.plan(
            base: base, ours: plays, theirs: Self.complete([Self.theirs(11, 0), Self.theirs(13, 9_000)]))
        #expect(both.forgotten == [Self.id(2)])
    }

    @Test("What was removed here before both met stays removed here and untouched there, for good")
    func apart() {
        let removed = Self.ours(1, 0, removed: true)
        let snapshot = Self.complete([Self.theirs(11, 0)])
        let first = Self.planner.plan(base: [], ours: [removed], theirs: snapshot)
        #expect(first.forUs.isEmpty && first.removeTheirs.isEmpty && first.pairs.map(\.isApart) == [true])
        let second = Self.planner.plan(base: first.pairs, ours: [removed], theirs: snapshot)
        #expect(second.isEmpty)
        let restored = Self.planner.plan(base: first.pairs, ours: [Self.ours(1, 0)], theirs: snapshot)
        #expect(restored.pairs.map(\.isApart) == [false])
    }

    @Test("What we wrote is not written again while their reading lags, and is found when it shows")
    func lag() {
        let fresh = PlayPair(play: Self.id(1), title: Self.film, theirs: nil, isFresh: true)
        let waiting = Self.planner.plan(base: [fresh], ours: [Self.ours(1, 0.5)], theirs: Self.complete([]))
        #expect(waiting.isEmpty)
        let seen = Self.planner.plan(
            base: [fresh], ours: [Self.ours(1, 0.5)], theirs: Self.complete([Self.theirs(11, 0)]))
        #expect(seen.pairs == [PlayPair(play: Self.id(1), title: Self.film, theirs: 11)] && seen.forThem.isEmpty)
        let old = PlayPair(play: Self.id(1), title: Self.film, theirs: nil)
        let gone = Self.planner.plan(base: [old], ours: [Self.ours(1, 0.5)], theirs: Self.complete([]))
        #expect(
            gone.removeOurs == [Self.id(1)], "taken for theirs to have removed it, long after we were told it is there")
        let unread = Self.planner.plan(base: [old], ours: [Self.ours(1, 0.5)], theirs: .partial([]))
        #expect(unread.isEmpty)
    }

    @Test("Gone there as well, what was taken out here before both met is forgotten; put back later it is told")
    func apartEnds() {
        let apart = PlayPair(play: Self.id(1), title: Self.film, theirs: 11, isApart: true)
        let gone = Self.planner.plan(
            base: [apart], ours: [Self.ours(1, 0, removed: true)], theirs: Self.complete([]))
        #expect(gone.forgotten == [Self.id(1)] && gone.removeOurs.isEmpty && gone.forThem.isEmpty)
        let restored = Self.planner.plan(base: [apart], ours: [Self.ours(1, 0)], theirs: Self.complete([]))
        #expect(restored.forgotten == [Self.id(1)] && restored.forThem.map(\.id) == [Self.id(1)])
        let unproven = Self.planner.plan(base: [apart], ours: [Self.ours(1, 0)], theirs: .partial([]))
        #expect(unproven.isEmpty)
    }

    @Test("What they were told to take out a moment ago is neither met again in a late reading nor removed here for it")
    func leaving() {
        let leaving = LeavingPlays(plays: [Self.id(1)], rows: [11])
        let late = Self.complete([Self.theirs(11, 0)])
        for removed in [true, false] {
            // A stale reading; the base has forgotten the play.
            let shown = Self.planner.plan(
                base: [], ours: [Self.ours(1, 0, removed: removed)], theirs: late, inFlight: [Self.id(1)],
                leaving: leaving)
            #expect(shown.isEmpty, "removed \(removed)")
            let unknownRow = Self.planner.plan(
                base: [], ours: [Self.ours(1, 0, removed: removed)], theirs: late, inFlight: [Self.id(1)],
                leaving: LeavingPlays(plays: [Self.id(1)]))
            #expect(unknownRow.isEmpty, "removed \(removed)")
        }
        // The play has another date here since then: nothing in the play itself says which row it was.
        for apart in [0, 1] {
            let old = Self.complete([Self.theirs(11, Double(apart)), Self.theirs(12, 2)])
            let edited = Self.planner.plan(
                base: [], ours: [Self.ours(1, 50_000)], theirs: old, inFlight: [Self.id(1)],
                leaving: LeavingPlays(
                    plays: [Self.id(1)], moments: [LeavingMoment(title: Self.film, at: Self.at(0))]))
            #expect(edited.forUs.map(\.id) == [12] && edited.forThem.isEmpty, "\(apart) minutes apart")
        }
        // Put back here while the removal was in progress.
        let pair = PlayPair(play: Self.id(1), title: Self.film, theirs: 11)
        let back = Self.planner.plan(
            base: [pair], ours: [Self.ours(1, 0)], theirs: Self.complete([]), inFlight: [Self.id(1)], leaving: leaving)
        #expect(back.removeOurs.isEmpty)
        let lasting = Self.planner.plan(base: [], ours: [Self.ours(1, 0)], theirs: Self.complete([]))
        #expect(lasting.forThem.map(\.id) == [Self.id(1)], "once it is over it is told again")
    }

    @Test("Taken out here after it was told, a play is taken out there as soon as its row shows")
    func toldAndRemoved() {
        let told = PlayPair(play: Self.id(1), title: Self.film, theirs: nil)
        let plan = Self.planner.plan(
            base: [told], ours: [Self.ours(1, 0, removed: true)], theirs: Self.complete([Self.theirs(11, 0)]))
        #expect(plan.removeTheirs.map(\.theirs) == [11] && plan.pairs.map(\.isApart) == [false])
    }

    @Test("Of two plays of one minute the one that was told is met first")
    func twins() {
        let told = PlayPair(play: Self.id(2), title: Self.film, theirs: nil)
        let plan = Self.planner.plan(
            base: [told], ours: [Self.ours(1, 0), Self.ours(2, 0)], theirs: Self.complete([Self.theirs(11, 0)]))
        #expect(plan.pairs.map(\.play) == [Self.id(2)] && plan.forThem.map(\.id) == [Self.id(1)])
    }

    @Test("A play that came a moment ago and was watched lately waits: a player may have told them by another road")
    func recent() {
        let moment = Self.at(0)
        let play = OurPlay(
            id: Self.id(1), title: Self.film, moment: .second(moment, day: moment.date), isRecent: true)
        let early = Self.planner.plan(base: [], ours: [play], theirs: Self.complete([]))
        #expect(early.isEmpty && early.recent == 1)
        let met = Self.planner.plan(base: [], ours: [play], theirs: Self.complete([Self.theirs(11, 1)]))
        #expect(met.pairs.map(\.theirs) == [11] && met.recent == 0)
    }

    @Test("A play without a date waits for a reading of everything, too: no other shows what has none")
    func undated() {
        let play = OurPlay(id: Self.id(1), title: Self.film, moment: .unknown)
        let since = Timestamp(clampingMicrosecondsSinceEpoch: -86_400_000_000)
        let plan = Self.planner.plan(base: [], ours: [play], theirs: .changes([]), since: since)
        #expect(plan.forThem.isEmpty && plan.unread == 1)
        #expect(Self.planner.plan(base: [], ours: [play], theirs: Self.complete([])).forThem == [play])
    }

    @Test("Taken out here right after both had it, it is not forgotten for a reading from before that")
    func takenOutAtOnce() {
        for isApart in [false, true] {
            for isFresh in [false, true] {
                let pair = PlayPair(play: Self.id(1), title: Self.film, theirs: 11, isFresh: isFresh, isApart: isApart)
                let plan = Self.planner.plan(
                    base: [pair], ours: [Self.ours(1, 0, removed: true)], theirs: Self.complete([]))
                #expect(plan.forgotten == (isFresh ? [] : [Self.id(1)]) && plan.forThem.isEmpty)
            }
        }
        let apart = PlayPair(play: Self.id(1), title: Self.film, theirs: 11, isFresh: true, isApart: true)
        #expect(Self.planner.plan(base: [apart], ours: [Self.ours(1, 0)], theirs: Self.complete([])).isEmpty)
    }

    @Test("A play older than what was read waits for a reading of everything")
    func coverage() {
        let plan = Self.planner.plan(
            base: [], ours: [Self.ours(1, 0), Self.ours(2, 9_000)], theirs: .changes([]), since: Self.at(3_000))
        #expect(plan.forThem.map(\.id) == [Self.id(2)] && plan.unread == 1)
    }

    @Test("Days pair with a play of their day, unknown dates with unknown dates")
    func precision() {
        let day = Self.at(0).date
        let ours = [
            OurPlay(id: Self.id(1), title: Self.film, moment: .day(day)),
            OurPlay(id: Self.id(2), title: Self.film, moment: .unknown),
        ]
        let noon = TheirPlay(id: 11, title: Self.film, watchedAt: PlayMoment.day(day).listedAt)
        let plan = Self.planner.plan(
            base: [], ours: ours,
            theirs: Self.complete([noon, TheirPlay(id: 12, title: Self.film, watchedAt: nil)]))
        #expect(plan.pairs.map(\.theirs) == [11, 12] && plan.forUs.isEmpty && plan.forThem.isEmpty)
    }

    @Test("Whole histories: order makes no difference, one run settles everything, the second plans nothing")
    func histories() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for round in 0..<1_500 {
            var (base, ours, theirs): ([PlayPair], [OurPlay], [TheirPlay]) = ([], [], [])
            for number in 1...Int.random(in: 1...8, using: &random) {
                // Close together, but never at the same moment: the ledger has no two such plays.
                let minutes = Double(Int.random(in: 0...6, using: &random)) * 40 + Double(number)
                let draw = Int.random(in: 0..<8, using: &random)
                if draw != 0 { ours.append(Self.ours(number, minutes, removed: draw == 1)) }
                let isShown = Int.random(in: 0..<4, using: &random) != 0
                if isShown { theirs.append(Self.theirs(Int64(number + 100), minutes + 1)) }
                if Bool.random(using: &random), draw != 0 {
                    base.append(PlayPair(play: Self.id(number), title: Self.film, theirs: Int64(number + 100)))
                }
            }
            let planner = HistoryPlanner(
                policy: FacetPolicy(direction: .both), brake: RemovalBrake { _, _ in .go })
            let plan = planner.plan(base: base, ours: ours, theirs: Self.complete(theirs))
            let other = planner.plan(
                base: base.shuffled(using: &random), ours: ours.shuffled(using: &random),
                theirs: Self.complete(theirs.shuffled(using: &random)))
            #expect(plan == other, "seed \(seed), round \(round): the order of the rows matters")
            let agreed = Set(base.map(\.play))
            #expect(plan.removeOurs.allSatisfy(agreed.contains), "seed \(seed), round \(round)")
            apply(plan, &base, &ours, &theirs)
            let second = planner.plan(base: base, ours: ours, theirs: Self.complete(theirs))
            let apart = Set(base.filter(\.isApart).compactMap(\.theirs))
            let isSettled =
                second.isEmpty && ours.count { !$0.isRemoved } == theirs.count { !apart.contains($0.id) }
            guard isSettled else {
                Issue.record("seed \(seed), round \(round): \(plan), then \(second)")
                return
            }
        }
    }

    /// Updates both sides and the base as after a plan that succeeded.
    private func apply(
        _ plan: HistoryPlan, _ base: inout [PlayPair], _ ours: inout [OurPlay], _ theirs: inout [TheirPlay]
    ) {
        var pairs = Dictionary(base.map { ($0.play, $0) }) { first, _ in first }
        for pair in plan.pairs { pairs[pair.play] = pair }
        for play in plan.forgotten + plan.removeOurs { pairs[play] = nil }
        for pair in plan.removeTheirs { pairs[pair.play] = nil }
        let gone = Set(plan.removeTheirs.compactMap(\.theirs))
        theirs.removeAll { gone.contains($0.id) }
        let removed = Set(plan.removeOurs)
        ours = ours.map { play in
            OurPlay(
                id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                isRemoved: play.isRemoved || removed.contains(play.id))
        }
        for play in plan.forThem {
            let number = Int64(play.id.uuid.low + 500)
            theirs.append(TheirPlay(id: number, title: play.title, watchedAt: RemoteProjection.watchedAt(play.moment)))
            pairs[play.id] = PlayPair(play: play.id, title: play.title, theirs: number)
        }
        for play in plan.forUs {
            let id = Self.id(Int(play.id) + 1_000)
            let moment = play.watchedAt.map { PlayMoment.minute($0, day: $0.date) } ?? .unknown
            ours.append(OurPlay(id: id, title: play.title, moment: moment, runtimeMinutes: 90))
            pairs[id] = PlayPair(play: id, title: play.title, theirs: play.id)
        }
        base = Array(pairs.values)
    }
}
