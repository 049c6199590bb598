import AsyncHTTPClient
import Contracts
import Cryptography
import Foundation
import JSON
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Writes that may or may not have arrived: the real worker, store and client against an emulated Trakt that performs
/// them or not, and answers with a proxy's page, a closed connection or nothing at all. Its own book shows what became
/// of them.
@Suite(.serialized) struct AmbiguousReplyTests {
    private static let ids = SystemIDSource()

    /// Delays in milliseconds instead of minutes. A call that is given up has long arrived, if ever, so it can be
    /// looked for at once.
    static var limits: QueueLimits {
        var limits = QueueTest.quick
        limits.lease = .seconds(20)
        limits.heartbeat = .seconds(5)
        limits.leaseLeftMin = .seconds(6)
        limits.callTimeout = .seconds(5)
        limits.backoffMin = .milliseconds(2)
        limits.backoffMax = .milliseconds(10)
        limits.firstLook = .milliseconds(5)
        limits.secondLook = .milliseconds(10)
        limits.poll = .milliseconds(50)
        return limits
    }

    /// Gives every person an account.
    private struct Accounts: TokenSource {
        func token(of lane: LaneKey) async -> TokenState { .good(Secret("demo-\(lane.user)")) }
        func renewed(of lane: LaneKey, instead refused: Secret) async -> TokenState { .none(.needsReauth) }
    }

    /// Resends without looking first.
    private struct Blind: RemoteWriter {
        let inner: TraktWriter
        var pace: Duration { inner.pace }
        func send(_ parcel: Parcel) async -> [JobReply] { await inner.send(parcel) }
        func look(for parcel: Parcel) async -> [LookReply] { parcel.jobs.map { _ in .absent } }
    }

    /// A play as identified in both books.
    private struct Entry: Hashable {
        let title: Int
        /// To the minute; nil for a scrobble.
        let at: Substring?
    }

    private struct Books {
        var queued = Set<Entry>()
        var arrived: [Entry] = []
        var lost = TraktAccounts.Lost()
        var writes = 0
        var outcomes: [String: Int] = [:]
        var isDrained = false

        var missing: Int { queued.subtracting(arrived).count }
        var doubled: Int { arrived.count - Set(arrived).count }
        var strange: Int { Set(arrived).subtracting(queued).count }
    }

    /// Returns what a person watched: scrobbled now, or long ago; every title twice.
    private static func jobs(_ person: Int, _ count: Int) -> [(job: NewJob, entry: Entry)] {
        let lane = LaneKey(user: UserID(ids.next()), provider: .trakt)
        let now = SystemWallClock().now
        return (0..<count).map { place in
            let title = 1 + person * 1_000 + place / 2
            let isScrobbled = place % 4 == 0
            let at = now.advanced(by: .seconds(isScrobbled ? 0 : -86_400 * (2 + place)))
            // The last ones are sent together.
            let urgency: JobUrgency = isScrobbled || place < count * 4 / 5 ? .live : .bulk
            let job = NewJob(
                id: ids.next(), lane: lane, urgency: urgency, kind: .movie,
                title: TitleID(UUIDBits(high: 1, low: UInt64(title))), action: isScrobbled ? .stop : .addPlay,
                payload: JobPayload(progressPercent: 96.5, watchedAt: at, precision: .second, rating: nil),
                fingerprint: "\(title) \(place)")
            return (job, Entry(title: title, at: isScrobbled ? nil : "\(at)".prefix(16)))
        }
    }

    private static func tell(
        people: Int, jobs count: Int, seed: UInt64, isBlind: Bool = false
    ) async throws -> Books {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            return try await RunningUpstreams.run { upstreams in
                let trakt = upstreams.server.traktAccounts
                trakt.behaveQuickly {
                    $0.lostReplyPercent = 45
                    $0.lostRequestPercent = 30
                    $0.closedPercent = 40
                    $0.silentEvery = isBlind ? 0 : 200
                    $0.seed = seed
                }
                let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
                let writer = TraktWriter(
                    http: TraktTest.http(upstreams, client),
                    titles: { titles in
                        Dictionary(titles.map { ($0, ExternalIds(trakt: Int($0.uuid.low))) }) { first, _ in first }
                    }, tokens: Accounts(), allowance: FreeReads(), clock: SystemWallClock(), pace: .zero)
                let store = QueueStore(database: Database(pool: pool), limits: limits)
                let worker = QueueWorker(
                    id: ids.next(), store: store, writers: [.trakt: isBlind ? Blind(inner: writer) : writer])
                var books = Books()
                do {
                    for person in 0..<people {
                        let queued = jobs(person, count)
                        books.queued.formUnion(queued.map(\.entry))
                        try await store.enqueue(queued.map(\.job), until: QueueTest.deadline())
                    }
                    books.isDrained = try await QueueTest.work([worker], within: .seconds(120)) {
                        try await pool.first(QueueTest.waiting) == 0
                    }
                    books.outcomes = try await QueueTest.outcomes(pool)
                } catch {
                    try await client.shutdown()
                    throw error
                }
                try await client.shutdown()
                books.lost = trakt.lost
                books.arrived = trakt.plays.map { play in
                    Entry(
                        title: play.ids["trakt"].int ?? 0,
                        at: play.action == "scrobble" ? nil : play.watchedAt?.prefix(16))
                }
                let book = upstreams.server.desk.book(provider: .trakt)
                #expect(book.droppedCount == 0)
                books.writes = book.entries.count { $0.request.method == "POST" }
                return books
            }
        }
    }

    @Test("2,000 ambiguous replies: none is doubled, none is lost in the other side's book", .timeLimit(.minutes(4)))
    func many() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let begun = ContinuousClock.now
        let books = try await Self.tell(people: 60, jobs: 40, seed: seed)
        let lost = books.lost
        let isHeld =
            books.isDrained && lost.count >= 2_000 && books.missing == 0 && books.doubled == 0 && books.strange == 0
            && books.outcomes.keys.allSatisfy { $0.hasPrefix("done") }
            && books.outcomes.values.reduce(0, +) == books.queued.count
        print(
            "bar Ambiguous replies: \(isHeld ? "held" : "NOT HELD") (seed \(seed): \(lost.count) ambiguous replies to "
                + "\(books.writes) writes, \(lost.replies) of them done, \(lost.requests) not; \(lost.closed) closed "
                + "connections, \(lost.silent) silences; \(books.queued.count) plays; lost \(books.missing), "
                + "doubled \(books.doubled), never queued \(books.strange); \(begun.duration(to: .now)))")
        #expect(isHeld, "\(books.outcomes)")
        #expect(lost.closed >= 500 && lost.silent >= 10)
    }

    @Test("Without a look before sending again they make doubles, and the book shows them")
    func blind() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let books = try await Self.tell(people: 4, jobs: 20, seed: seed, isBlind: true)
        #expect(books.isDrained && books.missing == 0 && books.doubled > 0, "seed \(seed)")
        print("mutant blind resend: caught, \(books.doubled) doubles of \(books.queued.count) plays, seed \(seed)")
    }
}
