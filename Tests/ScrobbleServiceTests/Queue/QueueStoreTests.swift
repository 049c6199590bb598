import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct QueueStoreTests {
    private static let worker = QueueTest.ids.next()

    private static func claim(_ store: QueueStore, _ max: Int = 100) async throws -> [LaneClaim] {
        var window = ClaimWindow(slack: .seconds(2))
        return try await store.claim(
            as: worker, &window, liveMax: max, bulkMax: max, providers: [.trakt], until: QueueTest.deadline())
    }

    private static func settle(
        _ store: QueueStore, _ claim: LaneClaim, _ fate: JobFate, _ lane: LaneEffect = .goOn
    ) async throws -> [SettledLane] {
        let settlement = LaneSettlement(claim: claim, results: claim.jobs.map { _ in (fate, lane) }, pace: .zero)
        return try await store.settle([settlement], until: QueueTest.deadline())
    }

    /// Previously, a job that left the queue without stopping its facet was not sent again until a sync read
    /// everything.
    @Test("What an account has no room for leaves the queue together with the stop of its facet, or not at all")
    func refusedRoom() async throws {
        try await QueueTest.withStores(1) { stores, pool in
            let waiting = { try await pool.first(QueueTest.waiting) }
            let stops = PGStatement("tests.stops", "SELECT facet FROM facet_stops") { row throws(PGError) in
                try row.next(String.self)
            }
            let job = QueueTest.job(QueueTest.lane(), .bulk, .addToWatchlist)
            _ = try await stores[0].enqueue([job], until: QueueTest.deadline())
            let claim = try #require(try await Self.claim(stores[0]).first)
            _ = try await pool.execute(
                PGCommand("tests.refuse", "ALTER TABLE facet_stops ADD CONSTRAINT none CHECK (false) NOT VALID"), [])
            await #expect(throws: StoreError.self) {
                try await Self.settle(
                    stores[0], claim, .barred(.accountLimit), .bar(.watchlist, .accountLimit))
            }
            let kept = try await waiting()
            #expect(kept == 1)
            _ = try await pool.execute(PGCommand("tests.allow", "ALTER TABLE facet_stops DROP CONSTRAINT none"), [])
            _ = try await Self.settle(stores[0], claim, .barred(.accountLimit), .bar(.watchlist, .accountLimit))
            let left = try await waiting()
            let stopped = try await pool.query(stops)
            #expect(left == 0 && stopped == ["watchlist"])
        }
    }

    @Test("A thousand jobs queued at once by many hands keep an order without holes, and none is there twice")
    func positions() async throws {
        try await QueueTest.withStores { stores, pool in
            let lane = QueueTest.lane()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    let jobs = (0..<20).map { _ in QueueTest.job(lane, number % 3 == 0 ? .live : .bulk) }
                    group.addTask {
                        try await stores[number % 2].enqueue(jobs, until: QueueTest.deadline())
                        // The same jobs again, as after a lost answer.
                        let again = try await stores[(number + 1) % 2].enqueue(jobs, until: QueueTest.deadline())
                        #expect(again.isEmpty)
                    }
                }
                try await group.waitForAll()
            }
            let positions = PGStatement(
                "tests.positions", "SELECT position FROM scrobble_queue ORDER BY position"
            ) { row throws(PGError) in try row.next(Int.self) }
            #expect(try await pool.query(positions) == Array(0..<1_000))
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test(
        "Many who put first jobs into the same new lanes at once, in any order, open each once; beside workers none is lost"
    )
    func openings() async throws {
        try await QueueTest.withStores { stores, pool in
            let lanes = (0..<20).flatMap { _ in
                let user = UserID(QueueTest.ids.next())
                return [LaneKey(user: user, provider: .trakt), LaneKey(user: user, provider: .simkl)]
            }
            let book = RemoteBook(seed: 1)
            let worker = QueueWorker(
                id: QueueTest.ids.next(), store: stores[1], writers: [.trakt: book, .simkl: book])
            var queued: [UUIDBits] = []
            let isDone = try await QueueTest.work([worker]) {
                guard queued.isEmpty else { return try await pool.first(QueueTest.waiting) == 0 }
                queued = try await withThrowingTaskGroup(of: [UUIDBits].self) { group in
                    for number in 0..<20 {
                        let store = stores[number % 2]
                        group.addTask {
                            var ids: [UUIDBits] = []
                            for _ in 0..<3 {
                                let own = LaneKey(user: UserID(QueueTest.ids.next()), provider: .trakt)
                                let jobs = ([own] + lanes.shuffled()).map { QueueTest.job($0, .live, .stop) }
                                ids += try await store.enqueue(jobs, until: QueueTest.deadline())
                            }
                            return ids
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                return false
            }
            let arrived = book.entries.map(\.title)
            #expect(isDone && arrived.count == 20 * 3 * 41)
            #expect(Set(arrived) == Set(queued.map { TitleID($0) }) && queued.count == arrived.count)
            let lanesThere = PGStatement(
                "tests.lanes", "SELECT count(*), count(DISTINCT (user_id, provider)) FROM queue_lanes"
            ) { row throws(PGError) in [try row.next(Int.self), try row.next(Int.self)] }
            #expect(try await pool.first(lanesThere) == [100, 100])
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("What a call met that was made before its person let the lane go on does not stop it again")
    func resumed() async throws {
        try await QueueTest.withStores { stores, _ in
            let lane = QueueTest.lane()
            try await stores[0].enqueue([QueueTest.job(lane, .live, .stop)], until: QueueTest.deadline())
            let early = try #require(try await Self.claim(stores[0]).first)
            try await stores[1].pause(lane, false, until: QueueTest.deadline())
            let refused = JobFate.again(after: .zero, reason: "needs_reauth", isCounted: false)
            _ = try await Self.settle(stores[0], early, refused, .stop(.needsReauth))
            let late = try #require(try await Self.claim(stores[0]).first, "it goes on")
            _ = try await Self.settle(stores[0], late, refused, .stop(.needsReauth))
            #expect(try await Self.claim(stores[0]).isEmpty, "it has stopped")
        }
    }

    @Test("Ten hands that queue one thing at the same moment queue it once")
    func fingerprints() async throws {
        try await QueueTest.withStores { stores, pool in
            let lane = QueueTest.lane()
            for _ in 0..<10 {
                let first = QueueTest.job(lane)
                let queued = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<10 {
                        let job = NewJob(
                            id: QueueTest.ids.next(), lane: lane, urgency: .bulk, kind: .movie, title: first.title,
                            action: .addPlay, payload: first.payload, fingerprint: first.fingerprint)
                        group.addTask {
                            try await stores[number % 2].enqueue([job], until: QueueTest.deadline()).count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(queued == 1)
            }
            #expect(try await pool.first(QueueTest.waiting) == 10)
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("A lane has one holder; live work goes first and alone, bulk work of one action goes together")
    func claims() async throws {
        try await QueueTest.withStores { stores, pool in
            let lane = QueueTest.lane()
            let bulk = (0..<3).map { _ in QueueTest.job(lane) }
            let other = QueueTest.job(lane, .bulk, .rate)
            let live = (0..<2).map { _ in QueueTest.job(lane, .live, .stop) }
            try await stores[0].enqueue(bulk + [other] + bulk.prefix(1) + live, until: QueueTest.deadline())
            var order: [[TitleID]] = []
            for _ in 0..<4 {
                let held = try await Self.claim(stores[0])
                #expect(held.count == 1)
                #expect(try await Self.claim(stores[1]).isEmpty, "somebody holds it")
                order.append(held[0].jobs.map(\.title))
                _ = try await Self.settle(stores[0], held[0], .done(reason: "test"))
            }
            #expect(order == [[live[0].title], [live[1].title], bulk.map(\.title), [other.title]])
            #expect(try await pool.first(QueueTest.waiting) == 0)
            #expect(try await pool.first(QueueTest.faults) == 0)
            #expect(try await Self.claim(stores[0]).isEmpty)
        }
    }

    @Test("A worker that wakes after its lease writes nothing down, and its lane goes on with another")
    func fence() async throws {
        var limits = QueueTest.quick
        limits.lease = .milliseconds(50)
        try await QueueTest.withStores(2, limits) { stores, pool in
            for _ in 0..<20 {
                let lane = QueueTest.lane()
                try await stores[0].enqueue(
                    [QueueTest.job(lane, .live, .stop), QueueTest.job(lane, .live, .stop)], until: QueueTest.deadline())
                let stopped = try #require(try await Self.claim(stores[0]).first)
                var taken: LaneClaim?
                while taken == nil {
                    taken = try await Self.claim(stores[1]).first
                    if taken == nil { try await Task.sleep(for: .milliseconds(5)) }
                }
                let other = try #require(taken)
                #expect(other.fence > stopped.fence)
                #expect(other.jobs.map(\.title) == stopped.jobs.map(\.title))
                #expect(other.jobs.first?.state.status == .sending, "the intent of the one that stopped is seen")
                #expect(try await Self.settle(stores[0], stopped, .dead(reason: "late")).isEmpty)
                #expect(try await stores[0].renew([stopped], until: QueueTest.deadline()).isEmpty)
                #expect(try await Self.settle(stores[1], other, .done(reason: "test")).count == 1)
                #expect(try await Self.settle(stores[0], stopped, .dead(reason: "later")).isEmpty)
                let next = try #require(try await Self.claim(stores[1]).first)
                _ = try await Self.settle(stores[1], next, .done(reason: "test"))
            }
            #expect(try await QueueTest.outcomes(pool) == ["done: test": 40])
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("A job that comes while its lane is given up is not forgotten")
    func wakeups() async throws {
        try await QueueTest.withStores { stores, pool in
            let lane = QueueTest.lane()
            // Enqueueing and settling contend for the lane over and over.
            async let queued: Void = {
                for _ in 0..<300 {
                    try await stores[0].enqueue([QueueTest.job(lane, .live, .stop)], until: QueueTest.deadline())
                }
            }()
            var done = 0
            let end = ContinuousClock.now + .seconds(30)
            while done < 300, ContinuousClock.now < end {
                for claim in try await Self.claim(stores[1]) {
                    done += claim.jobs.count
                    _ = try await Self.settle(stores[1], claim, .done(reason: "test"))
                }
            }
            try await queued
            #expect(done == 300)
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("By hand: taken back, stopped, gone on with, sent again after death")
    func byHand() async throws {
        try await QueueTest.withStores { stores, pool in
            let store = stores[0]
            let lane = QueueTest.lane()
            let jobs = (0..<3).map { _ in QueueTest.job(lane, .live, .stop) }
            try await store.enqueue(jobs, until: QueueTest.deadline())
            #expect(try await store.cancel(jobs[1].id, of: lane.user, until: QueueTest.deadline()))
            #expect(try await !store.cancel(jobs[1].id, of: lane.user, until: QueueTest.deadline()))
            #expect(try await !store.cancel(jobs[2].id, of: QueueTest.lane().user, until: QueueTest.deadline()))
            try await store.pause(lane, true, until: QueueTest.deadline())
            #expect(try await Self.claim(store).isEmpty)
            try await store.pause(lane, false, until: QueueTest.deadline())
            let held = try #require(try await Self.claim(store).first)
            #expect(try await !store.cancel(jobs[0].id, of: lane.user, until: QueueTest.deadline()), "on its way")
            _ = try await Self.settle(store, held, .dead(reason: "no such title"))
            let last = try #require(try await Self.claim(store).first)
            _ = try await Self.settle(store, last, .done(reason: "test"))
            #expect(try await Self.claim(store).isEmpty)
            #expect(try await !store.revive(jobs[2].id, of: lane.user, until: QueueTest.deadline()))
            #expect(try await store.revive(jobs[0].id, of: lane.user, until: QueueTest.deadline()))
            #expect(try await !store.revive(jobs[0].id, of: lane.user, until: QueueTest.deadline()))
            let revived = try #require(try await Self.claim(store).first?.jobs.first)
            #expect(revived.title == jobs[0].title && revived.payload == jobs[0].payload)
            #expect(revived.state.sends == 1 && revived.state.status == .pending)
            #expect(try await QueueTest.outcomes(pool) == ["cancelled: by hand": 1, "done: test": 1])
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("A job that surely did not arrive was not sent, however often it was tried; one that may have was")
    func sendings() async throws {
        try await QueueTest.withStores { stores, _ in
            let store = stores[0]
            try await store.enqueue([QueueTest.job(QueueTest.lane(), .live, .addPlay)], until: QueueTest.deadline())
            let machine = JobMachine(limits: QueueLimits())
            for tries in 1...6 {
                let claim = try #require(try await Self.claim(store).first)
                let job = try #require(claim.jobs.first?.state)
                #expect(job.sends == 1 && job.retryCount == tries)
                let fate = machine.settle(job, .notTaken("connection refused"), jitter: 0).fate
                guard case .again(_, let reason, let isCounted, let mayHaveArrived) = fate else {
                    Issue.record("\(fate)")
                    return
                }
                let now = JobFate.again(
                    after: .zero, reason: reason, isCounted: isCounted, mayHaveArrived: mayHaveArrived)
                _ = try await Self.settle(store, claim, now)
            }
            let sent = try #require(try await Self.claim(store).first)
            _ = try await Self.settle(
                store, sent, .again(after: .zero, reason: "reset", isCounted: true, mayHaveArrived: true))
            #expect(try await Self.claim(store).first?.jobs.first?.state.sends == 2)
        }
    }

    @Test("One worker at a time has the turn at what comes round")
    func turns() async throws {
        try await QueueTest.withStores { stores, _ in
            let turns = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        try await stores[number % 2].takeTurn(
                            "test", every: .seconds(3_600), as: QueueTest.ids.next(), until: QueueTest.deadline())
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(turns.filter(\.self).count == 1)
        }
    }
}
