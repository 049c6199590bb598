import Contracts
import JSON
import RPC
import Synchronization
import Testing

/// Metadata, ratings and scrobble as far as the operations on ratings need them. An unexpected call fails the test.
final class StandIns: RPCCaller {
    /// What the services know, and how they answer.
    struct World: Sendable {
        /// What titles were merged into; any other title exists under its own id.
        var merged: [TitleID: TitleID] = [:]
        /// Whether ratings refuses every write that expects a version.
        var heedsVersions = false
        /// The person's own plays.
        var plays: [Play] = []
        /// The error with which scrobble answers every call.
        var scrobbleFailure: RPCError?
    }

    private struct State {
        var world: World
        var calls: [String] = []
        var ratings: [RateTitleParams] = []
        var writes: [WriteRatingsParams] = []
    }

    private static let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)

    private let state: Mutex<State>

    init(_ world: World = World()) { state = Mutex(State(world: world)) }

    var metadataClient: MetadataClient { MetadataClient(self) }
    var ratingsClient: RatingsClient { RatingsClient(self) }
    var scrobbleClient: ScrobbleClient { ScrobbleClient(self) }

    /// The names of the methods called, in order.
    var calls: [String] { state.withLock(\.calls) }
    /// The writes of single titles that ratings received.
    var ratings: [RateTitleParams] { state.withLock(\.ratings) }
    /// The bulk writes that ratings received.
    var writes: [WriteRatingsParams] { state.withLock(\.writes) }
    /// The items of the last bulk write.
    var written: [RatingWrite] { writes.last?.items ?? [] }

    func merge(_ title: TitleID, into standing: TitleID) { state.withLock { $0.world.merged[title] = standing } }

    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        let world = state.withLock { state in
            state.calls.append(method.name)
            return state.world
        }
        let answer: Any
        switch params {
        case let params as GetTitleParams: answer = Self.title(params.title, world)
        case let params as GetTitlesParams:
            answer = FoundTitles(found: params.titles.map { FoundTitle(asked: $0, title: Self.title($0, world)) })
        case let params as GetPlaysParams:
            if let failure = world.scrobbleFailure { throw failure }
            answer = FoundPlays(plays: world.plays.filter { params.plays.contains($0.id) })
        case is ApplyRedirectsParams: answer = AppliedRedirects(moved: 0, met: 0, done: true)
        case let params as RateTitleParams:
            state.withLock { $0.ratings.append(params) }
            guard params.expectedVersion == nil || !world.heedsVersions else { throw .preconditionFailed("another") }
            answer = Rating(
                title: params.title, kind: params.kind, rating: params.rating, spoiler: false, ratedAt: Self.moment,
                updatedAt: Self.moment, source: .person, play: params.play)
        case let params as WriteRatingsParams:
            state.withLock { $0.writes.append(params) }
            answer = WriteOutcomes(
                outcomes: params.items.map { item in
                    let isTaken = item.expectedVersion == nil || !world.heedsVersions
                    return WriteOutcome(title: item.title, result: isTaken ? .created : .older, version: 1)
                })
        default:
            Issue.record("nobody expects \(method.name)")
            throw .internal("unexpected")
        }
        guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
        return answer
    }

    private static func title(_ asked: TitleID, _ world: World) -> Title {
        Title(
            id: world.merged[asked] ?? asked, kind: .movie, name: "A", genres: [], externalIds: ExternalIds(),
            externalRatings: [], isLocal: false)
    }
}

/// The caller and the context of requests about ratings.
extension StandIns {
    static let caller = EdgeCaller(user: UserID(UUIDBits(high: 1, low: 1)), credential: UUIDBits(high: 1, low: 2))

    /// The context of a request, under an idempotency key if given.
    static func request(_ key: String? = nil) -> EdgeContext {
        EdgeContext(
            rpc: RPCContext(deadline: .now + .seconds(20), trace: .root()), clientAddress: "192.0.2.1",
            once: key.map { EdgeOnce(key: $0, fingerprint: []) })
    }

    static func title(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 2, low: UInt64(number))) }
}
