import Contracts
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Workers on a real Postgres against a remote that applies everything twice if it is sent twice.
@Suite(.serialized) struct QueueWorkerTests {
    private static func worker(_ store: QueueStore, _ book: any RemoteWriter) -> QueueWorker {
        QueueWorker(id: QueueTest.ids.next(), store: store, writers: [.trakt: book])
    }

    /// Enqueues jobs for `lanes` people; returns the titles in the order in which each lane must see them.
    private static func fill(
        _ store: QueueStore, lanes: Int, jobs: Int, _ urgency: JobUrgency = .live, _ action: JobAction = .stop
    ) async throws -> [LaneKey: [TitleID]] {
        var expected: [LaneKey: [TitleID]] = [:]
        for _ in 0..<lanes {
            let lane = QueueTest.lane()
            let jobs = (0..<jobs).map { _ in QueueTest.job(lane, urgency, action) }
            try await store.enqueue(jobs, until: QueueTest.deadline())
            expected[lane] = jobs.map(\.title)
        }
        return expected
    }

    private static func hold(_ book: RemoteBook, against expected: [LaneKey: [TitleID]], _ comment: Comment) {
        let arrived = Dictionary(grouping: book.entries, by: \.lane).mapValues { $0.map(\.title) }
        for (lane, titles) in expected {
            let found = arrived[lane] ?? []
            #expect(Set(found) == Set(titles), "lost or invented; \(comment)")
            #expect(found.count == titles.count, "doubled; \(comment)")
            #expect(found == titles, "out of order; \(comment)")
        }
        #expect(book.overlaps == 0, "two calls of one connection at once; \(comment)")
    }

    @Test("Two workers deliver every job once, in order, one call of a connection at a time, whatever gets lost")
    func faults() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await QueueTest.withStores { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 20, jobs: 15)
            let book = RemoteBook(seed: seed) { number in
                switch number % 100 {
                case 0..<6: .lostReply
                case 6..<12: .lostRequest
                case 12..<18: .busy(.milliseconds(30))
                default: nil
                }
            }
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            Self.hold(book, against: expected, "seed \(seed)")
            #expect(try await QueueTest.outcomes(pool).values.reduce(0, +) == 300)
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test(
        "Two thousand ambiguous replies, half of them to writes that arrived: each is looked for, none is lost or doubled"
    )
    func ambiguous() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await QueueTest.withStores { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 250, jobs: 8)
            let told = Mutex(0)
            let book = RemoteBook(seed: seed) { number in
                let isTold = told.withLock { told in
                    told += 1
                    return told > 2_000
                }
                if isTold { return nil }
                return number % 2 == 0 ? .lostReply : .lostRequest
            }
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }, within: .seconds(120)) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone, "seed \(seed)")
            Self.hold(book, against: expected, "seed \(seed)")
            let outcomes = try await QueueTest.outcomes(pool)
            #expect(outcomes.values.reduce(0, +) == 2_000)
            #expect((outcomes["done: found there"] ?? 0) > 800, "\(outcomes)")
        }
    }

    @Test("Bulk jobs travel together, and live ones overtake them")
    func bulk() async throws {
        try await QueueTest.withStores(1) { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 3, jobs: 1_000, .bulk, .addPlay)
            let book = RemoteBook()
            let isDone = try await QueueTest.work([Self.worker(stores[0], book)]) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            #expect(book.calls == 30)
            Self.hold(book, against: expected, "bulk")
        }
    }

    @Test(
        "Between two calls of a connection lies the time that its provider asks for, whichever worker makes them",
        arguments: [60, 0])
    func paced(milliseconds: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let pace = Duration.milliseconds(milliseconds)
        try await QueueTest.withStores { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 8, jobs: 8)
            let book = RemoteBook(seed: seed, pace: pace) { number in
                switch number % 20 {
                case 0: .lostReply
                case 1: .busy(.milliseconds(5))
                default: nil
                }
            }
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            Self.hold(book, against: expected, "seed \(seed)")
            let gap = try #require(book.shortestGap)
            #expect(gap >= pace, "\(gap); seed \(seed)")
            // A lane without a pace is called as soon as possible: the book would show a longer gap.
            if milliseconds == 0 { #expect(gap < .milliseconds(60), "\(gap); seed \(seed)") }
        }
    }

    @Test("Who has one job does not wait for neighbours who have hundreds, however few lanes a worker holds")
    func fair() async throws {
        var limits = QueueTest.quick
        limits.lanesMax = 3
        limits.claimMax = 3
        limits.bulkLanesMax = 3
        try await QueueTest.withStores(1, limits) { stores, pool in
            let heavy = try await Self.fill(stores[0], lanes: 6, jobs: 150)
            let book = RemoteBook()
            let worker = Self.worker(stores[0], book)
            let light = (0..<10).map { _ in QueueTest.job(QueueTest.lane(), .live, .stop) }
            let before = Mutex<Int?>(nil)
            let isDone = try await QueueTest.work([worker]) {
                // After each heavy lane has had its turns.
                if before.withLock({ $0 == nil }), book.entries.count >= 60 {
                    try await stores[0].enqueue(light, until: QueueTest.deadline())
                    before.withLock { $0 = book.entries.count }
                    worker.announce()
                }
                return try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            let titles = Set(light.map(\.title))
            let entries = book.entries
            Self.hold(book, against: heavy, "fair")
            #expect(entries.count { titles.contains($0.title) } == light.count)
            let last = try #require(entries.lastIndex { titles.contains($0.title) })
            // Each waiting lane has a turn before any other has two: 16 lanes, three of them held.
            let queuedAt = before.withLock { $0 } ?? 0
            #expect(last <= queuedAt + 2 * 16, "queued after \(queuedAt), the last at \(last) of \(entries.count)")
        }
    }

    @Test("Sessions that Postgres ends again and again neither lose nor double a job, and no worker ends")
    func killedBackends() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await QueueTest.withStores { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 30, jobs: 20)
            let book = RemoteBook(seed: seed) { $0 % 50 == 0 ? .lostReply : nil }
            let kill = PGStatement(
                "tests.kill",
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()
                """, kind: .solo
            ) { row throws(PGError) in try row.next(Bool.self) }
            let rounds = Mutex(0)
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }) {
                let round = rounds.withLock { count in
                    count += 1
                    return count
                }
                if round <= 30 {
                    _ = try? await pool.query(kill, deadline: QueueTest.deadline(1))
                    try await Task.sleep(for: .milliseconds(60))
                    return false
                }
                return try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            Self.hold(book, against: expected, "seed \(seed)")
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("Workers that die at any point leave nothing behind that the next one does not finish once")
    func deaths() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await QueueTest.withStores { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 12, jobs: 12)
            var random = SeededRandom(seed: seed)
            let book = RemoteBook(seed: seed) { $0 % 40 == 0 ? .lostReply : nil }
            for _ in 0..<25 {
                // A worker cancelled at a random moment writes nothing more, like a killed process.
                let life = Duration.milliseconds(Int64(random.next() % 40))
                try await QueueTest.work([Self.worker(stores[0], book)], within: life) { false }
            }
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            Self.hold(book, against: expected, "seed \(seed)")
            #expect(try await pool.first(QueueTest.faults) == 0)
        }
    }

    @Test("A worker that sleeps beyond its lease in the middle of a call doubles nothing")
    func sleepers() async throws {
        var limits = QueueTest.quick
        limits.lease = .milliseconds(300)
        // Nothing renews the lease, as if the whole process were stopped.
        limits.heartbeat = .seconds(60)
        limits.leaseLeftMin = .milliseconds(100)
        // Wakes after the lease and the first look, but before the second.
        limits.firstLook = .milliseconds(350)
        limits.secondLook = .milliseconds(900)
        try await QueueTest.withStores(2, limits) { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 6, jobs: 5)
            let sleeps = Mutex(0)
            let book = RemoteBook(before: { _ in
                let number = sleeps.withLock { count in
                    count += 1
                    return count
                }
                if number % 5 == 1 { try? await Task.sleep(for: .milliseconds(450)) }
            })
            let isDone = try await QueueTest.work(stores.map { Self.worker($0, book) }) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            let counts = Dictionary(grouping: book.entries, by: \.title).mapValues(\.count)
            #expect(counts.values.allSatisfy { $0 == 1 })
            #expect(Set(counts.keys) == Set(expected.values.joined()))
        }
    }

    @Test("A job that kills its workers is given up, and its lane goes on")
    func poison() async throws {
        var limits = QueueTest.quick
        // Longer than a busy machine takes to end a worker, which would otherwise claim the job again.
        limits.lease = .milliseconds(500)
        limits.leaseLeftMin = .milliseconds(1)
        limits.firstLook = .milliseconds(1)
        limits.secondLook = .milliseconds(2)
        limits.poll = .milliseconds(10)
        try await QueueTest.withStores(1, limits) { stores, pool in
            let lane = QueueTest.lane()
            let jobs = (0..<3).map { _ in QueueTest.job(lane, .live, .rate) }
            try await stores[0].enqueue(jobs, until: QueueTest.deadline())
            // A worker that sends the first job never returns.
            let poison = jobs[0].title
            let book = RemoteBook(before: { parcel in
                if parcel.jobs[0].title == poison { try? await Task.sleep(for: .seconds(3_600)) }
            })
            for _ in 0..<5 {
                let died = Mutex(false)
                let worker = QueueWorker(id: QueueTest.ids.next(), store: stores[0], writers: [.trakt: book]) { point in
                    guard case .claimed(let claims) = point else { return }
                    if claims.contains(where: { $0.jobs.first?.title == poison }) { died.withLock { $0 = true } }
                }
                let isDead = try await QueueTest.work([worker], within: .seconds(5)) { died.withLock(\.self) }
                #expect(isDead)
            }
            let isDone = try await QueueTest.work([Self.worker(stores[0], book)], within: .seconds(10)) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            #expect(try await QueueTest.outcomes(pool) == ["dead: it crashes workers": 1, "done: delivered": 2])
        }
    }

    @Test("A worker that is asked to end finishes what it has sent and counts nothing that it has not")
    func drains() async throws {
        try await QueueTest.withStores(1) { stores, pool in
            let expected = try await Self.fill(stores[0], lanes: 10, jobs: 10)
            let book = RemoteBook(before: { _ in try? await Task.sleep(for: .milliseconds(20)) })
            for _ in 0..<6 {
                let worker = Self.worker(stores[0], book)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await worker.run() }
                    try await Task.sleep(for: .milliseconds(50))
                    await worker.drain()
                    group.cancelAll()
                }
                let inDoubt = PGStatement(
                    "tests.inDoubt",
                    "SELECT count(*) FROM scrobble_queue WHERE status <> 'pending' OR retry_count <> 0 OR sends <> 0"
                ) { row throws(PGError) in try row.next(Int.self) }
                #expect(try await pool.first(inDoubt) == 0)
            }
            let isDone = try await QueueTest.work([Self.worker(stores[0], book)]) {
                try await pool.first(QueueTest.waiting) == 0
            }
            #expect(isDone)
            Self.hold(book, against: expected, "drained")
        }
    }
}
