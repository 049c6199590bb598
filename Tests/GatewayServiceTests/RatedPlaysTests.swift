import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// Ratings that name a play: it is the person's own and of that title, or it is none.
@Suite struct RatedPlaysTests {
    /// Metadata, where title 2 is merged into title 1; scrobble, which has plays 1 of title 1, 2 of title 2 and 3 of title 3
    /// and may be away; ratings, which takes what comes, or what expects no version alone. Another call fails.
    private final class Others: RPCCaller {
        private let log = Mutex<[String]>([])
        private let writes = Mutex<[RatingWrite]>([])
        let failure: RPCError?
        let heedsVersions: Bool

        init(failure: RPCError? = nil, heedsVersions: Bool = false) {
            self.failure = failure
            self.heedsVersions = heedsVersions
        }

        var calls: [String] { log.withLock { $0 } }
        var written: [RatingWrite] { writes.withLock { $0 } }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            log.withLock { $0.append(method.name) }
            let answer: Any
            switch params {
            case let params as GetTitleParams: answer = Self.standing(params.title)
            case let params as GetTitlesParams:
                answer = FoundTitles(found: params.titles.map { FoundTitle(asked: $0, title: Self.standing($0)) })
            case let params as GetPlaysParams:
                if let failure { throw failure }
                answer = FoundPlays(plays: (1...3).map(Self.mine).filter { params.plays.contains($0.id) })
            case let params as WriteRatingsParams:
                writes.withLock { $0 = params.items }
                answer = WriteOutcomes(
                    outcomes: params.items.map { item in
                        let isTaken = item.expectedVersion == nil || !heedsVersions
                        return WriteOutcome(title: item.title, result: isTaken ? .created : .older, version: 1)
                    })
            case let params as RateTitleParams:
                guard params.expectedVersion == nil || !heedsVersions else { throw .preconditionFailed("another") }
                answer = Rating(
                    title: params.title, kind: params.kind, rating: params.rating, spoiler: false,
                    ratedAt: RatedPlaysTests.moment, updatedAt: RatedPlaysTests.moment, source: .person,
                    play: params.play)
            default: throw .internal("nobody expects \(method.name)")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private static func mine(_ number: Int) -> Play {
            Play(
                id: RatedPlaysTests.play(number), title: RatedPlaysTests.title(number), kind: .movie,
                precision: .unknown)
        }

        private static func standing(_ asked: TitleID) -> Title {
            Title(
                id: asked == RatedPlaysTests.title(2) ? RatedPlaysTests.title(1) : asked, kind: .movie, name: "A",
                genres: [], externalIds: ExternalIds(), externalRatings: [], isLocal: false)
        }
    }

    private static let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
    private static func title(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 2, low: UInt64(number))) }
    private static func play(_ number: Int) -> PlayID { PlayID(UUIDBits(high: 3, low: UInt64(number))) }
    private static let caller = EdgeCaller(
        user: UserID(UUIDBits(high: 1, low: 1)), credential: UUIDBits(high: 1, low: 2))

    private static func context(_ key: String?) -> EdgeContext {
        EdgeContext(
            rpc: RPCContext(deadline: .now + .seconds(20), trace: .root()), clientAddress: "192.0.2.1",
            once: key.map { EdgeOnce(key: $0, fingerprint: []) })
    }

    private static func rate(
        _ title: Int, _ play: Int?, _ others: Others, key: String? = nil
    ) async throws(RPCError) -> PlayID? {
        try await RateTitle(
            metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
            kind: .movie
        ).run(
            Self.title(title), RateRequest(rating: DecimalTenths(tenths: 80), play: play.map(Self.play)), caller,
            context(key)
        ).body.play
    }

    private static let noSuchPlay = RPCError.playNotFound("there is no such play of this title")

    /// Any id was taken, also that of another person's play.
    @Test("A rating takes a play of the person's own that is of its title, under either id of a merged one")
    func one() async throws {
        let others = Others()
        #expect(try await Self.rate(1, 1, others) == Self.play(1))
        // Scrobble has the play under the id of before; who rates may have it too.
        #expect(try await Self.rate(1, 2, others) == Self.play(2))
        #expect(try await Self.rate(2, 2, others) == Self.play(2))
        #expect(try await Self.rate(2, 1, others) == Self.play(1))
        for (title, play) in [(1, 3), (3, 1), (3, 2), (1, 4), (4, 4)] {
            await #expect(throws: Self.noSuchPlay, "\(title) \(play)") { try await Self.rate(title, play, others) }
        }
    }

    @Test("Without a play scrobble is not asked; where it cannot be, nothing is written")
    func away() async throws {
        let others = Others()
        #expect(try await Self.rate(1, nil, others) == nil)
        #expect(others.calls == ["metadata.getTitle", "ratings.rateTitle"])
        let away = Others(failure: .unavailable("scrobble is away"))
        await #expect(throws: RPCError.unavailable("scrobble is away")) { try await Self.rate(1, 1, away) }
        #expect(away.calls == ["metadata.getTitle", "scrobble.getPlays"])
        // A copy of the version before does not know the question.
        let older = Others(failure: RPCError(code: RPCError.Code.methodNotFound, message: "There is no such method."))
        #expect(try await Self.rate(1, 4, older) == Self.play(4))
    }

    /// A retry after its play was deleted was refused, though the rating was there; in bulk its answers went to other titles.
    @Test("Under a key a play that is none is left to the ratings service, which may know the request")
    func keyed() async throws {
        let (known, unknown) = (Others(), Others(heedsVersions: true))
        #expect(try await Self.rate(1, 4, known, key: "k") == Self.play(4))
        await #expect(throws: Self.noSuchPlay) { try await Self.rate(1, 4, unknown, key: "k") }
        #expect(try await Self.rate(1, 1, unknown, key: "k") == Self.play(1))
        for (others, result) in [(known, WriteResult.created), (unknown, .invalid)] {
            let items = [(1, 1), (2, 4), (3, 3)].map {
                RatingItem(title: Self.title($0.0), rating: DecimalTenths(tenths: 80), play: Self.play($0.1))
            }
            let outcomes = try await WriteRatings(
                metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others)
            ).run(WriteRatingsInput(body: RatingItems(items: items)), Self.caller, Self.context("k")).body.outcomes
            #expect(outcomes.map(\.result) == [.created, result, .created])
            #expect(others.written.map(\.title) == [1, 1, 3].map(Self.title))
            #expect(others.written.map(\.refused) == [nil, true, nil])
        }
    }

    @Test("Of many each item is weighed by itself, in one call for all")
    func many() async throws {
        let others = Others()
        func write(_ items: [(title: Int, play: Int?)]) async throws -> [WriteResult] {
            try await WriteRatings(
                metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others)
            ).run(
                WriteRatingsInput(
                    body: RatingItems(
                        items: items.map {
                            RatingItem(
                                title: Self.title($0.title), rating: DecimalTenths(tenths: 80),
                                play: $0.play.map(Self.play))
                        })), Self.caller, Self.context(nil)
            ).body.outcomes.map(\.result)
        }
        let results = try await write([(1, 1), (1, nil), (1, 3), (3, 3), (3, 4), (2, 2)])
        #expect(results == [.created, .created, .invalid, .created, .invalid, .created])
        let plays: [PlayID?] = [Self.play(1), nil, Self.play(3), Self.play(2)]
        #expect(others.written.map(\.play) == plays)
        #expect(
            others.calls == ["metadata.getTitles", "scrobble.getPlays", "metadata.getTitles", "ratings.writeRatings"])
        #expect(try await write([(1, nil)]) == [.created])
        #expect(others.calls.count { $0 == "scrobble.getPlays" } == 1)
    }
}
