import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// A title that metadata knows to be merged, and of whose merge ratings have not heard yet.
@Suite struct MergedRatingTests {
    /// Metadata, where the old title is merged into the new one and which may be away; ratings, where one title is rated.
    /// Another call fails.
    private final class Others: RPCCaller {
        private let log = Mutex<[String]>([])
        private let unrated = Mutex<[TitleID]>([])
        private let rated: TitleID
        private let isMetadataAway: Bool

        init(rated: TitleID, isMetadataAway: Bool = false) {
            self.rated = rated
            self.isMetadataAway = isMetadataAway
        }

        var calls: [String] { log.withLock { $0 } }
        var takenBack: [TitleID] { unrated.withLock { $0 } }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            log.withLock { $0.append(method.name) }
            let answer: Any
            switch params {
            case let params as GetTitleParams:
                if isMetadataAway { throw .unavailable("metadata is away") }
                answer = Title(
                    id: params.title == MergedRatingTests.old ? MergedRatingTests.new : params.title, kind: .movie,
                    name: "A", genres: [], externalIds: ExternalIds(), externalRatings: [], isLocal: false)
            case let params as GetRatingParams:
                guard params.title == rated else { throw .ratingNotFound("this title is not rated") }
                answer = rating
            case let params as GetRatingsParams:
                answer = FoundRatings(ratings: params.titles.contains(rated) ? [rating] : [])
            case let params as UnrateTitleParams:
                unrated.withLock { $0.append(params.title) }
                answer = UnrateOutcome(removed: params.title == rated)
            default: throw .internal("nobody expects \(method.name)")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private var rating: Rating {
            let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
            return Rating(
                title: rated, kind: .movie, rating: DecimalTenths(tenths: 80), spoiler: false, ratedAt: moment,
                updatedAt: moment, version: 1)
        }
    }

    private static let old = TitleID(UUIDBits(high: 2, low: 2))
    private static let new = TitleID(UUIDBits(high: 2, low: 1))
    private static let caller = EdgeCaller(
        user: UserID(UUIDBits(high: 1, low: 1)), credential: UUIDBits(high: 1, low: 2))

    private static func context() -> EdgeContext {
        EdgeContext(rpc: RPCContext(deadline: .now + .seconds(20), trace: .root()), clientAddress: "192.0.2.1")
    }

    private static func unrate(_ title: TitleID, _ others: Others, as kind: TitleKind = .movie) async throws(RPCError) {
        _ = try await UnrateTitle(metadata: MetadataClient(others), ratings: RatingsClient(others), kind: kind)
            .run(title, caller, context())
    }

    private static func rated(_ title: TitleID, _ others: Others) async throws(RPCError) -> TitleID {
        try await GetTitleRating(metadata: MetadataClient(others), ratings: RatingsClient(others), kind: .movie)
            .run(
                title, caller, context()
            ).body.title
    }

    /// Taking it back under the old id was answered, and the rating stayed; reading it there found none.
    @Test("What was rated under the id that stands is read and taken back under the one of before")
    func standing() async throws {
        let others = Others(rated: Self.new)
        #expect(try await Self.rated(Self.old, others) == Self.new)
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.new])
        await #expect(throws: RPCError.wrongKind("this is a movie, not a series")) {
            try await Self.unrate(Self.old, others, as: .series)
        }
    }

    /// It was sent for the old id then, which is another request to the ratings service, and was refused.
    @Test("What comes again after it was taken back is the same request")
    func again() async throws {
        let others = Others(rated: TitleID(UUIDBits(high: 2, low: 9)))
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.new])
    }

    @Test("Metadata is asked only where no rating is found, and is missed by nobody")
    func calls() async throws {
        let others = Others(rated: Self.old)
        #expect(try await Self.rated(Self.old, others) == Self.old)
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.old])
        #expect(!others.calls.contains("metadata.getTitle"))

        let away = Others(rated: Self.new, isMetadataAway: true)
        let none = RPCError.ratingNotFound("this title is not rated")
        await #expect(throws: none) { try await Self.rated(Self.old, away) }
        try await Self.unrate(Self.old, away)
        #expect(away.takenBack == [Self.old])
        // One that stands and is not rated is looked for once.
        let unrated = Others(rated: Self.old)
        await #expect(throws: none) { try await Self.rated(Self.new, unrated) }
        #expect(unrated.calls == ["ratings.getRating", "metadata.getTitle"])
    }
}
