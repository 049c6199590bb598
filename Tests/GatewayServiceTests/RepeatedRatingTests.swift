import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// What the ratings service is told of a request that comes again.
@Suite struct RepeatedRatingTests {
    /// Metadata, where one title is merged into another, and ratings, which only listens.
    private final class Others: RPCCaller {
        private struct State {
            var standing: TitleID
            var writes: [WriteRatingsParams] = []
            var ratings: [RateTitleParams] = []
        }

        private let state: Mutex<State>

        init(_ title: TitleID) { state = Mutex(State(standing: title)) }

        var writes: [WriteRatingsParams] { state.withLock(\.writes) }
        var ratings: [RateTitleParams] { state.withLock(\.ratings) }

        func merge(into title: TitleID) { state.withLock { $0.standing = title } }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            let answer: Any
            switch params {
            case let params as GetTitlesParams:
                answer = FoundTitles(found: params.titles.map { FoundTitle(asked: $0, title: title) })
            case is GetTitleParams: answer = title
            case let params as WriteRatingsParams:
                state.withLock { $0.writes.append(params) }
                answer = WriteOutcomes(
                    outcomes: params.items.map { WriteOutcome(title: $0.title, result: .created, version: 1) })
            case let params as RateTitleParams:
                state.withLock { $0.ratings.append(params) }
                throw .unavailable("the answer is lost")
            default: throw .internal("nobody expects \(method.name)")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private var title: Title {
            Title(
                id: state.withLock(\.standing), kind: .movie, name: "A", genres: [], externalIds: ExternalIds(),
                externalRatings: [], isLocal: false)
        }
    }

    private static let caller = EdgeCaller(
        user: UserID(UUIDBits(high: 1, low: 1)), credential: UUIDBits(high: 1, low: 2))

    private static func context(_ key: String?) -> EdgeContext {
        EdgeContext(
            rpc: RPCContext(deadline: .now + .seconds(20), trace: .root()), clientAddress: "192.0.2.1",
            once: key.map { EdgeOnce(key: $0, fingerprint: []) })
    }

    private static let asked = TitleID(UUIDBits(high: 2, low: 1))
    private static let standing = TitleID(UUIDBits(high: 2, low: 2))

    @Test("A bulk write that comes again is the same, whatever its titles are merged into meanwhile")
    func bulk() async throws {
        let others = Others(Self.asked)
        func write(_ tenths: Int, _ key: String?) async throws {
            _ = try await WriteRatings(
                metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others)
            ).run(
                WriteRatingsInput(
                    body: RatingItems(items: [RatingItem(title: Self.asked, rating: DecimalTenths(tenths: tenths))])),
                Self.caller, Self.context(key))
        }
        try await write(80, "k")
        others.merge(into: Self.standing)
        try await write(80, "k")
        try await write(90, "k")
        try await write(80, nil)
        let digests = others.writes.map(\.requestDigest)
        #expect(others.writes.map { $0.items[0].title } == [Self.asked] + Array(repeating: Self.standing, count: 3))
        #expect(digests[0] != nil && digests[1] == digests[0])
        #expect(digests[2] != nil && digests[2] != digests[0])
        #expect(digests[3] == nil)
    }

    @Test("So is a rating of one title")
    func one() async throws {
        let others = Others(Self.asked)
        func rate(_ title: TitleID, _ tenths: Int) async {
            await #expect(throws: RPCError.self) {
                try await RateTitle(
                    metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
                    kind: .movie
                ).run(title, RateRequest(rating: DecimalTenths(tenths: tenths)), Self.caller, Self.context("k"))
            }
        }
        await rate(Self.asked, 80)
        others.merge(into: Self.standing)
        await rate(Self.asked, 80)
        await rate(Self.asked, 90)
        await rate(Self.standing, 80)
        let digests = others.ratings.map(\.requestDigest)
        #expect(digests[0] != nil && digests[1] == digests[0])
        #expect(Set(digests).count == 3)
    }
}
