import Contracts
import TestSupport

@testable import ScrobbleService

/// Two sides of a facet, their person, and everything that can go wrong between them, determined by a seed.
struct ItemWorld<Value: SyncStorable> {
    private typealias Shown = SyncValue<Value>

    private struct Job {
        let title: TitleID
        let was, becomes: Value?
        /// The time from which edits there are unknown to the job, and the values that were taken to be there.
        let readAt: Int64
        let known: [Value?]
    }

    /// A change that a run has planned but not made yet.
    private struct Step {
        let side: SyncSide
        let change: ItemChange<Value>
        let moment: SyncMoment?
        var readAt: Int64 = 0
        var known: [Value?] = []
    }

    /// The person's last edit of a title since the last quiet point.
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
    /// Their current change stamp, and the one at their last complete reading that left nothing open.
    private var stamp = 0
    private var seenStamp: Int?
    /// Their earlier states, since readings lag.
    private var past: [(at: Int64, stamp: Int, theirs: [TitleID: Shown])] = []
    /// When the person last changed something there.
    private var editedThere: [TitleID: Int64] = [:]
    /// The last edit; the same is often made on the other side.
    private var last: (title: TitleID, side: SyncSide, value: Value?)?
    private var base: [TitleID: BaseEntry<Value>] = [:]
    private var writtenAt: [TitleID: Int64] = [:]
    private var steps: [Step] = []
    private var jobs: [Job] = []
    private var clashes: [ItemClash<Value>] = []
    /// The conflicts that the person has decided.
    private var chosen: [TitleID: ItemClash<Value>] = [:]

    /// The title changed here by a process that died before recording it.
    private var torn: TitleID?
    /// A delivery's violation of an invariant.
    private var trouble: String?

    /// What both sides had at the last quiet point, and the edits since then.
    private var start: [TitleID: Value] = [:]
    private var wishes: [TitleID: [SyncSide: Wish]] = [:]
    private var wished: [TitleID: Set<Value>] = [:]
    private var removedThere: [TitleID: Int] = [:]
    private var touchedHere: Set<TitleID> = []
    private var order = 0
    /// Titles that left their list by themselves, and that no reading has shown there since.
    private var letGo: [TitleID: Int64] = [:]
    /// What the person has there by their own edits alone.
    private var leftThere: [TitleID: Value] = [:]

    private let titles = (0..<12).map { TitleID(UUIDBits(high: 7, low: UInt64($0))) }
    /// The maximum lag of a reading in seconds, and the error of the other side's clock in seconds.
    private static var lag: Int64 { 20 }
    private let skew: Int64

    /// The safeguard that is removed.
    private let mutant: SyncMutant?

    init(seed: UInt64, _ shape: WorldShape<Value>, without mutant: SyncMutant? = nil) {
        self.mutant = mutant
        var random = SeededRandom(seed: seed)
        let rules: [ConflictRule] = [.ours, .theirs, .ask]
        policy = FacetPolicy(
            direction: shape.direction, conflicts: rules[Int.random(in: 0..<3, using: &random)], deletes: shape.deletes)
        let skews: [ClosedRange<Int64>] = [0...0, -60...60, -172_800...172_800]
        skew = Int64.random(in: skews[Int.random(in: 0..<3, using: &random)], using: &random)
        self.shape = shape
        self.random = random
    }

    private static func moment(_ seconds: Int64) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: seconds * 1_000_000)
    }

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    /// Returns what is wrong in the end, or nil.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            for _ in 0..<Int.random(in: 15...50, using: &random) {
                now += Int64.random(in: 1...8, using: &random)
                past.append((now, stamp, theirs))
                past.removeAll { now - $0.at > Self.lag - 4 }
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
        var title = titles[Int.random(in: 0..<titles.count, using: &random)]
        var side: SyncSide = Bool.random(using: &random) ? .ours : .theirs
        var value = shape.draw(&random)
        if let last, oneIn(3) {
            (title, side) = (last.title, oneIn(4) ? last.side : last.side.other)
            if oneIn(2) { value = last.value }
        }
        // Trakt supports no conditional writes: an edit there while a write of ours is in progress is overwritten.
        if side == .theirs, isUnderWay(title) { return }
        // Nor can anyone tell who restored what a process had removed when it died.
        if side == .ours, title == torn { return }
        let entry = value.map { SyncValue($0, SyncMoment(at: Self.moment(now + (side == .theirs ? skew : 0)))) }
        guard (side == .ours ? ours : theirs)[title]?.value != value else { return }
        order += 1
        last = (title, side, value)
        switch side {
        case .ours:
            ours[title] = entry
            touchedHere.insert(title)
        case .theirs:
            theirs[title] = entry
            editedThere[title] = now
            leftThere[title] = value
            if value == nil { removedThere[title] = order }
        }
        wishes[title, default: [:]][side] = Wish(value: value, order: order)
        if let value { wished[title, default: []].insert(value) }
    }

    /// Something on their list is watched there: it leaves although nobody removed it.
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
        // An interrupted run is continued before another one reads.
        guard steps.isEmpty else {
            makeSteps(isQuiet: isQuiet)
            return nil
        }
        let reading = read(isQuiet: isQuiet)
        let known = known
        let plan = plan(reading, known)
        let again = self.plan(reading.shuffled(&random), known)
        if plan != again { return "the order of the rows matters: \(plan), \(again)" }
        if let fault = fault(of: plan, reading, known) ?? delay(of: plan, reading, known) { return fault }
        see(reading.rows, known)
        let isOpen = reading.snapshot.isPartial || plan.echoes > 0 || plan.clashes.contains { $0.winner == nil }
        seenStamp = isOpen ? nil : reading.stamp
        for (title, entry) in plan.base {
            if mutant == (entry.value == nil ? .forgetting : .agreeing) { continue }
            base[title] = entry
            writtenAt[title] = now
        }
        clashes = plan.clashes.filter { $0.winner == nil }
        let times = Dictionary(reading.rows.map { ($0.title, $0.value.moment) }) { first, _ in first }
        steps =
            plan.forUs.map { Step(side: .ours, change: $0, moment: times[$0.title] ?? nil) }
            + plan.forThem.map { change in
                let shown = reading.shown[change.title]?.value
                return Step(
                    side: .theirs, change: change, moment: nil, readAt: reading.at,
                    known: [shown, known[change.title]?.value, nil])
            }
        makeSteps(isQuiet: isQuiet)
        return nil
    }

    /// The base as a run sees it: the record of lagging readings expires.
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
            if mutant == .echo { known[title]?.echo = nil }
            if mutant == .letGo { known[title]?.isLetGo = false }
        }
        return known
    }

    private mutating func plan(_ reading: ItemReading<Value>, _ known: [TitleID: BaseEntry<Value>]) -> FacetPlan<Value>
    {
        var circumstances = FacetPlanner<Value>.Circumstances()
        if mutant != .lane { circumstances.inFlight = Set(jobs.map(\.title)) }
        if mutant != .excuse { circumstances.excused = Set(letGo.keys) }
        let shown = reading.shown.mapValues(\.value)
        for choice in mutant == .choice ? [] : Array(chosen.values)
        where ours[choice.title]?.value == choice.ours && shown[choice.title] == choice.theirs {
            circumstances.chosen[choice.title] = choice.winner
        }
        let rows = titles.compactMap { title in ours[title].map { TitleValue(title, $0.value, $0.moment) } }
        return FacetPlanner<Value>(policy: policy, brake: RemovalBrake { _, _ in .go }).plan(
            base: known, ours: rows.shuffled(using: &random), theirs: snapshot(of: reading), circumstances)
    }

    private func snapshot(of reading: ItemReading<Value>) -> Snapshot<TitleValue<Value>> {
        switch (reading.snapshot, mutant) {
        case (.partial(let rows), .proof), (.changes(let rows), .silence): .ours(rows)
        case (.partial(let rows), .explanation) where reading.tally.doubt == nil: .ours(rows)
        case (let snapshot, _): snapshot
        }
    }

    /// Finds removals of edited or never agreed values, and changes to a side that must not be changed.
    private func fault(
        of plan: FacetPlan<Value>, _ reading: ItemReading<Value>, _ known: [TitleID: BaseEntry<Value>]
    ) -> String? {
        let shown = reading.shown.mapValues(\.value)
        let clashes = Set(plan.clashes.map(\.title))
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
        for change in plan.forThem where !clashes.contains(change.title) {
            let entry = known[change.title]
            if entry?.isLetGo == true { return "told again what they let go of: \(change)" }
            guard let there = shown[change.title], there != entry?.value else { continue }
            if entry?.echo == nil || entry?.echo?.was != there { return "an edit there is told over: \(change)" }
        }
        for change in plan.forUs where !clashes.contains(change.title) && change.becomes != nil {
            if let here = ours[change.title]?.value, here != known[change.title]?.value {
                return "an edit here is written over: \(change)"
            }
            if change.becomes != shown[change.title] { return "not the latest of two rows: \(change)" }
        }
        if !policy.direction.changes(.theirs), !plan.forThem.isEmpty { return "they are not to be told" }
        return nil
    }

    /// Finds changes that could be made at once but wait, and stale readings that are not recognized.
    private func delay(
        of plan: FacetPlan<Value>, _ reading: ItemReading<Value>, _ known: [TitleID: BaseEntry<Value>]
    ) -> String? {
        let planned = Set((plan.forUs + plan.forThem).map(\.title)).union(plan.clashes.map(\.title))
        for (title, entry) in known where !entry.isLetGo && !jobs.contains(where: { $0.title == title }) {
            guard let echo = entry.echo, let shown = reading.shown[title], shown.value != entry.value else { continue }
            if theirs[title]?.value == entry.value, reading.at < writtenAt[title] ?? 0, plan.echoes == 0 {
                return "a late reading is taken for the last: \(title)"
            }
            guard policy.direction == .both, !planned.contains(title) else { continue }
            let isNews = echo.over.map { over in shown.moment.map { $0.at > over } ?? false } ?? false
            if isNews, ours[title]?.value != shown.value { return "news from there waits: \(title)" }
            if !isNews, echo.was == shown.value, ours[title]?.value != entry.value {
                return "an edit here waits: \(title)"
            }
        }
        return nil
    }

    /// A value that left by itself and is shown again is a wish again, unless the reading is stale.
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
            // The process may die at any of these points; the next one continues.
            if !isQuiet, oneIn(14) { return }
            switch step.side {
            case .theirs:
                jobs.append(
                    Job(
                        title: title, was: step.change.was, becomes: step.change.becomes, readAt: step.readAt,
                        known: step.known))
            case .ours:
                let present = ours[title]?.value
                // A click in between stays, and the list has to be read again.
                guard present == step.change.becomes || present == step.change.was else {
                    if mutant != .reopening { seenStamp = nil }
                    break
                }
                ours[title] = step.change.becomes.map { SyncValue($0, step.moment) }
                torn = title
                if !isQuiet, oneIn(14) { return }
                torn = nil
                base[title] = BaseEntry(step.change.becomes, echo: .init(was: step.change.was))
                writtenAt[title] = now
            }
            steps.removeFirst()
        }
    }

    /// Returns a reading: stale, with duplicate rows, or with holes.
    private mutating func read(isQuiet: Bool) -> ItemReading<Value> {
        if !isQuiet, seenStamp == stamp, !oneIn(3) {
            return ItemReading(
                rows: [], tally: PageTally(), isMoved: false, agreedCount: 0, at: now, stamp: stamp, isSpared: true)
        }
        var (at, stamp, shown) = (now, stamp, theirs)
        if !isQuiet, let old = past.randomElement(using: &random), Bool.random(using: &random) {
            (at, stamp, shown) = old
        }
        var rows = titles.compactMap { title in shown[title].map { TitleValue(title, $0.value, $0.moment) } }
        var count = rows.count
        let isMoved = isQuiet || shown.mapValues(\.value) != base.compactMapValues(\.value)
        if !isQuiet {
            switch Int.random(in: 0..<9, using: &random) {
            case 0: rows = []
            case 1: rows.removeAll { _ in Bool.random(using: &random) }
            // The list moved during reading: some rows come twice, perhaps in an earlier state, or another is missed
            // instead.
            case 2:
                rows += titles.compactMap { title in
                    past.first?.theirs[title].map { TitleValue(title, $0.value, $0.moment) }
                }.prefix(2)
                rows += rows.prefix(2)
                at = min(at, past.first?.at ?? at)
            case 3 where rows.count > 2: rows = rows.dropLast() + rows.prefix(2)
            // Some are missing from the count as well, although no change is reported there.
            case 4 where !isMoved:
                rows.removeAll { _ in Bool.random(using: &random) }
                count = rows.count
            default: break
            }
        }
        var tally = PageTally()
        tally.add(PageTally.Page(number: 1, rowCount: rows.count, limit: 100, pageCount: 1, itemCount: count))
        return ItemReading(
            rows: rows, tally: tally, isMoved: isMoved, agreedCount: base.values.count { $0.value != nil }, at: at,
            stamp: stamp)
    }

    // MARK: The queue

    private mutating func deliver(isQuiet: Bool) {
        guard let job = jobs.first else { return }
        let there = theirs[job.title]?.value
        if there != job.becomes, !job.known.contains(there), editedThere[job.title] ?? .max < job.readAt {
            trouble = trouble ?? "an edit there that was to be seen is written over: \(job), \(there as Any)"
        }
        let luck = isQuiet ? 9 : Int.random(in: 0..<10, using: &random)
        // The request is lost; the job waits.
        if luck == 0 { return }
        if theirs[job.title]?.value != job.becomes {
            theirs[job.title] = job.becomes.map { SyncValue($0, SyncMoment(at: Self.moment(now + skew))) }
            leftThere[job.title] = job.becomes
            if job.becomes != nil { letGo[job.title] = nil }
        }
        // The reply is lost; the job is sent again, with the same result.
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
        for title in titles {
            if let fault = trouble ?? fault(of: title) { return fault }
            // Neither side has it any more, and both know: restoring it is a wish like any other.
            if ours[title] == nil, theirs[title] == nil { letGo[title] = nil }
        }
        start = ours.mapValues(\.value)
        (wishes, wished, removedThere) = ([:], [:], [:])
        return nil
    }

    /// Swapping the present state of the sides must swap what is planned for them.
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

    /// Returns what is wrong with a title when everything is quiet, or nil.
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
            // Restored and removed between two readings: all that is known is that it was watched.
            return start[title] != nil || wished[title] != nil ? nil : told("came from nowhere")
        }
        // Added there, or restored there after a removal, and watched before that was seen.
        let isTakenOff = removedThere[title].map { $0 > sides[.ours]?.order ?? -1 } ?? false
        return isTakenOff || start[title] == nil && sides[.ours] == nil ? nil : told("lost")
    }

    /// The same for a facet that only receives.
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
