import Contracts
import TestSupport

@testable import ScrobbleService

/// What a facet with one value for a title is like.
struct WorldShape<Value: SyncStorable>: Sendable {
    let direction: SyncDirection
    let deletes: Bool
    /// They take a title off by themselves once it was watched there.
    let letsGo: Bool
    /// They forget a value after a while, and mean nothing by it.
    let forgets: Bool
    /// What an edit comes to; nil: the title is taken away.
    let draw: @Sendable (inout SeededRandom) -> Value?

    init(
        direction: SyncDirection = .both, deletes: Bool = true, letsGo: Bool = false, forgets: Bool = false,
        draw: @escaping @Sendable (inout SeededRandom) -> Value?
    ) {
        self.direction = direction
        self.deletes = deletes
        self.letsGo = letsGo
        self.forgets = forgets
        self.draw = draw
    }
}

/// Two sides of a facet, their person, and everything that can go wrong between them, decided by one seed.
struct ItemWorld<Value: SyncStorable> {
    private typealias Shown = SyncValue<Value>

    private struct Job {
        let title: TitleID
        let was, becomes: Value?
    }

    /// A change that a run has planned and not made yet.
    private struct Step {
        let side: SyncSide
        let change: ItemChange<Value>
        let moment: SyncMoment?
    }

    private struct Reading {
        let rows: [TitleValue<Value>]
        let tally: PageTally
        let isMoved: Bool
        let agreedCount: Int
        /// They say that nothing has happened, so the list is not read.
        var isSpared = false

        var snapshot: Snapshot<TitleValue<Value>> {
            isSpared ? .changes([]) : tally.snapshot(rows, isMoved: isMoved, agreedCount: agreedCount)
        }

        func shuffled(_ random: inout SeededRandom) -> Reading {
            Reading(
                rows: rows.shuffled(using: &random), tally: tally, isMoved: isMoved, agreedCount: agreedCount,
                isSpared: isSpared)
        }
    }

    /// What the person did about a title since all was quiet.
    private struct Wish {
        let value: Value?
        let order: Int
    }

    private var random: SeededRandom
    private let shape: WorldShape<Value>
    private let policy: FacetPolicy
    private var now: Int64 = 1_000_000
    private var ours: [TitleID: Shown] = [:]
    private var theirs: [TitleID: Shown] = [:] { didSet { stamp += 1 } }
    /// What they say of their last change, and what they said of it when they were read last and nothing was left open.
    private var stamp = 0
    private var seenStamp: Int?
    /// What they had, a while ago: readings lag.
    private var past: [[TitleID: Shown]] = []
    private var base: [TitleID: BaseEntry<Value>] = [:]
    private var writtenAt: [TitleID: Int64] = [:]
    private var steps: [Step] = []
    private var jobs: [Job] = []
    private var clashes: [ItemClash<Value>] = []
    /// What the person has decided about them.
    private var chosen: [TitleID: ItemClash<Value>] = [:]

    /// What both had when all was quiet last, and what was done about it since.
    private var start: [TitleID: Value] = [:]
    private var wishes: [TitleID: [SyncSide: Wish]] = [:]
    private var wished: [TitleID: Set<Value>] = [:]
    private var removedThere: [TitleID: Int] = [:]
    private var touchedHere: Set<TitleID> = []
    private var order = 0
    /// What left their list by itself, and that no reading has shown there since.
    private var letGo: [TitleID: Int64] = [:]
    /// What the person has there, by their own hand alone.
    private var leftThere: [TitleID: Value] = [:]

    private let titles = (0..<12).map { TitleID(UUIDBits(high: 7, low: UInt64($0))) }
    /// Seconds for which a reading may lag, and by which the other side's clock is wrong.
    private static var lag: Int64 { 20 }
    private let skew: Int64

    init(seed: UInt64, _ shape: WorldShape<Value>) {
        var random = SeededRandom(seed: seed)
        let rules: [ConflictRule] = [.ours, .theirs, .ask]
        policy = FacetPolicy(
            direction: shape.direction, conflicts: rules[Int.random(in: 0..<3, using: &random)], deletes: shape.deletes)
        skew = Int64.random(in: -172_800...172_800, using: &random)
        self.shape = shape
        self.random = random
    }

    private static func moment(_ seconds: Int64) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: seconds * 1_000_000)
    }

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    /// What is wrong in the end; nil where nothing is.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            for _ in 0..<Int.random(in: 15...50, using: &random) {
                now += Int64.random(in: 1...8, using: &random)
                past.append(theirs)
                if past.count > 2 { past.removeFirst() }
                switch Int.random(in: 0..<10, using: &random) {
                case 0 where shape.letsGo: watch()
                case 0 where shape.forgets: forget()
                case 0...3: edit()
                case 4...6: if let fault = sync(isQuiet: false) { return fault }
                default: deliver(isQuiet: false)
                }
            }
            if let fault = settle() { return fault }
        }
        return nil
    }

    // MARK: The person

    private func isUnderWay(_ title: TitleID) -> Bool {
        jobs.contains { $0.title == title } || steps.contains { $0.side == .theirs && $0.change.title == title }
    }

    private mutating func edit() {
        let title = titles[Int.random(in: 0..<titles.count, using: &random)]
        let side: SyncSide = Bool.random(using: &random) ? .ours : .theirs
        // Trakt takes no condition: what is edited there while a write of ours is under way is overwritten.
        if side == .theirs, isUnderWay(title) { return }
        let value = shape.draw(&random)
        let entry = value.map { SyncValue($0, SyncMoment(at: Self.moment(now + (side == .theirs ? skew : 0)))) }
        guard (side == .ours ? ours : theirs)[title]?.value != value else { return }
        order += 1
        switch side {
        case .ours:
            ours[title] = entry
            touchedHere.insert(title)
        case .theirs:
            theirs[title] = entry
            leftThere[title] = value
            if value == nil { removedThere[title] = order }
        }
        wishes[title, default: [:]][side] = Wish(value: value, order: order)
        if let value { wished[title, default: []].insert(value) }
    }

    /// Something on their list is watched there: it leaves, and nobody wished so.
    private mutating func watch() {
        let title = titles[Int.random(in: 0..<titles.count, using: &random)]
        guard theirs[title] != nil, !isUnderWay(title) else { return }
        theirs[title] = nil
        letGo[title] = now
    }

    private mutating func forget() {
        let title = titles[Int.random(in: 0..<titles.count, using: &random)]
        theirs[title] = nil
        leftThere[title] = nil
    }

    // MARK: A sync

    private mutating func sync(isQuiet: Bool) -> String? {
        // One that died is gone on with before another reads.
        guard steps.isEmpty else {
            makeSteps(isQuiet: isQuiet)
            return nil
        }
        let reading = read(isQuiet: isQuiet)
        let known = known
        let plan = plan(reading, known)
        let again = self.plan(reading.shuffled(&random), known)
        if plan != again { return "the order of the rows matters: \(plan), \(again)" }
        if let fault = fault(of: plan, reading, known) { return fault }
        see(reading.rows, known)
        let isOpen = reading.snapshot.isPartial || plan.echoes > 0 || plan.clashes.contains { $0.winner == nil }
        seenStamp = isOpen ? nil : stamp
        for (title, entry) in plan.base {
            base[title] = entry
            writtenAt[title] = now
        }
        clashes = plan.clashes.filter { $0.winner == nil }
        let times = Dictionary(reading.rows.map { ($0.title, $0.value.moment) }) { first, _ in first }
        steps =
            plan.forUs.map { Step(side: .ours, change: $0, moment: times[$0.title] ?? nil) }
            + plan.forThem.map { Step(side: .theirs, change: $0, moment: nil) }
        makeSteps(isQuiet: isQuiet)
        return nil
    }

    /// The base as a run finds it: what is said of lagging readings is over after a while.
    private var known: [TitleID: BaseEntry<Value>] {
        var known = base
        for (title, entry) in base {
            let written = writtenAt[title] ?? 0
            if now - written > Self.lag {
                known[title]?.echo = nil
                if entry.value == nil { known[title] = nil }
            } else if let echo = entry.echo {
                known[title]?.echo = .init(was: echo.was, over: Self.moment(written + skew))
            }
        }
        return known
    }

    private mutating func plan(_ reading: Reading, _ known: [TitleID: BaseEntry<Value>]) -> FacetPlan<Value> {
        var circumstances = FacetPlanner<Value>.Circumstances()
        circumstances.inFlight = Set(jobs.map(\.title))
        circumstances.excused = Set(letGo.keys)
        let shown = Dictionary(reading.rows.map { ($0.title, $0.value.value) }) { first, _ in first }
        for choice in chosen.values
        where ours[choice.title]?.value == choice.ours && shown[choice.title] == choice.theirs {
            circumstances.chosen[choice.title] = choice.winner
        }
        let rows = titles.compactMap { title in ours[title].map { TitleValue(title, $0.value, $0.moment) } }
        return FacetPlanner<Value>(policy: policy, brake: RemovalBrake { _, _ in .go }).plan(
            base: known, ours: rows.shuffled(using: &random), theirs: reading.snapshot, circumstances)
    }

    /// Removals of what was edited, or was never agreed on; changes of a side that is to be left alone.
    private func fault(
        of plan: FacetPlan<Value>, _ reading: Reading, _ known: [TitleID: BaseEntry<Value>]
    ) -> String? {
        let shown = Dictionary(reading.rows.map { ($0.title, $0.value.value) }) { first, _ in first }
        for change in plan.forUs + plan.forThem where change.becomes == nil {
            if known[change.title]?.value == nil { return "a removal without a base: \(change)" }
            if !shape.deletes { return "a removal that is switched off: \(change)" }
        }
        for change in plan.forUs where change.becomes == nil && known[change.title]?.value != change.was {
            return "a removal of what was edited here: \(change)"
        }
        for change in plan.forThem where change.becomes == nil {
            let entry = known[change.title]
            if let there = shown[change.title], there != entry?.value, there != entry?.echo?.was {
                return "a removal of what was edited there: \(change)"
            }
            if ours[change.title] != nil { return "a removal of what is here: \(change)" }
        }
        if !policy.direction.changes(.theirs), !plan.forThem.isEmpty { return "they are not to be told" }
        return nil
    }

    /// What left by itself and is shown again is a wish again, where the reading does not lag.
    private mutating func see(_ rows: [TitleValue<Value>], _ known: [TitleID: BaseEntry<Value>]) {
        for row in rows where !isUnderWay(row.title) {
            guard let left = letGo[row.title], let moment = row.value.moment?.at, moment > Self.moment(left + skew)
            else { continue }
            if let over = known[row.title]?.echo?.over, moment <= over { continue }
            letGo[row.title] = nil
        }
    }

    private mutating func makeSteps(isQuiet: Bool) {
        while let step = steps.first {
            let title = step.change.title
            // The process may end at any of these points; the next one goes on.
            if !isQuiet, oneIn(14) { return }
            switch step.side {
            case .theirs: jobs.append(Job(title: title, was: step.change.was, becomes: step.change.becomes))
            case .ours:
                let present = ours[title]?.value
                // A click in between stays.
                guard present == step.change.becomes || present == step.change.was else { break }
                ours[title] = step.change.becomes.map { SyncValue($0, step.moment) }
                if !isQuiet, oneIn(14) { return }
                base[title] = BaseEntry(step.change.becomes, echo: .init(was: step.change.was))
                writtenAt[title] = now
            }
            steps.removeFirst()
        }
    }

    /// What a reading brings: late, with rows that come twice, or with holes.
    private mutating func read(isQuiet: Bool) -> Reading {
        if !isQuiet, seenStamp == stamp, !oneIn(3) {
            return Reading(rows: [], tally: PageTally(), isMoved: false, agreedCount: 0, isSpared: true)
        }
        var shown = theirs
        if !isQuiet, let old = past.randomElement(using: &random), Bool.random(using: &random) { shown = old }
        var rows = titles.compactMap { title in shown[title].map { TitleValue(title, $0.value, $0.moment) } }
        let count = rows.count
        if !isQuiet {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: rows = []
            case 1: rows.removeAll { _ in Bool.random(using: &random) }
            case 2: rows += rows.prefix(2)
            default: break
            }
        }
        var tally = PageTally()
        tally.add(PageTally.Page(number: 1, rowCount: rows.count, limit: 100, pageCount: 1, itemCount: count))
        return Reading(
            rows: rows, tally: tally,
            isMoved: isQuiet || shown.mapValues(\.value) != base.compactMapValues(\.value),
            agreedCount: base.values.count { $0.value != nil })
    }

    // MARK: The queue

    private mutating func deliver(isQuiet: Bool) {
        guard let job = jobs.first else { return }
        let luck = isQuiet ? 9 : Int.random(in: 0..<10, using: &random)
        // The request is lost; the job waits.
        if luck == 0 { return }
        if theirs[job.title]?.value != job.becomes {
            theirs[job.title] = job.becomes.map { SyncValue($0, SyncMoment(at: Self.moment(now + skew))) }
            leftThere[job.title] = job.becomes
            if job.becomes != nil { letGo[job.title] = nil }
        }
        // The reply is lost; the job is sent again, which comes to the same.
        if luck == 1 { return }
        jobs.removeFirst()
        base[job.title] = BaseEntry(job.becomes, echo: .init(was: job.was))
        writtenAt[job.title] = now
    }

    // MARK: Quiet

    private mutating func settle() -> String? {
        for round in 0..<8 {
            now += 1_000
            past = []
            while !jobs.isEmpty { deliver(isQuiet: true) }
            now += 1_000
            let before = (ours, theirs)
            let isOpen = !steps.isEmpty
            if let fault = asymmetry() ?? sync(isQuiet: true) { return fault }
            if clashes.isEmpty, !isOpen, jobs.isEmpty, before.0 == ours, before.1 == theirs { break }
            for clash in clashes {
                chosen[clash.title] = ItemClash(
                    title: clash.title, base: clash.base, ours: clash.ours, theirs: clash.theirs,
                    winner: Bool.random(using: &random) ? .ours : .theirs)
            }
            if round == 7 { return "still moving after seven quiet rounds" }
        }
        now += 1_000
        let again = plan(read(isQuiet: true), known)
        if !again.isEmpty || !again.clashes.isEmpty { return "a second run plans something: \(again)" }
        for title in titles { if let fault = fault(of: title) { return fault } }
        start = ours.mapValues(\.value)
        (wishes, wished, removedThere) = ([:], [:], [:])
        return nil
    }

    /// Swapping the sides of what is there now swaps what is planned for it.
    private func asymmetry() -> String? {
        let ask = FacetPlanner<Value>(
            policy: FacetPolicy(direction: .both, conflicts: .ask), brake: RemovalBrake { _, _ in .go })
        let plain = known.filter { $0.value.echo == nil && !$0.value.isLetGo }
        let fit = titles.filter { base[$0] == nil || plain[$0] != nil }
        func rows(_ side: [TitleID: Shown]) -> [TitleValue<Value>] {
            fit.compactMap { title in side[title].map { TitleValue(title, $0.value, $0.moment) } }
        }
        func plan(_ one: [TitleID: Shown], _ other: [TitleID: Shown]) -> FacetPlan<Value> {
            ask.plan(base: plain, ours: rows(one), theirs: .ours(rows(other)))
        }
        let (plan, mirrored) = (plan(ours, theirs), plan(theirs, ours))
        func same(_ one: [ItemChange<Value>], _ other: [ItemChange<Value>]) -> Bool {
            one.map(\.title) == other.map(\.title) && one.map(\.becomes) == other.map(\.becomes)
        }
        let isMirrored =
            same(plan.forUs, mirrored.forThem) && same(plan.forThem, mirrored.forUs) && plan.base == mirrored.base
            && plan.clashes.map(\.title) == mirrored.clashes.map(\.title)
        return isMirrored ? nil : "not symmetric: \(plan), mirrored \(mirrored)"
    }

    /// What is wrong about a title when all is quiet; nil where nothing is.
    private func fault(of title: TitleID) -> String? {
        let (mine, their) = (ours[title]?.value, theirs[title]?.value)
        let sides = wishes[title] ?? [:]
        func told(_ problem: String) -> String {
            "\(problem): \(title) is \(mine as Any) and \(their as Any), was \(start[title] as Any), wished \(sides)"
        }
        guard policy.direction == .both else { return received(title).map(told) }
        let isLetGo = letGo[title] != nil && their == nil
        if mine != their, !isLetGo { return told("apart") }
        if sides.isEmpty, !isLetGo || mine != nil { return mine == start[title] ? nil : told("nobody wished so") }
        if sides.values.contains(where: { $0.value == mine }) { return nil }
        guard isLetGo else { return told("lost") }
        if mine != nil {
            // Put back and taken off between two readings: all that is known of it is that it was watched.
            return start[title] != nil || wished[title] != nil ? nil : told("came from nowhere")
        }
        // Put there, or put back there after it was taken off, and watched before that was seen.
        let isTakenOff = removedThere[title].map { $0 > sides[.ours]?.order ?? -1 } ?? false
        return isTakenOff || start[title] == nil && sides[.ours] == nil ? nil : told("lost")
    }

    /// The same where they are only listened to.
    private func received(_ title: TitleID) -> String? {
        let (mine, their) = (ours[title]?.value, theirs[title]?.value)
        let sides = wishes[title] ?? [:]
        if their != leftThere[title] { return "they were told" }
        if !touchedHere.contains(title), their != nil, mine != their { return "not taken" }
        if mine == start[title] { return nil }
        if let wish = sides[.ours], wish.value == mine { return nil }
        guard let mine, wished[title]?.contains(mine) == true else { return "nobody wished so" }
        return nil
    }
}
