import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

/// Lists damaged in every way that lists have been damaged in practice.
@Suite struct DeleteStormTests {
    private enum Damage: CaseIterable {
        case empty, emptyWithoutHeaders, firstPageOnly, halfTheRows, halfTheRowsRecounted, lastPageMissing, rowsTwice
    }

    /// Returns a damaged list of `rows`; in some cases, the remote also reports that something has changed in it.
    private static func damaged<Row: Sendable>(
        _ rows: [Row], _ damage: Damage, _ random: inout SeededRandom
    ) -> Snapshot<Row> {
        let limit = 25
        let pages = stride(from: 0, to: max(rows.count, 1), by: limit).map { Array(rows.dropFirst($0).prefix(limit)) }
        var tally = PageTally()
        var shown: [Row] = []
        func add(_ page: [Row], of count: Int, _ items: Int, headers: Bool = true) {
            shown += page
            tally.add(
                PageTally.Page(
                    number: tallyCount, rowCount: page.count, limit: headers ? limit : nil,
                    pageCount: headers ? count : nil, itemCount: headers ? items : nil))
            tallyCount += 1
        }
        var tallyCount = 1
        switch damage {
        case .empty: add([], of: 1, 0)
        case .emptyWithoutHeaders: add([], of: 1, 0, headers: false)
        case .firstPageOnly: add(pages[0], of: pages.count, rows.count)
        case .halfTheRows:
            for page in pages { add(page.filter { _ in Bool.random(using: &random) }, of: pages.count, rows.count) }
        case .halfTheRowsRecounted:
            let half = rows.filter { _ in Bool.random(using: &random) }
            let count = max(1, (half.count + limit - 1) / limit)
            for start in 0..<count { add(Array(half.dropFirst(start * limit).prefix(limit)), of: count, half.count) }
        case .lastPageMissing: for page in pages.dropLast() { add(page, of: pages.count, rows.count) }
        case .rowsTwice:
            for page in pages { add(page + page.prefix(1), of: pages.count, rows.count) }
        }
        // Damage that the pages themselves reveal needs no report of a change.
        let isEvident = [.firstPageOnly, .lastPageMissing, .halfTheRows, .emptyWithoutHeaders].contains(damage)
        let isMoved = isEvident && shown.count < rows.count && Bool.random(using: &random)
        return tally.snapshot(shown, isMoved: isMoved, agreedCount: rows.count)
    }

    @Test("1,000 damaged lists, of libraries of every size: nothing of ours is removed")
    func storm() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for trial in 0..<1_000 {
            let damage = Damage.allCases[trial % Damage.allCases.count]
            let count = Int.random(in: 1...80, using: &random)
            let rows = (0..<count).map { number in
                TitleValue(TitleID(UUIDBits(high: 7, low: UInt64(number))), number % 10 + 1)
            }
            let base = Dictionary(uniqueKeysWithValues: rows.map { ($0.title, BaseEntry($0.value.value)) })
            let plan = FacetPlanner<Int>(policy: FacetPolicy(direction: .both)).plan(
                base: base, ours: rows, theirs: Self.damaged(rows, damage, &random))
            guard plan.forUs.allSatisfy({ $0.becomes != nil }), plan.forThem.isEmpty else {
                Issue.record("seed \(seed), trial \(trial), \(damage) of \(count): \(plan.forUs.count) removals")
                return
            }
        }
    }

    @Test("1,000 damaged histories of every length: no play of ours is removed, and none is told again")
    func histories() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for trial in 0..<1_000 {
            let damage = Damage.allCases[trial % Damage.allCases.count]
            let count = Int.random(in: 1...80, using: &random)
            var (base, ours, theirs): ([PlayPair], [OurPlay], [TheirPlay]) = ([], [], [])
            for number in 0..<count {
                let title = TitleID(UUIDBits(high: 7, low: UInt64(number % 9)))
                let at = Timestamp(clampingMicrosecondsSinceEpoch: Int64(number) * 86_400_000_000)
                let id = PlayID(UUIDBits(high: 9, low: UInt64(number)))
                ours.append(OurPlay(id: id, title: title, moment: .minute(at, day: at.date), runtimeMinutes: 90))
                theirs.append(TheirPlay(id: Int64(number), title: title, watchedAt: at))
                base.append(PlayPair(play: id, title: title, theirs: Int64(number)))
            }
            let plan = HistoryPlanner(policy: FacetPolicy(direction: .both)).plan(
                base: base, ours: ours, theirs: Self.damaged(theirs, damage, &random))
            guard plan.removeOurs.isEmpty, plan.removeTheirs.isEmpty, plan.forThem.isEmpty, plan.forUs.isEmpty else {
                Issue.record("seed \(seed), trial \(trial), \(damage) of \(count): \(plan)")
                return
            }
        }
    }

    @Test("Even where the other side says that something happened, more than a handful missing stops and asks")
    func recounted() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        for trial in 0..<200 {
            let count = Int.random(in: 30...300, using: &random)
            let rows = (0..<count).map { number in
                TitleValue(TitleID(UUIDBits(high: 7, low: UInt64(number))), number % 10 + 1)
            }
            let left = Array(rows.prefix(count / 2))
            var tally = PageTally()
            tally.add(
                PageTally.Page(number: 1, rowCount: left.count, limit: 500, pageCount: 1, itemCount: left.count))
            let plan = FacetPlanner<Int>(policy: FacetPolicy(direction: .both)).plan(
                base: Dictionary(uniqueKeysWithValues: rows.map { ($0.title, BaseEntry($0.value.value)) }), ours: rows,
                theirs: tally.snapshot(left, isMoved: true, agreedCount: count))
            #expect(plan.forUs.isEmpty && plan.heldForUs.count == count - left.count, "seed \(seed), trial \(trial)")
        }
    }
}
