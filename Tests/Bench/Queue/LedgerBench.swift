import Contracts
import Postgres
import ScrobbleService
import Store

/// Measures the ledger of a person with many plays.
struct LedgerBench {
    private let ledger: LedgerStore
    private let store: ScrobbleStore
    private let ids = SystemIDSource()

    init(_ database: Database) {
        ledger = LedgerStore(database: database, ids: ids)
        store = ScrobbleStore(database: database)
    }

    /// The seconds to insert a file's new plays, the same file again, and the same plays a little later from another
    /// source. Every insert is recorded so that it can be undone.
    func insert(plays count: Int) async throws -> [(String, Double)] {
        let user = UserID(ids.next())
        let new = try await add(count, to: user)
        let again = try await add(count, to: user)
        let other = try await add(count, to: user, from: "trakt")
        return [
            ("new_seconds", new.inSeconds), ("again_seconds", again.inSeconds), ("other_road_seconds", other.inSeconds),
        ]
    }

    /// The milliseconds to read a page from a random place in the history.
    func page(plays count: Int) async throws -> [(String, Double)] {
        let user = UserID(ids.next())
        _ = try await add(count, to: user)
        var waits: [Duration] = []
        for _ in 0..<400 {
            let second = Int64.random(in: 0..<Int64(count)) * 3_600
            let place = HistoryCursor(
                listedAt: Timestamp(clampingMicrosecondsSinceEpoch: second * 1_000_000), id: PlayID(ids.next()))
            let begun = ContinuousClock.now
            _ = try await store.plays(of: user, after: place, limit: 51, until: .now + .seconds(10))
            waits.append(begun.duration(to: .now))
        }
        return [("p50_ms", waits.share(0.5).milliseconds), ("p99_ms", waits.share(0.99).milliseconds)]
    }

    private func add(_ count: Int, to user: UserID, from road: String = "file") async throws -> Duration {
        let batch = BatchID(ids.next())
        let later: Int64 = road == "file" ? 0 : 600_000_000
        let titles = (0..<20_000).map { TitleID(UUIDBits(high: 77, low: $0)) }
        let begun = ContinuousClock.now
        for start in stride(from: 0, to: count, by: LedgerLimits.itemsMax) {
            let plays = (start..<min(start + LedgerLimits.itemsMax, count)).map { number in
                let at = Timestamp(clampingMicrosecondsSinceEpoch: Int64(number) * 3_600_000_000 + later)
                return IncomingPlay(
                    title: titles[number % titles.count], kind: .episode, moment: .second(at, day: at.date),
                    percent: 100, runtimeMinutes: 45, source: PlaySource(name: road, key: "row \(number)"))
            }
            let arrival = LedgerStore.Arrival(
                user: user, timeZone: "Europe/Vienna", batch: batch, at: SystemWallClock().now, isByHand: false,
                plays: plays, telling: false)
            _ = try await ledger.add(arrival, until: .now + .seconds(30))
        }
        return begun.duration(to: .now)
    }
}
