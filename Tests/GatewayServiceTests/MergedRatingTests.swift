import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// A title that metadata knows to be merged, while ratings has not heard of the merge yet.
@Suite struct MergedRatingTests {
    /// Metadata, which may be away, with the old title merged into the new one; ratings, with some titles rated, which
    /// may be unable to move ratings; and scrobble, which knows nothing. Any other call fails.
    private final class Others: RPCCaller {
        private struct State {
            var log: [String] = []
            var rated: Set<TitleID>
            var unrated: [TitleID] = []
            /// The number of calls needed to move all ratings.
            var moving: Int
            var hasHeard = false
        }

        private let state: Mutex<State>
        private let isMetadataAway: Bool
        private let canMove: Bool

        init(rated: [TitleID], isMetadataAway: Bool = false, moving: Int = 1, canMove: Bool = true) {
            state = Mutex(State(rated: Set(rated), moving: moving))
            self.isMetadataAway = isMetadataAway
            self.canMove = canMove
        }

        var calls: [String] { state.withLock(\.log) }
        var rated: Set<TitleID> { state.withLock(\.rated) }
        var takenBack: [TitleID] { state.withLock(\.unrated) }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            state.withLock { $0.log.append(method.name) }
            let answer: Any
            switch params {
            case let params as GetTitleParams:
                if isMetadataAway { throw .unavailable("metadata is away") }
                answer = Self.title(params.title)
            case let params as GetTitlesParams:
                answer = FoundTitles(found: params.titles.map { FoundTitle(asked: $0, title: Self.title($0)) })
            case is GetTitleStatesParams: answer = TitleStates(states: [])
            case let params as GetRatingParams:
                guard let rating = self.rating(of: params.title) else {
                    throw .ratingNotFound("this title is not rated")
                }
                answer = rating
            case let params as GetRatingsParams:
                answer = FoundRatings(ratings: params.titles.compactMap { rating(of: $0) })
            case let params as GetSummariesParams:
                answer = FoundSummaries(
                    summaries: params.titles.map {
                        RatingSummary(
                            title: $0, count: rating(of: $0) == nil ? 0 : 1,
                            distribution: Array(repeating: 0, count: 10))
                    })
            case let params as ApplyRedirectsParams:
                guard canMove else { throw .unavailable("nothing moves now") }
                answer = try apply(params.redirects)
            case let params as UnrateTitleParams: answer = UnrateOutcome(removed: unrate(params.title))
            case let params as RateTitleParams:
                state.withLock { _ = $0.rated.insert(params.title) }
                guard let rating = self.rating(of: params.title) else { throw .internal("a rating is lost") }
                answer = rating
            case let params as WriteRatingsParams:
                state.withLock { $0.rated.formUnion(params.items.map(\.title)) }
                answer = WriteOutcomes(outcomes: params.items.map { WriteOutcome(title: $0.title, result: .updated) })
            default: throw .internal("nobody expects \(method.name)")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private func apply(_ moves: [TitleMove]) throws(RPCError) -> AppliedRedirects {
            guard moves == [TitleMove(from: MergedRatingTests.old, to: MergedRatingTests.new)] else {
                throw .internal("nobody merged \(moves)")
            }
            return state.withLock { state in
                state.hasHeard = true
                state.moving -= 1
                guard state.moving == 0 else { return AppliedRedirects(moved: 0, met: 0, done: state.moving < 0) }
                if state.rated.remove(MergedRatingTests.old) != nil { state.rated.insert(MergedRatingTests.new) }
                return AppliedRedirects(moved: 1, met: 0, done: true)
            }
        }

        private func unrate(_ title: TitleID) -> Bool {
            state.withLock { state in
                state.unrated.append(title)
                return state.rated.remove(Self.meant(title, state)) != nil
            }
        }

        private func rating(of title: TitleID) -> Rating? {
            let found = state.withLock { state in
                let meant = Self.meant(title, state)
                return state.rated.contains(meant) ? meant : nil
            }
            let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
            return found.map {
                Rating(
                    title: $0, kind: .movie, rating: DecimalTenths(tenths: 80), spoiler: false, ratedAt: moment,
                    updatedAt: moment, version: 1)
            }
        }

        private static func meant(_ title: TitleID, _ state: State) -> TitleID {
            state.hasHeard && title == MergedRatingTests.old ? MergedRatingTests.new : title
        }

        private static func title(_ id: TitleID) -> Title {
            let isMerged = id == MergedRatingTests.old || id == MergedRatingTests.new
            return Title(
                id: isMerged ? MergedRatingTests.new : id, kind: .movie, name: "A", genres: [],
                externalIds: ExternalIds(), externalRatings: [], isLocal: false,
                mergedIds: isMerged ? [MergedRatingTests.old] : nil)
        }
    }

    private static let old = StandIns.title(2)
    private static let new = StandIns.title(1)
    private static let other = StandIns.title(3)
    private static let caller = StandIns.caller

    private static func context() -> EdgeContext { StandIns.request() }

    private static var call: RPCCall { context().rpc.outgoing() }

    private static func unrate(_ title: TitleID, _ others: Others, as kind: TitleKind = .movie) async throws(RPCError) {
        _ = try await UnrateTitle(metadata: MetadataClient(others), ratings: RatingsClient(others), kind: kind)
            .run(title, caller, context())
    }

    private static func rated(_ title: TitleID, _ others: Others) async throws(RPCError) -> TitleID {
        try await GetTitleRating(metadata: MetadataClient(others), ratings: RatingsClient(others), kind: .movie)
            .run(title, caller, context()).body.title
    }

    private static func opinions(_ title: TitleID, _ others: Others) async throws(RPCError) -> TitleRatings {
        try await GetTitleRatings(metadata: MetadataClient(others), ratings: RatingsClient(others), kind: .movie)
            .run(title, caller, context()).body
    }

    private static func movie(_ title: TitleID, _ others: Others) async throws -> Movie {
        let films = FilmDesk(
            metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
            dataVersion: { _ in nil })
        let reply = try await GetMovie(films: films, sheets: FilmSheets()).run(
            GetMovieInput(title: title), caller, context())
        return try reply.body.value()
    }

    /// It used to be missing until ratings heard of the merge, some seconds later.
    @Test(
        "What was rated under the id of before is read under the one that stands, alone, among many and in the averages"
    )
    func former() async throws {
        for title in [Self.old, Self.new] {
            #expect(try await Self.rated(Self.new, Others(rated: [Self.old])) == Self.new)
            let opinions = try await Self.opinions(title, Others(rated: [Self.old]))
            #expect(opinions.mine?.title == Self.new && opinions.people.count == 1)
            #expect(try await Self.movie(title, Others(rated: [Self.old])).myRating?.title == Self.new)
            let others = Others(rated: [Self.old, Self.other])
            let desk = TitleDesk(metadata: MetadataClient(others), ratings: RatingsClient(others))
            let shown: Movie = try await desk.get(title, Self.caller.user, Self.context())
            #expect(shown.myRating?.title == Self.new)
            let many = Others(rated: [Self.old, Self.other])
            let overviews = try await ReadTitles(
                metadata: MetadataClient(many), ratings: RatingsClient(many), scrobble: ScrobbleClient(many)
            ).run(ReadTitlesInput(body: TitleBatch(titles: [title, Self.other])), Self.caller, Self.context()).body
            #expect(overviews.items.map(\.myRating?.title) == [Self.new, Self.other])
            let listed = Others(rated: [Self.old, Self.other])
            let cards = try await TitleCards(
                of: [title, Self.other], for: Self.caller.user, MetadataClient(listed), RatingsClient(listed),
                Self.context().rpc.outgoing())
            #expect(cards.myRating(Self.new)?.title == Self.new && cards.myRating(Self.other)?.title == Self.other)
        }
    }

    /// When it was taken back under one id, the rating under the other used to move there later and reappear.
    @Test("Taking a rating back under either id takes back what was given under both")
    func takenBack() async throws {
        for rated in [[Self.old], [Self.new], [Self.old, Self.new]] {
            for title in [Self.old, Self.new] {
                let others = Others(rated: rated, moving: 3)
                try await Self.unrate(title, others)
                #expect(others.rated.isEmpty, "\(rated) \(title)")
                await #expect(throws: RPCError.wrongKind("this is a movie, not a series")) {
                    try await Self.unrate(title, Others(rated: rated), as: .series)
                }
            }
        }
    }

    @Test("Who rates a title under either id, alone or among many, leaves nothing behind under the one of before")
    func ratedOver() async throws {
        for title in [Self.old, Self.new] {
            let (one, many) = (Others(rated: [Self.old], moving: 2), Others(rated: [Self.old], moving: 2))
            _ = try await RateTitle(
                metadata: MetadataClient(one), ratings: RatingsClient(one), scrobble: ScrobbleClient(one), kind: .movie
            ).run(title, RateRequest(rating: DecimalTenths(tenths: 80)), Self.caller, Self.context())
            _ = try await WriteRatings(
                metadata: MetadataClient(many), ratings: RatingsClient(many), scrobble: ScrobbleClient(many)
            ).run(
                WriteRatingsInput(
                    body: RatingItems(items: [RatingItem(title: title, rating: DecimalTenths(tenths: 80))])),
                Self.caller, Self.context())
            #expect(one.rated == [Self.new] && many.rated == [Self.new])
        }
    }

    /// It used to be sent for the current id, which made it another request to the ratings service, and was refused.
    @Test("What comes again after it was taken back is the same request, whatever was merged meanwhile")
    func again() async throws {
        let others = Others(rated: [Self.old], isMetadataAway: true)
        try await Self.unrate(Self.old, others)
        let merged = Others(rated: [])
        try await Self.unrate(Self.old, merged)
        try await Self.unrate(Self.old, merged)
        #expect(others.takenBack == [Self.old] && merged.takenBack == [Self.old, Self.old])
    }

    @Test("A read answers where nothing can be moved now, and a write does not")
    func stuck() async throws {
        func others() -> Others { Others(rated: [Self.old], canMove: false) }
        #expect(try await Self.opinions(Self.new, others()).mine == nil)
        #expect(try await Self.movie(Self.new, others()).myRating == nil)
        let failure = RPCError.unavailable("nothing moves now")
        await #expect(throws: failure) { try await Self.unrate(Self.new, others()) }
    }

    /// For a day after a merge, each request about the title used to cost another call to ratings.
    @Test(
        "Ratings that have said that all is moved are told again when that is long ago, or was forgotten for want of room"
    )
    func told() async throws {
        let others = Others(rated: [Self.old], moving: 2)
        let start = ContinuousClock.now
        let now = Mutex(start)
        let ratings = RatingsClient(ToldMerges(others, now: { now.withLock { $0 } }))
        func calls() async throws -> Int {
            _ = try await GetTitleRatings(metadata: MetadataClient(others), ratings: ratings, kind: .movie)
                .run(Self.new, Self.caller, Self.context())
            return others.calls.count { $0 == "ratings.applyRedirects" }
        }
        // The first answer says that more is left.
        for _ in 0..<3 { #expect(try await calls() == 2) }
        now.withLock { $0 = start.advanced(by: ToldMerges.askAgainInterval) }
        for _ in 0..<2 { #expect(try await calls() == 3) }

        let stuck = Others(rated: [Self.old], canMove: false)
        let stuckRatings = RatingsClient(ToldMerges(stuck, now: { .now }))
        for _ in 0..<2 { await stuckRatings.followSoon([TitleMove(from: Self.old, to: Self.new)], Self.call) }
        #expect(stuck.calls.count == 2)

        let many = StandIns()
        let book = RatingsClient(ToldMerges(many, now: { .now }))
        let moves = (1...ToldMerges.movesMax + 1).map { TitleMove(from: StandIns.title($0), to: StandIns.title(0)) }
        let (full, one) = (Array(moves.dropLast()), Array(moves.suffix(1)))
        for (told, count) in [(full, 20), (full, 20), (one, 21), (full, 41)] {
            try await book.follow(told, Self.call)
            #expect(many.calls.count == count)
        }
    }

    @Test("Of a title that was not merged nobody is told, a lone rating is one call, and metadata is missed by nobody")
    func calls() async throws {
        let others = Others(rated: [Self.other])
        #expect(try await Self.rated(Self.other, others) == Self.other)
        #expect(others.calls == ["ratings.getRating"])
        try await Self.unrate(Self.other, others)
        #expect(others.takenBack == [Self.other])
        _ = try await Self.movie(Self.other, others)
        _ = try await Self.opinions(Self.other, others)
        #expect(!others.calls.contains("ratings.applyRedirects"))

        let away = Others(rated: [Self.new], isMetadataAway: true)
        let none = RPCError.ratingNotFound("this title is not rated")
        await #expect(throws: none) { try await Self.rated(Self.old, away) }
        try await Self.unrate(Self.new, away)
        #expect(away.takenBack == [Self.new] && away.rated.isEmpty)
        // A title that stands and is not rated is looked up once.
        let unrated = Others(rated: [])
        await #expect(throws: none) { try await Self.rated(Self.other, unrated) }
        #expect(unrated.calls == ["ratings.getRating", "metadata.getTitle"])
    }
}
