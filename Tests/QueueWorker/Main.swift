import AsyncHTTPClient
import Contracts
import Cryptography
import Glibc
import NIOPosix
import Postgres
import ScrobbleService
import Store
import Synchronization

/// A queue worker as a process that dies at a given point.
///
/// queue-worker URL SCHEMA TRAKT-URL POINT NTH
///
/// POINT is none, before_intent, after_intent, after_bytes, after_commit, after_reply or after_settle. `stopped`
/// suspends the process when it is about to send; `poison` kills it at every job whose title has the number NTH. On
/// SIGTERM it finishes what it has sent.
@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 6, let point = Death.Point(rawValue: arguments[4]), let nth = Int(arguments[5]) else {
            throw Complaint("usage: queue-worker URL SCHEMA TRAKT-URL POINT NTH")
        }
        let pool = try PGPool(PGConfiguration(url: arguments[1], applicationName: "worker", schema: arguments[2]))
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: OutboundHTTP.configuration())
        let trakt = TraktWriter(
            http: TraktHTTP(
                settings: .init(
                    url: arguments[3], authURL: arguments[3], clientID: Secret("reelay-demo-trakt"), clientSecret: nil,
                    userAgent: "queue-worker/1", redirectURI: ""), client: client),
            // The number in a title's id is its Trakt id.
            titles: { titles in
                Dictionary(uniqueKeysWithValues: titles.map { ($0, ExternalIds(trakt: Int($0.uuid.low))) })
            },
            tokens: DemoTokens(), allowance: FreeReads(), clock: SystemWallClock(), pace: .milliseconds(1))
        let death = Death(point: point, nth: nth)
        let worker = QueueWorker(
            id: SystemIDSource().next(), store: QueueStore(database: Database(pool: pool), limits: limits(point)),
            writers: [.trakt: MortalWriter(inner: trakt, death: death)]
        ) { death.observe($0) }
        signal(SIGTERM) { _ in Main.isAsked.store(true, ordering: .relaxed) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await worker.run() }
            group.addTask {
                // A signal handler may only set a flag.
                while !isAsked.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(2)) }
                await worker.drain()
                exit(0)
            }
        }
    }

    /// Whether the process was asked to end.
    private static let isAsked = Atomic<Bool>(false)

    /// The limits, with waits of seconds instead of minutes.
    private static func limits(_ point: Death.Point) -> QueueLimits {
        var limits = QueueLimits()
        limits.lease = .milliseconds(1_500)
        limits.heartbeat = .milliseconds(400)
        limits.leaseLeftMin = .milliseconds(300)
        limits.callTimeout = .milliseconds(1_000)
        limits.backoffMin = .milliseconds(20)
        limits.backoffMax = .milliseconds(500)
        limits.firstLook = .milliseconds(1_500)
        limits.secondLook = .milliseconds(2_000)
        limits.poll = .milliseconds(100)
        limits.lanesMax = 16
        limits.suspectPause = .milliseconds(20)
        // Here the workers are to blame for the deaths rather than the jobs, except with a poisoned job.
        if point != .poison {
            limits.unsettledMax = 50
            limits.suspectFrom = 50
        }
        return limits
    }
}

/// Derives each person's token from the person's id.
struct DemoTokens: TokenSource {
    func token(of lane: LaneKey) async -> TokenState { .good(Secret("demo-\(lane.user)")) }
    func renewed(of lane: LaneKey, instead refused: Secret) async -> TokenState { .none(.needsReauth) }
}

struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Kills this process the nth time that a point is reached.
final class Death: Sendable {
    enum Point: String {
        case none
        case beforeIntent = "before_intent"
        case afterIntent = "after_intent"
        case afterBytes = "after_bytes"
        case afterCommit = "after_commit"
        case afterReply = "after_reply"
        case afterSettle = "after_settle"
        /// Suspends the process when it is about to send, until it is resumed.
        case stopped
        /// Kills the process whenever it meets one particular job.
        case poison
    }

    private let point: Point
    private let left: Mutex<Int>
    private let number: Int

    init(point: Point, nth: Int) {
        self.point = point
        number = nth
        left = Mutex(nth)
    }

    /// Whether this is the nth time that the point is reached.
    func strikes(_ reached: Point) -> Bool {
        reached == point
            && left.withLock { left in
                left -= 1
                return left == 0
            }
    }

    func isPoisoned(by parcel: Parcel) -> Bool {
        point == .poison && parcel.jobs.contains { Int($0.title.uuid.low) == number }
    }

    func die() { kill(getpid(), SIGKILL) }

    func observe(_ point: QueuePoint) {
        let reached: Point =
            switch point {
            case .claiming: .beforeIntent
            case .claimed: .afterIntent
            case .answered: .afterReply
            case .settled: .afterSettle
            case .lost, .troubled: .none
            }
        if reached != .none, strikes(reached) { die() }
    }
}

/// Allows any number of reads.
struct FreeReads: ReadAllowance {
    func take(_ lane: LaneKey) async -> Bool { true }
    func spend(_ lane: LaneKey) async -> Bool { true }
}

/// Kills the process while a call is in progress.
struct MortalWriter: RemoteWriter {
    let inner: TraktWriter
    let death: Death
    var pace: Duration { inner.pace }

    func send(_ parcel: Parcel) async -> [JobReply] {
        if death.isPoisoned(by: parcel) { death.die() }
        if death.strikes(.stopped) { raise(SIGSTOP) }
        let (early, late) = (death.strikes(.afterBytes), death.strikes(.afterCommit))
        guard early || late else { return await inner.send(parcel) }
        return await withTaskGroup(of: [JobReply].self) { group in
            group.addTask { await inner.send(parcel) }
            group.addTask {
                // After one millisecond the bytes are on their way; after twenty the other side has committed.
                try? await Task.sleep(for: .milliseconds(early ? 1 : 20))
                death.die()
                return []
            }
            return await group.next() ?? []
        }
    }

    func look(for parcel: Parcel) async -> [LookReply] { await inner.look(for: parcel) }
}
