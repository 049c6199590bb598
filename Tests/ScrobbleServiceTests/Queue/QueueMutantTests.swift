import Contracts
import Postgres
import Store
import Testing

@testable import ScrobbleService

/// The queue with one of its safeguards removed: the failures that the other tests look for must then occur.
@Suite struct QueueMutantTests {
    private static func book(_ seed: UInt64) -> RemoteBook { RemoteBook(seed: seed) { $0 % 4 == 0 ? .lostReply : nil } }

    /// Resends without looking first.
    private struct Blind: RemoteWriter {
        let book: RemoteBook
        var pace: Duration { book.pace }
        func send(_ parcel: Parcel) async -> [JobReply] { await book.send(parcel) }
        func look(for parcel: Parcel) async -> [LookReply] { parcel.jobs.map { _ in .absent } }
    }

    @Test("Without a look before sending again, lost replies make doubles; with it they do not")
    func blindRetry() async throws {
        for isBlind in [false, true] {
            try await QueueTest.withStores(1) { stores, pool in
                let lane = QueueTest.lane()
                let jobs = (0..<40).map { _ in QueueTest.job(lane, .live, .stop) }
                try await stores[0].enqueue(jobs, until: QueueTest.deadline())
                let seed = UInt64.random(in: 0 ... .max)
                let book = Self.book(seed)
                let writer: any RemoteWriter = isBlind ? Blind(book: book) : book
                let worker = QueueWorker(id: QueueTest.ids.next(), store: stores[0], writers: [.trakt: writer])
                try await QueueTest.work([worker]) { try await pool.first(QueueTest.waiting) == 0 }
                let doubled = book.entries.count - Set(book.entries).count
                if isBlind { print("mutant blind retry: caught, \(doubled) of 40 doubled, seed \(seed)") }
                #expect((doubled > 0) == isBlind, "seed \(seed)")
                #expect(Set(book.entries).count == 40, "seed \(seed)")
            }
        }
    }

    @Test("Without the unique index, things queued at the same moment are queued twice")
    func noUniqueIndex() async throws {
        try await QueueTest.withStores { stores, pool in
            try await pool.execute(
                PGCommand("tests.mutate", "DROP INDEX scrobble_queue_by_fingerprint", kind: .solo))
            let lane = QueueTest.lane()
            var queued = 0
            for _ in 0..<50 {
                let first = QueueTest.job(lane)
                queued += try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<10 {
                        let job = NewJob(
                            id: QueueTest.ids.next(), lane: lane, urgency: .bulk, kind: .movie, title: first.title,
                            action: .addPlay, payload: first.payload, fingerprint: first.fingerprint)
                        group.addTask { try await stores[number % 2].enqueue([job], until: QueueTest.deadline()).count }
                    }
                    return try await group.reduce(0, +)
                }
            }
            print("mutant no unique index: caught, \(queued) of 50 queued")
            #expect(queued > 50)
        }
    }

    @Test("Without the fence, a worker that wakes late writes over what another did")
    func noFence() async throws {
        var limits = QueueTest.quick
        limits.lease = .milliseconds(30)
        try await QueueTest.withStores(1, limits) { stores, pool in
            let lane = QueueTest.lane()
            try await stores[0].enqueue([QueueTest.job(lane, .live, .stop)], until: QueueTest.deadline())
            var claims: [LaneClaim] = []
            while claims.count < 2 {
                var window = ClaimWindow(slack: .seconds(2))
                claims += try await stores[0].claim(
                    as: QueueTest.ids.next(), &window, liveMax: 1, bulkMax: 1, providers: [.trakt],
                    until: QueueTest.deadline())
            }
            for hasFence in [true, false] {
                let late = LaneClaim(
                    key: lane, fence: hasFence ? claims[0].fence : claims[1].fence, urgency: .live,
                    leaseEnds: claims[0].leaseEnds, jobs: claims[0].jobs)
                let settlement = LaneSettlement(
                    claim: late, results: [(.dead(reason: "late"), .goOn)], pace: .zero)
                let written = try await stores[0].settle([settlement], until: QueueTest.deadline())
                if !hasFence { print("mutant no fence: caught, the late worker wrote over the other's lane") }
                #expect(written.isEmpty == hasFence)
                #expect(try await pool.first(QueueTest.waiting) == (hasFence ? 1 : 0))
            }
        }
    }
}
