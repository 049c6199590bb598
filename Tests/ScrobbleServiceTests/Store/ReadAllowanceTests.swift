import Contracts
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// How often a remote account may be read, in a real Postgres.
@Suite struct ReadAllowanceTests {
    /// Previously, a full allowance could be used at once and was replenished within the same five minutes: Trakt
    /// refused the rest, and a long history was restarted each time.
    @Test("However greedily an account is read, five minutes see no more reads than are allowed, and not much fewer")
    func fiveMinutes() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let values: [PGValue] = [
                .id(UserID(SystemIDSource().next())), .word(SyncProvider.trakt), .double(Double(SyncLimits().readsMax)),
                .double(0),
            ]
            let goOn = PGCommand(
                "tests.goOn", "UPDATE rate_buckets SET refilled_at = refilled_at - interval '5 seconds'")
            var taken = 0
            // The test's own duration adds to this: less than the ten seconds left out.
            for _ in 0..<59 {
                while try await !pools[0].query(SyncQueries.takeRead, values, deadline: QueueTest.deadline()).isEmpty {
                    taken += 1
                }
                try await pools[0].execute(goOn, [], deadline: QueueTest.deadline())
            }
            #expect(taken <= SyncLimits().readsMax, "\(taken)")
            #expect(taken >= SyncLimits().readsMax * 9 / 10, "\(taken)")
        }
    }

    /// Previously, the queue's reads for verifying its writes were not counted, and came on top of those of a long
    /// sync.
    @Test(
        "A sync that has used up its reads leaves some for the queue, and what the queue reads is missing to the next sync"
    )
    func reserve() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            var limits = SyncLimits()
            limits.readsMax = 3
            limits.readsReserve = 2
            let store = SyncStore(database: Database(pool: pools[0]), ids: SystemIDSource(), limits: limits)
            let lane = QueueTest.lane()
            #expect(await store.take(lane))
            var spent = 0
            while await store.spend(lane) { spent += 1 }
            #expect(spent == 2)
            #expect(SyncLimits().readsMax + SyncLimits().readsReserve < 500, "as many as Trakt allows")
        }
    }

    @Test("Reading a history to find the row of a play takes a place")
    func writerReads() async throws {
        try await SyncTest.run { test in
            try await test.there(
                "sync/history", #"{"movies":[{"ids":{"trakt":1},"watched_at":"2026-03-01T20:02:00.000Z"}]}"#)
            try await test.queue.enqueue([Self.removal(test)], until: QueueTest.deadline())
            try await test.deliver()
            #expect(test.trakt.plays.isEmpty)
            let taken = PGStatement("tests.buckets", "SELECT count(*) FROM rate_buckets") { row throws(PGError) in
                try row.next(Int.self)
            }
            #expect(try await test.pool.query(taken) == [1])
        }
    }

    /// The removal of a play without its remote row number: it has to be looked for.
    private static func removal(_ test: SyncTest) -> NewJob {
        NewJob(
            id: SystemIDSource().next(), lane: test.lane, urgency: .live, kind: .movie,
            title: NeighbourBook.title(1), action: .removePlay,
            payload: JobPayload(watchedAt: Timestamp("2026-03-01T20:02:00Z"), precision: .minute),
            fingerprint: "remove 1")
    }

    /// Counts waiting jobs only: a claimed job is counted before its outcome is known.
    private static let retries = PGStatement(
        "tests.retries", "SELECT max(retry_count) FROM scrobble_queue WHERE status = 'pending'"
    ) { row throws(PGError) in try row.next(Int?.self) ?? 0 }

    /// Previously, it was retried every ten seconds, used up the few reads replenished each time, and never finished;
    /// nor did a sync.
    @Test("What finds the reads of an account used up waits longer each time")
    func usedUp() async throws {
        var limits = SyncLimits()
        limits.readsMax = 0
        limits.readsReserve = 0
        try await SyncTest.run(limits: limits) { test in
            // The first read is never refused.
            _ = await test.store.take(test.lane)
            try await test.queue.enqueue([Self.removal(test)], until: QueueTest.deadline())
            let isCounted = try await QueueTest.work([test.queueWorker()]) {
                try await test.pool.query(Self.retries).contains { $0 >= 1 }
            }
            #expect(isCounted)
        }
    }
}
