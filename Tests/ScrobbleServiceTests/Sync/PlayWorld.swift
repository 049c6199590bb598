import Contracts
import TestSupport

@testable import ScrobbleService

/// The history of both sides, their person, and everything that can go wrong between them, determined by a seed.
///
/// Everything watched is an occasion, on its own day: in the end, what both sides have of it is counted.
struct PlayWorld {
    private struct Ours {
        let play: OurPlay
        let occasion: Int
        /// When the play was recorded here while it was being watched.
        var watchedAt: Int64?

        func with(removed: Bool) -> Ours {
            Ours(
                play: OurPlay(
                    id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                    isRemoved: removed), occasion: occasion, watchedAt: watchedAt)
        }

        func asRead(isRecent: Bool) -> OurPlay {
            OurPlay(
                id: play.id, title: play.title, moment: play.moment, runtimeMinutes: play.runtimeMinutes,
                isRemoved: play.isRemoved, isRecent: isRecent)
        }
    }

    private struct Theirs {
        let play: TheirPlay
        let occasion: Int
    }

    private struct Agreed {
        var pair: PlayPair
        let writtenAt: Int64
    }

    private struct Job {
        let play: PlayID
        /// The row to remove, or nil if the play is to be sent.
        let row: Int64?
        var dueAt: Int64
        /// The number of looks so far; nil unless the write may have arrived and is being looked for.
        var looks: Int?
    }

    private enum Step {
        case add(TheirPlay)
        case remove(PlayID)
        case tell(PlayID)
        case untell(PlayPair)
    }

    private var random: SeededRandom
    private var now: Int64 = 1_000_000_000
    private var occasions: [PlayOccasion] = []
    private var ours: [PlayID: Ours] = [:]
    private var theirs: [Int64: Theirs] = [:]
    /// Their earlier states, since each reading lags by a different time.
    private var past: [(at: Int64, theirs: [Int64: Theirs])] = []
    /// The occasion touched last; it is often touched again.
    private var focus = 0
    private var base: [PlayID: Agreed] = [:]
    private var sources: [Int64: PlayID] = [:]
    private var toldAt: [PlayID: (at: Int64, row: Int64?)] = [:]
    private var steps: [Step] = []
    private var jobs: [Job] = []
    private var count: Int64 = 0

    private let planner = HistoryPlanner(
        policy: FacetPolicy(direction: .both), brake: RemovalBrake { _, _ in .go })
    private static let lag: Int64 = 20

    init(seed: UInt64, without mutant: SyncMutant? = nil) {
        self.mutant = mutant
        random = SeededRandom(seed: seed)
        isFickle = Bool.random(using: &random)
    }

    /// The safeguard that is removed.
    private let mutant: SyncMutant?
    private let isFickle: Bool
    private var occasionsMax: Int { isFickle ? 4 : 1_000 }

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    private mutating func next() -> Int64 {
        count += 1
        return count
    }

    private static func title(_ occasion: Int) -> TitleID { TitleID(UUIDBits(high: 7, low: UInt64(occasion % 3))) }
    /// Something watched at an unknown time has its own title.
    private static func undated(_ occasion: Int) -> TitleID { TitleID(UUIDBits(high: 8, low: UInt64(occasion))) }

    /// Each on its own day, every other one on the day after the one before, some right after midnight.
    private static func seconds(_ occasion: Int) -> Int64 {
        let day = Int64(2 * occasion - occasion % 2)
        return 1_700_006_400 + day * 86_400 + [120, 43_320, 80_040][occasion / 3 % 3]
    }

    private static func at(_ occasion: Int, seconds: Int64 = 0) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: (Self.seconds(occasion) + seconds) * 1_000_000)
    }

    /// Returns what is wrong in the end, or nil.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            for _ in 0..<Int.random(in: 15...50, using: &random) {
                now += Int64.random(in: 1...8, using: &random)
                past.append((now, theirs))
                past.removeAll { now - $0.at > Self.lag - 4 }
                // In half of the worlds, the person keeps changing their mind about a few plays.
                switch Int.random(in: 0..<10, using: &random) {
                case 0 where occasions.count < occasionsMax, 1 where !isFickle && occasions.count < occasionsMax:
                    watch()
                case 0...2: remove()
                case 3...6: if let fault = sync(isQuiet: false) { return fault }
                default: deliver(isQuiet: false)
                }
            }
            if let fault = settle() { return fault }
        }
        return nil
    }

    // MARK: The person

    private mutating func watch() {
        let occasion = occasions.count
        var (rows, deed) = (1, PlayOccasion.Deed.addBoth)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
            addOurs(occasion)
            deed = .addHere
        case 2:
            addTheirs(occasion)
            deed = .addThere
        case 3:
            // Reported by two players, one to each side; the clocks differ a little.
            addOurs(occasion, watchedAt: now)
            addTheirs(occasion, seconds: Int64.random(in: -4...4, using: &random) * 60)
        case 4:
            addTheirs(occasion)
            addTheirs(occasion)
            (rows, deed) = (2, .addThere)
        case 5:
            deed = addUndated(occasion)
        default:
            // From a diary here; the other side may have had it for long.
            deed = Bool.random(using: &random) ? .addBoth : .addHere
            if deed == .addBoth {
                addTheirs(occasion)
                makeOld(occasion)
            }
            addOurs(occasion, Self.title(occasion), .day(Self.at(occasion).date))
        }
        occasions.append(PlayOccasion(rows: rows))
        occasions[occasion].deeds = [deed]
        focus = occasion
    }

    /// Adds something watched at an unknown time, to one side or both.
    private mutating func addUndated(_ occasion: Int) -> PlayOccasion.Deed {
        let title = Self.undated(occasion)
        let isHere = Bool.random(using: &random)
        if isHere { addOurs(occasion, title, .unknown) }
        guard !isHere || Bool.random(using: &random) else { return .addHere }
        let row = next()
        theirs[row] = Theirs(play: TheirPlay(id: row, title: title, watchedAt: nil), occasion: occasion)
        // Two undated plays cannot be told apart if a stale reading hides one.
        if isHere { makeOld(occasion) }
        return isHere ? .addBoth : .addThere
    }

    private mutating func addOurs(_ occasion: Int, _ title: TitleID, _ moment: PlayMoment) {
        let id = PlayID(UUIDBits(high: 9, low: UInt64(next())))
        ours[id] = Ours(play: OurPlay(id: id, title: title, moment: moment, runtimeMinutes: 90), occasion: occasion)
    }

    /// Makes every reading show it, however stale.
    private mutating func makeOld(_ occasion: Int) {
        let rows = theirs.filter { $0.value.occasion == occasion }
        for place in past.indices { past[place].theirs.merge(rows) { $1 } }
    }

    private mutating func addOurs(_ occasion: Int, watchedAt: Int64? = nil) {
        let id = PlayID(UUIDBits(high: 9, low: UInt64(next())))
        let at = Self.at(occasion, seconds: Int64.random(in: 0..<60, using: &random))
        let play = OurPlay(
            id: id, title: Self.title(occasion), moment: .second(at, day: at.date), runtimeMinutes: 90)
        ours[id] = Ours(play: play, occasion: occasion, watchedAt: watchedAt)
    }

    private mutating func addTheirs(_ occasion: Int, seconds: Int64 = 0) {
        let row = next()
        let at = Self.at(occasion, seconds: seconds)
        theirs[row] = Theirs(
            play: TheirPlay(id: row, title: Self.title(occasion), watchedAt: at, day: at.date), occasion: occasion)
    }

    /// Removes a play on one side, or restores one here; often the one touched last.
    private mutating func remove() {
        let isAgain = oneIn(2)
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            guard let own = pick(isAgain, { !$0.play.isRemoved }) else { return }
            ours[own.play.id] = own.with(removed: true)
            occasions[own.occasion].removals.insert(.ours)
            occasions[own.occasion].isTakenOut = true
            happened(.removeHere, own.occasion)
        case 2, 3:
            let rows = theirs.values.filter { !isAgain || $0.occasion == focus }.sorted { $0.play.id < $1.play.id }
            guard let row = rows.randomElement(using: &random) else { return }
            theirs[row.play.id] = nil
            occasions[row.occasion].removals.insert(.theirs)
            occasions[row.occasion].isTakenOut = true
            happened(.removeThere, row.occasion)
        default:
            guard let own = pick(isAgain, { $0.play.isRemoved }) else { return }
            ours[own.play.id] = own.with(removed: false)
            occasions[own.occasion].isRestored = true
            happened(.restore, own.occasion)
        }
    }

    private mutating func pick(_ isAgain: Bool, _ isMeant: (Ours) -> Bool) -> Ours? {
        ours.values.filter { isMeant($0) && (!isAgain || $0.occasion == focus) }
            .sorted { $0.play.id < $1.play.id }.randomElement(using: &random)
    }

    private mutating func happened(_ deed: PlayOccasion.Deed, _ occasion: Int) {
        occasions[occasion].deeds.append(deed)
        focus = occasion
    }

    // MARK: A sync

    private mutating func sync(isQuiet: Bool) -> String? {
        guard steps.isEmpty else {
            makeSteps(isQuiet: isQuiet)
            return nil
        }
        var isWhole = isQuiet || oneIn(2)
        var reading = read(isQuiet: isQuiet, isWhole: isWhole)
        var plan = plan(reading)
        if plan.unread > 0, !isWhole {
            isWhole = true
            reading = read(isQuiet: isQuiet, isWhole: true)
            plan = self.plan(reading)
        }
        if plan != self.plan(reading) { return "the order of the rows matters: \(plan)" }
        if let fault = fault(of: plan) { return fault }
        for id in plan.forgotten where mutant != .forgetting { base[id] = nil }
        for pair in plan.pairs {
            base[pair.play] = Agreed(pair: pair, writtenAt: now)
            // Both sides have it: it is neither sent nor looked for any more.
            if !pair.isApart { jobs.removeAll { $0.play == pair.play && $0.row == nil } }
        }
        steps =
            plan.forUs.map { .add($0) } + plan.removeOurs.map { .remove($0) } + plan.forThem.map { .tell($0.id) }
            + plan.removeTheirs.map { .untell($0) }
        makeSteps(isQuiet: isQuiet)
        return nil
    }

    private struct Reading {
        let rows: [TheirPlay]
        let tally: PageTally
        let since: Timestamp?
        let agreedCount: Int
    }

    /// Plans with the rows in random order.
    private mutating func plan(_ reading: Reading) -> HistoryPlan {
        let rows = reading.rows.shuffled(using: &random)
        let snapshot: Snapshot<TheirPlay> =
            reading.tally.doubt != nil
            ? mutant == .proof ? .ours(rows) : .partial(rows)
            : reading.since == nil
                ? reading.tally.snapshot(rows, isMoved: true, agreedCount: reading.agreedCount) : .changes(rows)
        let pairs = base.values.map { agreed in
            PlayPair(
                play: agreed.pair.play, title: agreed.pair.title, theirs: agreed.pair.theirs,
                isFresh: mutant != .echo && now - agreed.writtenAt < Self.lag,
                isApart: mutant != .apart && agreed.pair.isApart)
        }.sorted { $0.play < $1.play }
        let plays = ours.values.map { own in
            own.asRead(isRecent: mutant != .patience && own.watchedAt.map { now - $0 < Self.lag } ?? false)
        }.sorted { $0.id < $1.id }
        let late = toldAt.filter { now - $0.value.at < Self.lag }
        let told = late.map(\.key) + jobs.map(\.play)
        let removals = late.map { ($0.key, $0.value.row) } + jobs.map { ($0.play, $0.row) }
        let leaving = LeavingPlays(
            plays: Set(removals.filter { $0.1 != nil }.map(\.0)), rows: Set(removals.compactMap(\.1)))
        let titles = Set(told.compactMap { ours[$0]?.play.title })
        let inFlight = Set(told).union(plays.filter { titles.contains($0.title) }.map(\.id))
        // From the beginning of time, as if every reading showed everything.
        let since = mutant == .beginning ? reading.since.map { _ in Self.at(-10) } : reading.since
        return planner.plan(
            base: pairs.shuffled(using: &random), ours: plays.shuffled(using: &random), theirs: snapshot,
            since: since, inFlight: mutant == .lane ? [] : inFlight,
            leaving: mutant == .leaving ? LeavingPlays() : leaving)
    }

    /// Finds removals of plays that nobody removed, or that were never agreed on.
    private func fault(of plan: HistoryPlan) -> String? {
        for id in plan.removeOurs {
            guard base[id] != nil, let own = ours[id] else { return "a removal here without a base" }
            if !occasions[own.occasion].removals.contains(.theirs) {
                return "removed here, and nobody removed it there: \(own)"
            }
        }
        for pair in plan.removeTheirs {
            guard let agreed = base[pair.play]?.pair, agreed.theirs == nil || agreed.theirs == pair.theirs,
                let own = ours[pair.play]
            else { return "a removal there without a base" }
            if !occasions[own.occasion].removals.contains(.ours) {
                return "removed there, and nobody removed it here: \(own)"
            }
        }
        return nil
    }

    private mutating func makeSteps(isQuiet: Bool) {
        while let step = steps.first {
            // The process may die at any of these points; the next one continues.
            if !isQuiet, oneIn(14) { return }
            switch step {
            case .add(let row):
                let id = addFromThere(row)
                if !isQuiet, oneIn(14) { return }
                let isApart = ours[id]?.play.isRemoved == true
                base[id] = Agreed(
                    pair: PlayPair(play: id, title: row.title, theirs: row.id, isApart: isApart), writtenAt: now)
            case .remove(let id):
                ours[id] = ours[id]?.with(removed: true)
                if !isQuiet, oneIn(14) { return }
                base[id] = nil
            case .tell(let id): queue(Job(play: id, row: nil, dueAt: now))
            case .untell(let pair): queue(Job(play: pair.play, row: pair.theirs, dueAt: now))
            }
            steps.removeFirst()
        }
    }

    /// A play is recognized by the row that it came from, and by its time: the ledger has no two plays at one moment.
    private mutating func addFromThere(_ row: TheirPlay) -> PlayID {
        if let id = sources[row.id] { return id }
        let occasion = theirs[row.id]?.occasion ?? occasion(of: row)
        if let own = ours.values.first(where: { $0.occasion == occasion }) {
            sources[row.id] = own.play.id
            return own.play.id
        }
        let id = PlayID(UUIDBits(high: 9, low: UInt64(next())))
        let moment = row.watchedAt.map { PlayMoment.minute($0, day: $0.date) } ?? .unknown
        ours[id] = Ours(
            play: OurPlay(id: id, title: row.title, moment: moment, runtimeMinutes: 90), occasion: occasion)
        sources[row.id] = id
        return id
    }

    private func occasion(of row: TheirPlay) -> Int {
        guard let at = row.watchedAt else { return Int(row.title.uuid.low) }
        let seconds = at.microsecondsSinceEpoch / 1_000_000
        return occasions.indices.min { abs(Self.seconds($0) - seconds) < abs(Self.seconds($1) - seconds) } ?? 0
    }

    private mutating func queue(_ job: Job) {
        guard !jobs.contains(where: { $0.play == job.play && ($0.row == nil) == (job.row == nil) }) else { return }
        jobs.append(job)
    }

    /// Returns a reading: everything or only the newest, stale, or with holes.
    private mutating func read(isQuiet: Bool, isWhole: Bool) -> Reading {
        var shown = theirs
        if !isQuiet, let old = past.randomElement(using: &random), Bool.random(using: &random) { shown = old.theirs }
        let newest = base.values.filter { $0.pair.theirs != nil }.compactMap {
            ours[$0.pair.play]?.play.moment.listedAt
        }
        .max()
        let since = isWhole ? nil : newest.map { Timestamp($0.date).advanced(by: .seconds(-86_400)) }
        var rows = shown.values.map(\.play).sorted { $0.id < $1.id }
        if let since { rows.removeAll { $0.watchedAt.map { $0 < since } ?? true } }
        let count = rows.count
        if !isQuiet {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: rows = []
            case 1: rows.removeAll { _ in Bool.random(using: &random) }
            default: break
            }
        }
        var tally = PageTally()
        tally.add(PageTally.Page(number: 1, rowCount: rows.count, limit: 1_000, pageCount: 1, itemCount: count))
        return Reading(rows: rows, tally: tally, since: since, agreedCount: base.count)
    }

    // MARK: The queue

    private mutating func deliver(isQuiet: Bool) {
        guard let place = jobs.firstIndex(where: { $0.dueAt <= now }) else { return }
        let job = jobs[place]
        if let looks = job.looks { return look(for: job, at: place, looks) }
        let luck = isQuiet ? 9 : Int.random(in: 0..<(isFickle ? 5 : 10), using: &random)
        if luck != 0 {
            if let row = job.row {
                theirs[row] = nil
            } else if let own = ours[job.play] {
                let number = next()
                let at = RemoteProjection.watchedAt(own.play.moment)
                theirs[number] = Theirs(
                    play: TheirPlay(id: number, title: own.play.title, watchedAt: at, day: at?.date),
                    occasion: own.occasion)
            }
        }
        switch (luck, job.row) {
        // The request or its reply is lost: a removal is sent again, an addition is looked for first.
        case (0...1, nil):
            jobs[place].looks = 0
            jobs[place].dueAt = now + Self.lag
        case (0...1, .some): break
        default: done(place)
        }
    }

    private mutating func look(for job: Job, at place: Int, _ looks: Int) {
        let at = ours[job.play].map { RemoteProjection.watchedAt($0.play.moment) } ?? nil
        let isThere = theirs.values.contains {
            $0.play.title == ours[job.play]?.play.title && $0.play.watchedAt == at
        }
        if isThere { return done(place) }
        jobs[place].looks = looks == 0 ? 1 : nil
        jobs[place].dueAt = looks == 0 ? now + Self.lag : now
    }

    private mutating func done(_ place: Int) {
        let job = jobs.remove(at: place)
        toldAt[job.play] = (now, job.row)
        guard let own = ours[job.play] else { return }
        base[job.play] =
            job.row == nil
            ? Agreed(
                pair: PlayPair(play: job.play, title: own.play.title, theirs: base[job.play]?.pair.theirs),
                writtenAt: now) : nil
    }

    // MARK: Quiet

    private mutating func settle() -> String? {
        for round in 0..<9 {
            now += 1_000
            past = []
            while !jobs.isEmpty {
                now += 100
                deliver(isQuiet: true)
            }
            now += 1_000
            let before = (live(ours), Set(theirs.keys))
            let isOpen = !steps.isEmpty
            if let fault = sync(isQuiet: true) { return fault }
            if !isOpen, jobs.isEmpty, steps.isEmpty, before.0 == live(ours), before.1 == Set(theirs.keys) { break }
            if round == 8 { return "still moving after eight quiet rounds" }
        }
        now += 1_000
        let again = plan(read(isQuiet: true, isWhole: true))
        if !again.isEmpty || again.unread > 0 { return "a second run plans something: \(again)" }
        for number in occasions.indices { if let fault = fault(of: number) { return fault } }
        return nil
    }

    private func live(_ plays: [PlayID: Ours]) -> Set<PlayID> { Set(plays.filter { !$0.value.play.isRemoved }.keys) }

    /// Returns what is wrong with an occasion when everything is quiet, and takes its state as given from then on.
    private mutating func fault(of number: Int) -> String? {
        let occasion = occasions[number]
        let here = ours.values.filter { $0.occasion == number && !$0.play.isRemoved }.map(\.play.id)
        let there = theirs.values.filter { $0.occasion == number }.map(\.play.id)
        let apart = base.values.count { $0.pair.isApart && $0.pair.theirs.map(there.contains) == true }
        func told(_ problem: String) -> String {
            "\(problem): occasion \(number) has \(here.count) plays here, \(there.count) there, \(apart) apart; \(occasion)"
        }
        if here.count > 1 || there.count > occasion.rows { return told("doubled") }
        if occasion.rows == 1, here.count != there.count - apart { return told("the sides differ") }
        let isClear = !occasion.isVague && !occasion.isRestored
        if isClear, !occasion.isTakenOut, here.isEmpty == occasion.isStanding { return told("lost, or came back") }
        if isClear, occasion.isTakenOut, !occasion.isNew, !here.isEmpty || !there.isEmpty { return told("not removed") }
        let books = PlayOccasion.Books(here: here.count, there: there.count)
        if let wanted = occasion.wanted, wanted != books { return told("not \(wanted)") }
        occasions[number].isStanding = !here.isEmpty
        occasions[number].isVague = occasion.isVague || apart > 0
        (occasions[number].isNew, occasions[number].isTakenOut, occasions[number].isRestored) = (false, false, false)
        (occasions[number].before, occasions[number].deeds) = (books, [])
        return nil
    }
}
