package import Contracts

/// Plans the history: a multiset in which every play has its own identity, ours by its id, theirs by its row's number, and
/// the base says which are one.
package struct HistoryPlanner: Sendable {
    package let policy: FacetPolicy
    package let brake: RemovalBrake

    package init(policy: FacetPolicy, brake: RemovalBrake = .standard) {
        self.policy = policy
        self.brake = brake
    }

    /// `since`: from when on a snapshot of changes shows all that there is; nil for one of everything.
    package func plan(
        base: [PlayPair], ours: [OurPlay], theirs: Snapshot<TheirPlay>, since: Timestamp? = nil,
        inFlight: Set<PlayID> = [], leaving: LeavingPlays = LeavingPlays(), confirmed: Set<SyncSide> = []
    ) -> HistoryPlan {
        guard policy.direction != .off else { return HistoryPlan() }
        var draft = Draft(ours: ours, theirs: theirs.rows)
        draft.settle(base, absence: theirs.absence, leaving.plays)
        draft.pair(leaving)
        var plan = draft.plan
        if policy.direction.changes(.ours) { plan.forUs = draft.theirRest }
        if policy.direction.changes(.theirs) {
            for play in draft.ourRest where !play.isRemoved && !play.isBeyond && !inFlight.contains(play.id) {
                if play.isRecent {
                    plan.recent += 1
                } else if isRead(play, in: theirs, since) {
                    plan.forThem.append(play)
                } else {
                    plan.unread += 1
                }
            }
        }
        hold(&plan, draft, agreedCount: base.count, inFlight, confirmed)
        return plan.sorted()
    }

    /// Whether the reading would have shown the play, had they had it. Adding is never undone by adding again.
    private func isRead(_ play: OurPlay, in theirs: Snapshot<TheirPlay>, _ since: Timestamp?) -> Bool {
        switch theirs {
        case .complete: true
        case .partial: false
        case .changes:
            // What has no date is shown by no reading that begins at one.
            play.moment != .unknown
                && since.map { $0.advanced(by: .seconds(86_400)) <= play.moment.listedAt } ?? false
        }
    }

    private func hold(
        _ plan: inout HistoryPlan, _ draft: Draft, agreedCount: Int, _ inFlight: Set<PlayID>, _ confirmed: Set<SyncSide>
    ) {
        guard policy.deletes else { return }
        if policy.direction.changes(.ours) {
            let verdict = brake.verdict(draft.goneThere.count, of: agreedCount)
            if verdict == .go || (confirmed.contains(.ours) && verdict != .failed) {
                plan.removeOurs = draft.goneThere
            } else {
                (plan.heldForUs, plan.brakes[.ours]) = (draft.goneThere, verdict)
            }
        }
        if policy.direction.changes(.theirs) {
            let gone = draft.goneHere.filter { !inFlight.contains($0.play) }
            let verdict = brake.verdict(gone.count, of: agreedCount)
            if verdict == .go || (confirmed.contains(.theirs) && verdict != .failed) {
                plan.removeTheirs = gone
            } else {
                (plan.heldForThem, plan.brakes[.theirs]) = (gone, verdict)
            }
        }
    }

    /// Both sides while pairs are looked for.
    private struct Draft {
        private var ours: [PlayID: OurPlay]
        private var theirs: [Int64: TheirPlay]
        var plan = HistoryPlan()
        /// Removed over there, and here.
        var goneThere: [PlayID] = []
        var goneHere: [PlayPair] = []
        /// Written by us and seen by no reading yet.
        private var written: [PlayPair] = []
        /// Both had it, and its row is gone: another row may be the same play, as where one of two doubles was cleared away.
        private var orphans: Set<PlayID> = []
        /// Rows of theirs that are known.
        private var taken: [TheirPlay] = []
        private var isComplete = false

        init(ours: [OurPlay], theirs: [TheirPlay]) {
            self.ours = [:]
            self.ours.reserveCapacity(ours.count)
            for play in ours where self.ours[play.id] == nil { self.ours[play.id] = play }
            self.theirs = [:]
            self.theirs.reserveCapacity(theirs.count)
            for play in theirs where self.theirs[play.id] == nil { self.theirs[play.id] = play }
        }

        var ourRest: [OurPlay] { Array(ours.values) }
        /// Rows of one title at one moment are one play here, however often it was told there: the ledger has it once.
        var theirRest: [TheirPlay] {
            guard !theirs.isEmpty else { return [] }
            var places = Set(taken.map(Place.init))
            return theirs.values.sorted { $0.id < $1.id }.filter { places.insert(Place($0)).inserted }
        }

        /// What the base knows already.
        mutating func settle(_ base: [PlayPair], absence: ProvenAbsence?, _ leaving: Set<PlayID>) {
            isComplete = absence != nil
            for pair in base {
                let play = ours.removeValue(forKey: pair.play)
                if pair.isOursAlone {
                    if let number = pair.theirs { _ = take(number) }
                    if play?.isRemoved == true { plan.forgotten.append(pair.play) }
                    continue
                }
                guard let number = pair.theirs else {
                    if let play { ours[play.id] = play }
                    if !pair.isApart { written.append(pair) }
                    continue
                }
                let isShown = take(number)
                // Without our row nothing says that its person wanted it gone.
                guard let play else { continue }
                if pair.isApart {
                    settleApart(play, number, isShown: isShown, isFresh: pair.isFresh)
                    continue
                }
                switch (play.isRemoved, isShown) {
                case (false, true): break
                case (true, true): goneHere.append(pair)
                case (false, false):
                    // Put back here while they were told to take it out: that it is gone there is our own doing.
                    if absence != nil, !pair.isFresh, !leaving.contains(pair.play) {
                        orphans.insert(play.id)
                        ours[play.id] = play
                    }
                // Where the reading may be from before both had it, it says nothing about the row.
                case (true, false): if absence != nil, !pair.isFresh { plan.forgotten.append(pair.play) }
                }
            }
        }

        /// Taken out here before both sides met.
        private mutating func settleApart(_ play: OurPlay, _ number: Int64, isShown: Bool, isFresh: Bool) {
            if isShown {
                // Put back by its person: from now on it is a pair like any other.
                guard !play.isRemoved else { return }
                plan.pairs.append(PlayPair(play: play.id, title: play.title, theirs: number))
            } else if isComplete, !isFresh {
                // There it is gone as well. Put back later it is a play of ours that they lack.
                plan.forgotten.append(play.id)
                if !play.isRemoved { ours[play.id] = play }
            }
        }

        /// Two that may be one play. Of two that are as near, the one that was told counts, then the one that is still there.
        private struct Candidate: Comparable {
            let apart: Int64
            let rank: Int
            let play: PlayID
            let number: Int64
            /// Where the row stands among those that are looked through.
            let row: Int

            static func < (left: Candidate, right: Candidate) -> Bool {
                if left.apart != right.apart { return left.apart < right.apart }
                if left.rank != right.rank { return left.rank < right.rank }
                return left.play == right.play ? left.number < right.number : left.play < right.play
            }
        }

        /// Which of the rest are one play, the nearest first.
        mutating func pair(_ leaving: LeavingPlays) {
            for number in leaving.rows { _ = take(number) }
            for row in theirs.values where leaving.mayShow(row) { _ = take(row.id) }
            let written = Set(self.written.map(\.play))
            for candidate in candidates(written) {
                let id = candidate.play
                guard let play = ours[id], take(candidate.number) else { continue }
                ours[id] = nil
                // What is shown is about to go, or gone already.
                if leaving.plays.contains(id) { continue }
                let isApart = play.isRemoved && !written.contains(id)
                let pair = PlayPair(play: id, title: play.title, theirs: candidate.number, isApart: isApart)
                plan.pairs.append(pair)
                // Told by us, and taken out here before a reading showed its row.
                if play.isRemoved, !isApart { goneHere.append(pair) }
            }
            for pair in self.written {
                // Not among the rest any more: it has just been seen.
                guard let play = ours.removeValue(forKey: pair.play), !pair.isFresh, isComplete else { continue }
                if play.isRemoved { plan.forgotten.append(pair.play) } else { goneThere.append(pair.play) }
            }
            for id in orphans where ours.removeValue(forKey: id) != nil { goneThere.append(id) }
        }

        /// In the order in which they are taken. Only where several claim one row, or one play several rows, is there a choice
        /// to be made in order; whole histories that are the same on both sides need none.
        private func candidates(_ written: Set<PlayID>) -> [Candidate] {
            guard !ours.isEmpty, !theirs.isEmpty else { return [] }
            let rows = Array(theirs.values)
            // The rows of each title, as a list through their places.
            var first: [TitleID: Int] = [:]
            first.reserveCapacity(rows.count)
            var next = [Int](repeating: -1, count: rows.count)
            for (place, row) in rows.enumerated() {
                if let other = first.updateValue(place, forKey: row.title) { next[place] = other }
            }
            var clear: [Candidate] = []
            var contested: [Candidate] = []
            var claims = [UInt8](repeating: 0, count: rows.count)
            for play in ours.values {
                let rank = written.contains(play.id) ? 0 : play.isRemoved ? 2 : 1
                var only: Candidate?
                var count = 0
                var place = first[play.title] ?? -1
                while place >= 0 {
                    let row = rows[place]
                    if let apart = Self.distance(play, row) {
                        let found = Candidate(apart: apart, rank: rank, play: play.id, number: row.id, row: place)
                        claims[place] = min(claims[place], 1) + 1
                        count += 1
                        if count == 1 { only = found } else { contested.append(found) }
                    }
                    place = next[place]
                }
                guard let only else { continue }
                if count == 1 { clear.append(only) } else { contested.append(only) }
            }
            contested += clear.filter { claims[$0.row] > 1 }
            contested.sort()
            return clear.filter { claims[$0.row] == 1 } + contested
        }

        /// Takes a row of theirs from the rest, and keeps where it stands; false where there is none.
        private mutating func take(_ number: Int64) -> Bool {
            guard let row = theirs.removeValue(forKey: number) else { return false }
            taken.append(row)
            return true
        }

        private struct Place: Hashable {
            let title: TitleID
            let watchedAt: Timestamp?

            init(_ play: TheirPlay) {
                title = play.title
                watchedAt = play.watchedAt
            }
        }

        /// How far apart the two are in microseconds if they are one play: the other side tells minutes, and a scrobble is
        /// stamped there.
        private static func distance(_ ours: OurPlay, _ theirs: TheirPlay) -> Int64? {
            if let told = ours.isThereAt, let other = theirs.watchedAt {
                let apart = abs(told.microsecondsSinceEpoch - other.microsecondsSinceEpoch)
                if apart <= minute { return apart }
            }
            switch (ours.moment, theirs.watchedAt) {
            case (.unknown, nil): return 0
            case (.unknown, _), (_, nil): return nil
            case (.second(let one, _), .some(let other)), (.minute(let one, _), .some(let other)):
                let apart = abs(one.microsecondsSinceEpoch - other.microsecondsSinceEpoch)
                let minutes = min(ours.runtimeMinutes ?? 0, 1_440)
                let window = max(windowMin, Int64(minutes) * minute / 2)
                return apart <= window + minute ? apart : nil
            case (.day(let day), .some(let other)):
                // A day is told as its noon UTC; anything else on that day, where the person lives, came by another road.
                let apart = abs(ours.moment.listedAt.microsecondsSinceEpoch - other.microsecondsSinceEpoch)
                return apart == 0 || (theirs.day ?? other.date) == day ? apart : nil
            }
        }

        private static let minute: Int64 = 60_000_000
        private static let windowMin = Int64(PlayMatcher.windowMin / .microseconds(1))
    }
}

extension Snapshot {
    /// Proof that what it does not show is not there; nil for one that proves nothing.
    fileprivate var absence: ProvenAbsence? {
        if case .complete(let complete) = self { complete.absence } else { nil }
    }
}

extension HistoryPlan {
    /// In an order that does not depend on that of the rows.
    fileprivate func sorted() -> HistoryPlan {
        var plan = self
        plan.forUs.sort { $0.id < $1.id }
        plan.forThem.sort { $0.id < $1.id }
        plan.removeOurs.sort()
        plan.removeTheirs.sort { $0.play < $1.play }
        plan.pairs.sort { $0.play < $1.play }
        plan.forgotten.sort()
        plan.heldForUs.sort()
        plan.heldForThem.sort { $0.play < $1.play }
        return plan
    }
}
