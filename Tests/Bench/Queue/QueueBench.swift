import Contracts
import Postgres
import ScrobbleService
import Store
import Synchronization

/// An upstream that accepts everything at once and records the time.
final class NoUpstream: RemoteWriter {
    private let state = Mutex<(count: Int, arrivals: [UUIDBits: ContinuousClock.Instant])>((0, [:]))
    let pace = Duration.zero

    func send(_ parcel: Parcel) async -> [JobReply] {
        let now = ContinuousClock.now
        state.withLock { state in
            state.count += parcel.jobs.count
            if state.count < 1_000_000 { for job in parcel.jobs { state.arrivals[job.id] = now } }
        }
        return parcel.jobs.map { _ in .delivered }
    }

    func look(for parcel: Parcel) async -> [LookReply] { parcel.jobs.map { _ in .found } }

    // Looked up in place: copying the dictionary while more jobs arrive would distort the measurement.
    func arrival(of job: UUIDBits) -> ContinuousClock.Instant? { state.withLock { $0.arrivals[job] } }

    func has(_ jobs: some Sequence<UUIDBits>) -> Bool {
        state.withLock { state in jobs.allSatisfy { state.arrivals[$0] != nil } }
    }
}

struct QueueBench {
    private let store: QueueStore
    private let database: Database
    private let ids = SystemIDSource()

    init(_ database: Database) {
        self.database = database
        store = QueueStore(database: database)
    }

    private static let left = PGStatement(
        "bench.left", "SELECT coalesce(sum(live_count + bulk_count), 0)::bigint FROM queue_lanes"
    ) { row throws(PGError) in try row.next(Int.self) }

    private static let clear = PGCommand(
        "bench.clear", "TRUNCATE queue_lanes, queue_lane_names, scrobble_queue, queue_outcomes", kind: .solo)

    private func job(_ user: UserID, _ urgency: JobUrgency) -> NewJob {
        let id = ids.next()
        return NewJob(
            id: id, lane: LaneKey(user: user, provider: .trakt), urgency: urgency, kind: .movie, title: TitleID(id),
            action: urgency == .live ? .stop : .addPlay,
            payload: JobPayload(progressPercent: 96.5, watchedAt: SystemWallClock().now, precision: .second),
            fingerprint: "play \(id)")
    }

    /// Runs a worker while `body` runs.
    private func working<Value: Sendable>(
        _ upstream: NoUpstream, _ body: (QueueWorker) async throws -> Value
    ) async throws -> Value {
        try await database.pool.execute(Self.clear)
        let worker = QueueWorker(id: ids.next(), store: store, writers: [.trakt: upstream])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await worker.run() }
            defer { group.cancelAll() }
            return try await body(worker)
        }
    }

    private func untilDone() async throws {
        while try await database.pool.first(Self.left) != 0 { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Enqueues one job per call, as playback does, from many people at once.
    func single(jobs: Int) async throws -> [(String, Double)] {
        let store = store
        let users = (0..<2_000).map { _ in UserID(ids.next()) }
        let all = (0..<jobs).map { job(users[$0 % users.count], .live) }
        let took = try await working(NoUpstream()) { worker in
            let begun = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for part in 0..<32 {
                    group.addTask {
                        for index in stride(from: part, to: all.count, by: 32) {
                            try await store.enqueue([all[index]], until: .now + .seconds(30))
                            worker.announce()
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await untilDone()
            return begun.duration(to: .now)
        }
        return [("jobs_per_second", Double(jobs) / took.inSeconds)]
    }

    /// Enqueues many jobs of each person, as a sync or an import does.
    func batch(jobs: Int) async throws -> [(String, Double)] {
        let users = (0..<50).map { _ in UserID(ids.next()) }
        let took = try await working(NoUpstream()) { worker in
            let begun = ContinuousClock.now
            for user in users {
                for start in stride(from: 0, to: jobs / users.count, by: 1_000) {
                    let count = min(1_000, jobs / users.count - start)
                    try await store.enqueue((0..<count).map { _ in job(user, .bulk) }, until: .now + .seconds(30))
                    worker.announce()
                }
            }
            try await untilDone()
            return begun.duration(to: .now)
        }
        return [("jobs_per_second", Double(jobs) / took.inSeconds)]
    }

    /// The time from just before a lone job is enqueued until the upstream has it, with a worker notified by NOTIFY.
    func pickup(samples: Int) async throws -> [(String, Double)] {
        let upstream = NoUpstream()
        let here = QueueWorker(id: ids.next(), store: store, writers: [:])
        var waits: [Duration] = []
        try await working(upstream) { _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The enqueuing side processes no jobs itself.
                group.addTask { await here.run() }
                defer { group.cancelAll() }
                try await Task.sleep(for: .milliseconds(500))
                for _ in 0..<samples {
                    let job = job(UserID(ids.next()), .live)
                    let begun = ContinuousClock.now
                    try await store.enqueue([job], until: .now + .seconds(30))
                    here.announce()
                    while upstream.arrival(of: job.id) == nil { try await Task.sleep(for: .milliseconds(1)) }
                    waits.append(begun.duration(to: upstream.arrival(of: job.id) ?? .now))
                    try await Task.sleep(for: .milliseconds(Int64.random(in: 60...140)))
                }
            }
        }
        return [("p50_ms", waits.share(0.5).milliseconds), ("p99_ms", waits.share(0.99).milliseconds)]
    }

    /// Jobs per second at full speed, without and then with a transaction that keeps every dead row.
    func xmin(seconds: Int) async throws -> [(String, Double)] {
        let free = try await pace(seconds: seconds, holding: false)
        let held = try await pace(seconds: seconds, holding: true)
        return [("free_per_second", free), ("held_per_second", held)]
    }

    /// Jobs completed per second over the whole time.
    private func pace(seconds: Int, holding: Bool) async throws -> Double {
        let store = store
        let users = (0..<400).map { _ in UserID(ids.next()) }
        let limit = Duration.seconds(seconds)
        let done = try await working(NoUpstream()) { worker in
            try await withThrowingTaskGroup(of: [ContinuousClock.Instant].self) { group in
                if holding {
                    group.addTask {
                        try await hold(for: limit); return []
                    }
                }
                let begun = ContinuousClock.now
                for part in 0..<8 {
                    group.addTask {
                        var times: [ContinuousClock.Instant] = []
                        var place = part
                        while begun.duration(to: .now) < limit {
                            let jobs = (0..<4).map { job(users[(place + $0 * 97) % users.count], .live) }
                            try await store.enqueue(jobs, until: .now + .seconds(30))
                            worker.announce()
                            times += Array(repeating: .now, count: 4)
                            place += 8
                        }
                        return times
                    }
                }
                var queued = 0
                for try await times in group { queued += times.count }
                let waiting = try await database.pool.first(Self.left) ?? 0
                return Double(queued - waiting) / begun.duration(to: .now).inSeconds
            }
        }
        return done
    }

    /// Holds a snapshot, as a forgotten session would.
    private func hold(for time: Duration) async throws {
        let touch = PGStatement("bench.touch", "SELECT count(*) FROM queue_lanes") { row throws(PGError) in
            try row.next(Int.self)
        }
        try await database.pool.withTransaction(isolation: .repeatableRead, deadline: .now + time + .seconds(30)) {
            transaction throws(PGError) in
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end {
                _ = try await transaction.first(touch)
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    /// The latency of many people's jobs, alone and while one person has 100 000 jobs queued.
    func fair() async throws -> [(String, Double)] {
        let alone = try await crowd(besides: 0)
        let beside = try await crowd(besides: 100_000)
        return [("alone_p99_ms", alone.milliseconds), ("beside_p99_ms", beside.milliseconds)]
    }

    private func crowd(besides count: Int) async throws -> Duration {
        let upstream = NoUpstream()
        return try await working(upstream) { worker in
            let heavy = UserID(ids.next())
            for _ in 0..<(count / 1_000) {
                try await store.enqueue((0..<1_000).map { _ in job(heavy, .bulk) }, until: .now + .seconds(30))
            }
            worker.announce()
            var queued: [UUIDBits: ContinuousClock.Instant] = [:]
            for _ in 0..<10 {
                for user in (0..<50).map({ _ in UserID(ids.next()) }) {
                    let job = job(user, .bulk)
                    queued[job.id] = .now
                    try await store.enqueue([job], until: .now + .seconds(30))
                    worker.announce()
                }
            }
            while !upstream.has(queued.keys) { try await Task.sleep(for: .milliseconds(5)) }
            return queued.compactMap { id, begun in upstream.arrival(of: id).map { begun.duration(to: $0) } }.share(
                0.99)
        }
    }
}
