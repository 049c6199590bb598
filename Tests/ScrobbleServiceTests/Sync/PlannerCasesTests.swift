import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

/// A million items through the planner as a sync calls it, a hundred per library.
@Suite struct PlannerCasesTests {
    private static let workers = 2

    @Test(
        "A million items, planned in libraries: one run settles all, order and sides make no difference, no edit is removed"
    )
    func million() async {
        let seed = UInt64.random(in: 0...UInt64.max)
        let begun = ContinuousClock.now
        await withTaskGroup(of: String?.self) { group in
            for worker in 0..<Self.workers {
                group.addTask {
                    PlannerCases.fault(seed: seed &+ UInt64(worker), libraries: PlannerCases.libraries / Self.workers)
                }
            }
            for await fault in group { if let fault { Issue.record("\(fault)") } }
        }
        let took = begun.duration(to: .now)
        print("\(PlannerCases.libraries * PlannerCases.count) planner cases in \(took), seed \(seed)")
        // A debug build on a shared machine: this finds work that grows faster than its items, not a slow machine.
        #expect(took < .seconds(240))
    }
}

/// What both sides have of a hundred titles, and what they agreed on: one tree, changed twice.
struct PlannerCases {
    static let count = 100
    static let libraries = 10_000

    private static let titles = (0..<count).map { TitleID(UUIDBits(high: 7, low: UInt64($0))) }
    private static let brake = RemovalBrake { _, _ in .go }

    private var base: [TitleID: BaseEntry<Int>] = [:]
    private var ours: [TitleValue<Int>] = []
    private var theirs: [TitleValue<Int>] = []
    private let conflicts: ConflictRule

    init(_ random: inout SeededRandom) {
        conflicts = [.ours, .theirs, .ask, .ask][Int(random.next() & 3)]
        base.reserveCapacity(Self.count)
        ours.reserveCapacity(Self.count)
        theirs.reserveCapacity(Self.count)
        for title in Self.titles {
            let bits = random.next()
            let value = Int(bits & 3) + 1
            if bits >> 2 & 3 != 0 { base[title] = BaseEntry(value) }
            if let row = Self.row(title, value, bits >> 8) { ours.append(row) }
            if let row = Self.row(title, value, bits >> 24) { theirs.append(row) }
        }
    }

    /// Of eight rows, one is gone and two are changed; some have a known time.
    private static func row(_ title: TitleID, _ value: Int, _ bits: UInt64) -> TitleValue<Int>? {
        let draw = bits & 7
        guard draw != 0 else { return nil }
        let moment =
            bits >> 5 & 3 == 0
            ? nil : SyncMoment(at: Timestamp(clampingMicrosecondsSinceEpoch: Int64(bits >> 7 & 511) * 1_000_000))
        return TitleValue(title, draw < 3 ? Int(bits >> 3 & 3) + 1 : value, moment)
    }

    /// Returns what is wrong with the libraries of a seed, or nil. Every fourth is also tried with its rows in another
    /// order, and in another fourth the sides are swapped if conflicts are asked about.
    static func fault(seed: UInt64, libraries: Int) -> String? {
        var random = SeededRandom(seed: seed)
        for round in 0..<libraries {
            var library = PlannerCases(&random)
            if let fault = library.fault(inOrder: round % 4 == 0, swapped: round % 4 == 1) {
                return "seed \(seed), library \(round): \(fault)"
            }
        }
        return nil
    }

    private func plan(_ rule: ConflictRule, _ ours: [TitleValue<Int>], _ theirs: [TitleValue<Int>]) -> FacetPlan<Int> {
        FacetPlanner<Int>(policy: FacetPolicy(direction: .both, conflicts: rule), brake: Self.brake).plan(
            base: base, ours: ours, theirs: .ours(theirs))
    }

    /// Returns what is wrong with these titles, or nil.
    private mutating func fault(inOrder: Bool, swapped: Bool) -> String? {
        let plan = plan(conflicts, ours, theirs)
        if inOrder, plan != self.plan(conflicts, ours.reversed(), theirs.reversed()) {
            return "the order of the rows matters"
        }
        if swapped, conflicts == .ask {
            let mirrored = self.plan(conflicts, theirs, ours)
            if !Self.mirrors(plan, mirrored) { return "not symmetric: \(plan), mirrored \(mirrored)" }
        }
        for change in plan.forUs + plan.forThem where change.becomes == nil {
            guard let agreed = base[change.title]?.value, change.was == agreed else {
                return "removed what was edited, or never agreed on: \(change)"
            }
        }
        apply(plan)
        let second = self.plan(conflicts, ours, theirs)
        if !second.isEmpty { return "a second run plans something: \(second)" }
        let open = Set(second.clashes.map(\.title))
        if conflicts != .ask, !open.isEmpty { return "an open conflict" }
        func values(_ rows: [TitleValue<Int>]) -> [TitleID: Int] {
            var found: [TitleID: Int] = [:]
            for row in rows where !open.contains(row.title) { found[row.title] = row.value.value }
            return found
        }
        return values(ours) == values(theirs) ? nil : "the sides differ after one run"
    }

    private static func mirrors(_ plan: FacetPlan<Int>, _ other: FacetPlan<Int>) -> Bool {
        plan.forUs == other.forThem && plan.forThem == other.forUs && plan.base == other.base
            && plan.clashes.map(\.title) == other.clashes.map(\.title)
            && plan.clashes.map { $0.winner?.other } == other.clashes.map(\.winner)
    }

    /// Updates both sides and the base as after a plan that succeeded, once nothing lags any more.
    private mutating func apply(_ plan: FacetPlan<Int>) {
        let (shown, own) = (Self.byTitle(theirs), Self.byTitle(ours))
        var (mine, their) = (own, shown)
        for change in plan.forUs {
            mine[change.title] = change.becomes == nil ? nil : shown[change.title]
            base[change.title] = change.becomes.map { BaseEntry($0) }
        }
        for change in plan.forThem {
            their[change.title] = change.becomes == nil ? nil : own[change.title]
            base[change.title] = change.becomes.map { BaseEntry($0) }
        }
        for (title, entry) in plan.base { base[title] = BaseEntry(entry.value) }
        (ours, theirs) = (Array(mine.values), Array(their.values))
    }

    private static func byTitle(_ rows: [TitleValue<Int>]) -> [TitleID: TitleValue<Int>] {
        var found: [TitleID: TitleValue<Int>] = [:]
        found.reserveCapacity(count)
        for row in rows { found[row.title] = row }
        return found
    }
}
