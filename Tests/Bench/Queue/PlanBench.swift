import Contracts
import ScrobbleService

/// Plans the sync of a person with 100 000 items: 60 000 plays, 30 000 ratings and a watchlist of 10 000.
struct PlanBench {
    let rounds: Int

    private static let plays = 60_000
    private static let ratings = 30_000
    private static let listed = 10_000

    /// The slowest round, in milliseconds, and the peak memory of the process, in MB. In `first`, both sides have all
    /// items and sync for the first time; in `later`, one in a hundred has changed on either side.
    func figures() -> [(String, Double)] {
        let first = (0..<max(rounds, 1)).map { _ in plan(isFirst: true) }.max() ?? .zero
        let later = (0..<max(rounds, 1)).map { _ in plan(isFirst: false) }.max() ?? .zero
        return [
            ("first_ms", first.milliseconds), ("later_ms", later.milliseconds), ("peak_mb", ProcessPeak.megabytes),
        ]
    }

    private func plan(isFirst: Bool) -> Duration {
        let policy = FacetPolicy(direction: .both)
        let history = History(isFirst: isFirst)
        let ratings = Register(Self.ratings, isFirst: isFirst)
        let watchlist = Register(Self.listed, isFirst: isFirst)
        let begun = ContinuousClock.now
        let plays = HistoryPlanner(policy: policy).plan(
            base: history.base, ours: history.ours, theirs: history.theirs)
        let planner = FacetPlanner<Int>(policy: policy)
        let rated = planner.plan(base: ratings.base, ours: ratings.ours, theirs: ratings.theirs)
        let listed = planner.plan(base: watchlist.base, ours: watchlist.ours, theirs: watchlist.theirs)
        let took = begun.duration(to: .now)
        let changes =
            plays.pairs.count + plays.forUs.count + rated.base.count + rated.forUs.count + listed.forThem.count
        precondition(changes > 0, "a plan of nothing measures nothing")
        return took
    }

    private static func title(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 77, low: UInt64(number))) }

    /// A snapshot of a list that was read completely.
    private static func whole<Row>(_ rows: [Row]) -> Snapshot<Row> {
        var tally = PageTally()
        tally.add(
            PageTally.Page(number: 1, rowCount: rows.count, limit: rows.count, pageCount: 1, itemCount: rows.count))
        return tally.snapshot(rows, isMoved: true, agreedCount: 0)
    }

    private struct History {
        var base: [PlayPair] = []
        var ours: [OurPlay] = []
        let theirs: Snapshot<TheirPlay>

        init(isFirst: Bool) {
            var shown: [TheirPlay] = []
            for number in 0..<PlanBench.plays {
                let at = Timestamp(clampingMicrosecondsSinceEpoch: Int64(number) * 5_400_000_000)
                let title = PlanBench.title(number / 3)
                let id = PlayID(UUIDBits(high: 9, low: UInt64(number)))
                if isFirst || number % 100 != 1 {
                    ours.append(OurPlay(id: id, title: title, moment: .second(at, day: at.date), runtimeMinutes: 45))
                }
                if isFirst || number % 100 != 2 {
                    shown.append(TheirPlay(id: Int64(number), title: title, watchedAt: at))
                }
                if !isFirst, number % 100 > 2 { base.append(PlayPair(play: id, title: title, theirs: Int64(number))) }
            }
            theirs = PlanBench.whole(shown)
        }
    }

    private struct Register {
        var base: [TitleID: BaseEntry<Int>] = [:]
        var ours: [TitleValue<Int>] = []
        let theirs: Snapshot<TitleValue<Int>>

        init(_ count: Int, isFirst: Bool) {
            var shown: [TitleValue<Int>] = []
            for number in 0..<count {
                let title = PlanBench.title(number)
                let moment = SyncMoment(at: Timestamp(clampingMicrosecondsSinceEpoch: Int64(number) * 1_000_000_000))
                let value = number % 10 + 1
                if !isFirst { base[title] = BaseEntry(value) }
                ours.append(TitleValue(title, number % 100 == 1 ? value % 10 + 1 : value, moment))
                shown.append(TitleValue(title, number % 100 == 2 ? value % 10 + 1 : value, moment))
            }
            theirs = PlanBench.whole(shown)
        }
    }
}
