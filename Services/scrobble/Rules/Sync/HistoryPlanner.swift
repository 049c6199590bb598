package import Contracts

/// Plans the history: a multiset in which every play has its own identity, ours by its ID, theirs by the number of its
/// row, and the base says which are the same.
package struct HistoryPlanner: Sendable {
    package let policy: FacetPolicy
    package let brake: RemovalBrake

    package init(policy: FacetPolicy, brake: RemovalBrake = .standard) {
        self.policy = policy
        self.brake = brake
    }

    /// Returns the plan. `since` is the time from which a snapshot of changes is complete; nil for a snapshot of
    /// everything.
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

    /// Whether the reading would have shown the play if they had it. Adding twice cannot be undone by adding again.
    private func isRead(_ play: OurPlay, in theirs: Snapshot<TheirPlay>, _ since: Timestamp?) -> Bool {
        switch theirs {
        case .complete: true
        case .partial: false
        case .changes:
            // A reading that starts at a date never shows undated plays.
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

    /// Both sides while pairs are being found.
    private struct Draft {
        private var ours: [PlayID: OurPlay]
        private var theirs: [Int64: TheirPlay]
        var plan = HistoryPlan()
        /// Removed there, and here.
        var goneThere: [PlayID] = []
        var goneHere: [PlayPair] = []
        /// Written by us and not seen by any reading yet.
        private var written: [PlayPair] = []
        /// Plays that both had and whose row is gone: another row may be the same play, for example if one of two
        /// duplicates was removed.
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
        /// Rows of one title at one moment are one play here, however often they occur there: the ledger has it once.
        var theirRest: [TheirPlay] {
            guard !theirs.isEmpty else { return [] }
            var places = Set(taken.map(Place.init))
            return theirs.values.sorted { $0.id < $1.id }.filter { places.insert(Place($0)).inserted }
        }

        /// Settles what the base already knows.
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
                // Without our row, nothing says that the person wanted it gone.
                guard let play else { continue }
                if pair.isApart {
                    settleApart(play, number, isShown: isShown, isFresh: pair.isFresh)
                    continue
                }
                switch (play.isRemoved, isShown) {
                case (false, true): break
                case (true, true): goneHere.append(pair)
                case (false, false):
                    // If it was put back here while they were told to remove it, we are the reason that it is gone
                    // there.
                    if absence != nil, !pair.isFresh, !leaving.contains(pair.play) {
                        orphans.insert(play.id)
                        ours[play.id] = play
                    }
                // A reading that may be from before both had it says nothing about the row.
                case (true, false): if absence != nil, !pair.isFresh { plan.forgotten.append(pair.play) }
                }
            }
        }

        /// Settles a play that was removed here before both sides met.
        private mutating func settleApart(_ play: OurPlay, _ number: Int64, isShown: Bool, isFresh: Bool) {
            if isShown {
                // Put back by the person: from now on it is a pair like any other.
                guard !play.isRemoved else { return }
                plan.pairs.append(PlayPair(play: play.id, title: play.title, theirs: number))
            } else if isComplete, !isFresh {
                // It is gone there as well. If it was put back later, it is a play of ours that they lack.
                plan.forgotten.append(play.id)
                if !play.isRemoved { ours[play.id] = play }
            }
        }

        /// Two plays that may be the same. Of equally near ones, one that we have sent comes first, then one that still
        /// exists.
        private struct Candidate: Comparable {
            let apart: Int64
            let rank: Int
            let play: PlayID
            let number: Int64
            /// The index of the row among the rows searched.
            let row: Int

            static func < (left: Candidate, right: Candidate) -> Bool {
                if left.apart != right.apart { return left.apart < right.apart }
                if left.rank != right.rank { return left.rank < right.rank }
                return left.play == right.play ? left.number < right.number : left.play < right.play
            }
        }

        /// Determines which of the rest are the same play, nearest first.
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
                // Sent by us, and removed here before a reading showed its row.
                if play.isRemoved, !isApart { goneHere.append(pair) }
            }
            for pair in self.written {
                // No longer in the rest: it has just been seen.
                guard let play = ours.removeValue(forKey: pair.play), !pair.isFresh, isComplete else { continue }
                if play.isRemoved { plan.forgotten.append(pair.play) } else { goneThere.append(pair.play) }
            }
            for id in orphans where ours.removeValue(forKey: id) != nil { goneThere.append(id) }
        }

        /// Returns the candidates in the order in which they are taken. Order matters only if several plays claim one
        /// row, or one play several rows; histories that are the same on both sides need none.
        private func candidates(_ written: Set<PlayID>) -> [Candidate] {
            guard !ours.isEmpty, !theirs.isEmpty else { return [] }
            let rows = Array(theirs.values)
            // The rows of each title, as a linked list of indices.
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

        /// Takes a row of theirs from the rest and remembers it; false if it is not there.
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

        /// Returns how far apart the two are, in microseconds, if they are the same play: the other side stores
        /// minutes, and stamps scrobbles itself.
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
                // A day is sent as its noon UTC; anything else on that day, in the person's time zone, came by another
                // road.
                let apart = abs(ours.moment.listedAt.microsecondsSinceEpoch - other.microsecondsSinceEpoch)
                return apart == 0 || (theirs.day ?? other.date) == day ? apart : nil
            }
        }

        private static let minute: Int64 = 60_000_000
        private static let windowMin = Int64(PlayMatcher.windowMin / .microseconds(1))
    }
}

extension Snapshot {
    /// Proof that what it does not show is not there; nil if it proves nothing.
    fileprivate var absence: ProvenAbsence? {
        if case .complete(let complete) = self { complete.absence } else { nil }
    }
}

extension HistoryPlan {
    /// Returns the plan in an order that does not depend on that of the rows.
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
