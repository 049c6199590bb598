import Contracts
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// The remote is down for weeks of simulated time: time passes by moving all stored timestamps into the past.
@Suite struct OutageTests {
    /// A remote that is unreachable, or does not answer, until it is back.
    private final class Away: RemoteWriter {
        let book = RemoteBook()
        private let state: Mutex<(isAway: Bool, random: SeededRandom, calls: Int)>

        init(seed: UInt64) { state = Mutex((true, SeededRandom(seed: seed), 0)) }

        var pace: Duration { .seconds(1) }
        var calls: Int { state.withLock { $0.calls } }
        func comeBack() { state.withLock { $0.isAway = false } }

        /// Returns what goes wrong, or nil once the remote is back.
        private func trouble() -> JobReply? {
            state.withLock { state in
                guard state.isAway else { return nil }
                state.calls += 1
                switch state.random.next() % 3 {
                case 0: return .ambiguous("no answer")
                case 1: return .wait(.seconds(60), "503")
                default: return .notTaken("connection refused")
                }
            }
        }

        func send(_ parcel: Parcel) async -> [JobReply] {
            if let trouble = trouble() { return parcel.jobs.map { _ in trouble } }
            return await book.send(parcel)
        }

        func look(for parcel: Parcel) async -> [LookReply] {
            if let trouble = trouble() { return parcel.jobs.map { _ in .failed(trouble) } }
            return await book.look(for: parcel)
        }
    }

    /// Counts the lanes that workers hold.
    private final class InHand: Sendable {
        private let count = Mutex(0)
        var isEmpty: Bool { count.withLock { $0 == 0 } }

        func observe(_ point: QueuePoint) {
            count.withLock { count in
                switch point {
                case .claimed(let claims): count += claims.count
                case .settled, .lost: count -= 1
                case .claiming, .answered, .troubled: break
                }
            }
        }
    }

    private static let passing = [
        """
        UPDATE queue_lanes SET live_at = live_at - $1 * interval '1 second',
            bulk_at = bulk_at - $1 * interval '1 second', held_until = held_until - $1 * interval '1 second'
        """,
        """
        UPDATE scrobble_queue SET next_retry_at = next_retry_at - $1 * interval '1 second',
            sent_at = sent_at - $1 * interval '1 second', created_at = created_at - $1 * interval '1 second'
        """,
    ].enumerated().map { PGCommand("tests.passing.\($0)", $1) }

    private static let due = PGStatement("tests.due", "SELECT count(*) FROM queue_lanes WHERE due_at <= now()") {
        row throws(PGError) in try row.next(Int.self)
    }

    @Test(
        "Two weeks away lose nothing: each job arrives once and in order; after a month each is given up, with a reason",
        arguments: [14, 31])
    func away(days: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var limits = QueueLimits()
        limits.poll = .milliseconds(20)
        limits.claimFromStart = .milliseconds(50)
        try await QueueTest.withStores(2, limits) { stores, pool in
            let away = Away(seed: seed)
            let inHand = InHand()
            let lanes = (0..<8).map { _ in QueueTest.lane() }
            let jobs = lanes.flatMap { lane in
                (0..<10).map { QueueTest.job(lane, $0 < 5 ? .live : .bulk, $0 < 5 ? .stop : .addPlay) }
            }
            try await stores[0].enqueue(jobs, until: QueueTest.deadline())
            let workers = stores.map {
                QueueWorker(id: QueueTest.ids.next(), store: $0, writers: [.trakt: away], observe: inHand.observe)
            }

            /// Waits until everything due by now is done.
            func settle() async throws {
                let end = ContinuousClock.now + .seconds(20)
                while true {
                    if try await pool.first(Self.due) == 0, inHand.isEmpty { return }
                    try #require(ContinuousClock.now < end, "seed \(seed): what is due is not worked")
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            func pass(_ time: Duration) async throws {
                try await settle()
                try await pool.execute(together: Self.passing.map { $0.bound([.double(time.inSeconds)]) })
                for worker in workers { worker.bell.ring() }
                try await settle()
            }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers { group.addTask { await worker.run() } }
                defer { group.cancelAll() }
                for _ in 0..<(days * 12) { try await pass(.seconds(2 * 3_600)) }
                away.comeBack()
                try await pass(limits.backoffMax * 1.5)
                for _ in 0..<100 {
                    if try await pool.first(QueueTest.waiting) == 0 { break }
                    try await pass(.seconds(130))
                }
            }

            let outcomes = try await QueueTest.outcomes(pool)
            let entries = away.book.entries
            print("outage of \(days) days: seed \(seed), \(jobs.count) jobs, \(away.calls) calls in vain, \(outcomes)")
            #expect(away.calls > days * lanes.count, "they were hardly tried: seed \(seed)")
            #expect(away.calls < days * lanes.count * 40, "they were tried all the time: seed \(seed)")
            if days == 14 {
                #expect(entries.count == jobs.count && Set(entries).count == jobs.count, "seed \(seed)")
                #expect(outcomes.filter { $0.key.hasPrefix("done") }.values.reduce(0, +) == jobs.count, "\(outcomes)")
                for lane in lanes {
                    for urgency in [JobUrgency.live, .bulk] {
                        let queued = jobs.filter { $0.lane == lane && $0.urgency == urgency }.map(\.title)
                        let arrived = entries.filter { $0.lane == lane && queued.contains($0.title) }.map(\.title)
                        #expect(arrived == queued, "seed \(seed)")
                    }
                }
            } else {
                #expect(entries.isEmpty, "seed \(seed)")
                #expect(outcomes.filter { $0.key.hasPrefix("dead: ") }.values.reduce(0, +) == jobs.count, "\(outcomes)")
            }
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }
}
