import Contracts
import JSON
import RPC
import Store
import TestSupport
import Testing

@testable import RatingsService

/// Lists, figures and timelines, and that they are private to a person.
@Suite struct ReadingTests {
    private typealias Fixture = RatingsFixture

    /// The expected contents of a list, computed independently.
    private static func expected(_ all: [Rating], _ params: ListRatingsParams) -> [Rating] {
        all.filter { rating in
            (params.kind.map { $0 == rating.kind } ?? true) && (params.minRating.map { rating.rating >= $0 } ?? true)
                && (params.maxRating.map { rating.rating <= $0 } ?? true)
                && (params.from.map { rating.ratedAt >= $0 } ?? true)
                && (params.until.map { rating.ratedAt < $0 } ?? true)
                && (params.hasReview.map { $0 == (rating.review != nil) } ?? true)
                && (params.review.map { words in rating.review?.lowercased().contains(words.lowercased()) ?? false }
                    ?? true)
        }.sorted { left, right in
            let byTime = (left.ratedAt, left.title) < (right.ratedAt, right.title)
            let byScore = (left.rating, left.ratedAt, left.title) < (right.rating, right.ratedAt, right.title)
            return switch params.sort ?? .newest {
            case .newest: !byTime && left != right
            case .oldest: byTime
            case .best: !byScore && left != right
            case .worst: byScore
            case .title: left.title < right.title
            }
        }
    }

    @Test("Lists answer what is asked for, in order, page by page")
    func lists() async throws {
        var random = SeededRandom(seed: .random(in: 0 ... .max))
        let seed = random.seed
        try await Fixture.with { fixture in
            let (user, stranger) = (Fixture.newUser(), Fixture.newUser())
            let now = fixture.clock.now
            let reviews: [String?] = [nil, nil, "Ein Märchen, ÜBERRASCHEND gut", "100%_sure", "the clock"]
            let items = (0..<120).map { _ in
                RatingWrite(
                    title: Fixture.newTitle(), kind: TitleKind.allCases.randomElement(using: &random)!,
                    rating: DecimalTenths(tenths: 10 * Int.random(in: 1...10, using: &random)),
                    review: reviews.randomElement(using: &random)!,
                    ratedAt: now.advanced(by: .seconds(-Int.random(in: 0..<40, using: &random))))
            }
            _ = try await fixture.write(items, by: user)
            _ = try await fixture.write(items, by: stranger)
            let all = try await fixture.service.getRatings(
                GetRatingsParams(user: user, titles: items.map(\.title)), Fixture.context()
            ).ratings
            #expect(all.count == 120)
            for _ in 0..<60 {
                var params = ListRatingsParams(user: user)
                params.sort = RatingSort.allCases.randomElement(using: &random)
                if Bool.random(using: &random) { params.kind = TitleKind.allCases.randomElement(using: &random) }
                if Bool.random(using: &random) { params.minRating = DecimalTenths(tenths: 30) }
                if Bool.random(using: &random) { params.maxRating = DecimalTenths(tenths: 80) }
                if Bool.random(using: &random) { params.from = now.advanced(by: .seconds(-30)) }
                if Bool.random(using: &random) { params.until = now.advanced(by: .seconds(-5)) }
                if Bool.random(using: &random) { params.hasReview = Bool.random(using: &random) }
                if Bool.random(using: &random) {
                    params.review = ["überraschend", "100%_", "CLOCK", "nowhere"].randomElement(using: &random)!
                }
                params.limit = Int.random(in: 1...50, using: &random)
                let wanted = Self.expected(all, params)
                var found: [Rating] = []
                repeat {
                    let page = try await fixture.other.listRatings(params, Fixture.context())
                    #expect(page.ratings.count <= params.limit!)
                    found += page.ratings
                    params.cursor = page.nextCursor
                } while params.cursor != nil
                #expect(found == wanted, "seed \(seed): \(params)")
            }
        }
    }

    @Test("A cursor of another order is refused")
    func cursors() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            for _ in 0..<3 { try await fixture.rate(Fixture.newTitle(), 50, by: user) }
            let page = try await fixture.service.listRatings(
                ListRatingsParams(user: user, limit: 1), Fixture.context())
            await #expect(throws: RPCError.invalidCursor("this cursor does not belong to this list")) {
                try await fixture.service.listRatings(
                    ListRatingsParams(user: user, sort: .best, cursor: page.nextCursor), Fixture.context())
            }
        }
    }

    @Test("Statistics are those of a count by hand")
    func statistics() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            #expect(
                try await fixture.service.getStatistics(GetStatisticsParams(user: user), Fixture.context())
                    == RatingStatistics(
                        count: 0, reviews: 0, distribution: [Int](repeating: 0, count: 10), kinds: [], years: []))
            let days = ["2017-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "2020-06-01T00:00:00Z"].compactMap(
                Timestamp.init)
            let items = [(85, TitleKind.movie, 0), (84, .movie, 1), (1, .episode, 2)].map {
                RatingWrite(
                    title: Fixture.newTitle(), kind: $0.1, rating: DecimalTenths(tenths: $0.0),
                    review: $0.2 == 1 ? "Fine." : nil, ratedAt: days[$0.2])
            }
            _ = try await fixture.write(items, by: user)
            let found = try await fixture.service.getStatistics(GetStatisticsParams(user: user), Fixture.context())
            #expect(found.count == 3)
            #expect(found.average == 5.67)
            #expect(found.reviews == 1)
            #expect(found.firstRatedAt == days[0])
            #expect(found.lastRatedAt == days[2])
            #expect(found.distribution == [1, 0, 0, 0, 0, 0, 0, 1, 1, 0])
            #expect(found.kinds.map(\.kind) == [.movie, .episode])
            #expect(found.kinds.map(\.average) == [8.45, 0.1])
            #expect(found.years.map(\.year) == [2017, 2020])
            #expect(found.years.map(\.count) == [1, 2])
        }
    }

    @Test("Statistics count titles of every kind")
    func kinds() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let items = TitleKind.allCases.enumerated().map { place, kind in
                RatingWrite(title: Fixture.newTitle(), kind: kind, rating: DecimalTenths(tenths: 10 * (place + 1)))
            }
            _ = try await fixture.write(items, by: user)
            let found = try await fixture.service.getStatistics(GetStatisticsParams(user: user), Fixture.context())
            #expect(found.kinds.map(\.kind) == TitleKind.allCases)
            #expect(found.kinds.map(\.average) == TitleKind.allCases.indices.map { Double($0 + 1) })
            #expect(found.years.map(\.count) == [TitleKind.allCases.count])
        }
    }

    @Test(
        "A year begins where the person lives",
        arguments: [("UTC", [2020]), ("Asia/Tokyo", [2021]), ("America/Lima", [2020])])
    func zones(zone: String, years: [Int]) async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let moment = try #require(Timestamp("2020-12-31T15:00:00Z"))
            try await fixture.rate(Fixture.newTitle(), 80, by: user, ratedAt: moment)
            let found = try await fixture.service.getStatistics(
                GetStatisticsParams(user: user, timeZone: zone), Fixture.context())
            #expect(found.years.map(\.year) == years)
            #expect(found.count == 1 && found.firstRatedAt == moment)
            await #expect(throws: RPCError.unknownTimeZone("the time zone Atlantis/Poseidonis is unknown")) {
                try await fixture.service.getStatistics(
                    GetStatisticsParams(user: user, timeZone: "Atlantis/Poseidonis"), Fixture.context())
            }
        }
    }

    @Test("Ratings of a file's idea of no date have a year", arguments: ["UTC", "America/New_York", "Asia/Tokyo"])
    func firstYear(zone: String) async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let moments = ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0002-06-01T00:00:00Z"].compactMap(
                Timestamp.init)
            for moment in moments { try await fixture.rate(Fixture.newTitle(), 80, by: user, ratedAt: moment) }
            let found = try await fixture.service.getStatistics(
                GetStatisticsParams(user: user, timeZone: zone), Fixture.context())
            #expect(found.years.map(\.year) == [1, 2])
            #expect(found.years.map(\.count) == [2, 1])
        }
    }

    @Test("The timeline tells every change from the latest on, page by page, and of one title")
    func timeline() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<3).map { _ in Fixture.newTitle() }
            for step in 0..<30 {
                fixture.clock.advance(.seconds(1))
                try await fixture.rate(titles[step % 3], 1 + step, by: user, review: "\(step)")
            }
            _ = try await fixture.service.unrateTitle(
                UnrateTitleParams(user: user, title: titles[0]), Fixture.context())
            var changes: [RatingChange] = []
            var cursor: String?
            repeat {
                let page = try await fixture.service.listTimeline(
                    ListTimelineParams(user: user, limit: 7, cursor: cursor), Fixture.context())
                changes += page.changes
                cursor = page.nextCursor
            } while cursor != nil
            #expect(changes.map(\.version) == Array((1...31).reversed()))
            #expect(changes[0].rating == nil)
            #expect(changes[0].old?.tenths == 28)
            #expect(changes[0].source == .person)
            let own = try await fixture.service.listTimeline(
                ListTimelineParams(user: user, title: titles[1]), Fixture.context()
            ).changes
            #expect(own.count == 10)
            #expect(own.allSatisfy { $0.title == titles[1] })
            #expect(try await fixture.feed(of: Fixture.newUser()).isEmpty)
        }
    }

    @Test("A page whose reviews are long ends earlier, and the next goes on there")
    func longReviews() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            for number in 0..<30 {
                try await fixture.rate(
                    Fixture.newTitle(), 50, by: user, review: String(repeating: "\(number % 10)", count: 50_000))
            }
            var sizes: [Int] = []
            var cursor: String?
            repeat {
                let page = try await fixture.service.listRatings(
                    ListRatingsParams(user: user, limit: 100, cursor: cursor), Fixture.context())
                sizes.append(page.ratings.count)
                cursor = page.nextCursor
            } while cursor != nil
            #expect(sizes == [20, 10])
        }
    }

    /// One answer used to contain all of them, which is more than a caller reads: people with many long reviews could
    /// not open a list any more.
    @Test("Ratings of several titles come in parts where their reviews are long, each once")
    func parts() async throws {
        try await Fixture.with { fixture in
            let (user, stranger) = (Fixture.newUser(), Fixture.newUser())
            let long = String(repeating: "\u{1}", count: 20_000)
            let items = (0..<90).map {
                RatingWrite(
                    title: Fixture.newTitle(), kind: .movie, rating: DecimalTenths(tenths: 1 + $0),
                    review: $0 % 9 == 8 ? nil : long)
            }
            for start in stride(from: 0, to: items.count, by: 8) {
                _ = try await fixture.write(Array(items[start..<min(start + 8, items.count)]), by: user)
            }
            let client = RatingsClient(InProcess(service: fixture.other))
            let found = try await client.ratings(
                of: items.map(\.title) + [Fixture.newTitle()], by: user, .within(.seconds(20)))
            #expect(found.count == items.count)
            let reviews = Dictionary(uniqueKeysWithValues: found.map { ($0.title, $0.review) })
            for item in items { #expect(reviews[item.title] == .some(item.review)) }
            #expect(try await client.ratings(of: items.map(\.title), by: stranger, .within(.seconds(20))).isEmpty)
        }
    }
}

/// A caller of a service in the same process that accepts no larger answer than the wire allows.
private struct InProcess: RPCCaller {
    /// The limit in `H2Limits.client`.
    private static let answerBytesMax = 8_388_608

    let service: RatingsService

    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        guard let params = params as? GetRatingsParams else { throw .internal("nobody expects \(method.name)") }
        let answer = try await service.getRatings(params, RatingsFixture.context())
        guard encodeJSON(answer).count < Self.answerBytesMax - 1_024 else {
            throw .internal("the answer is larger than a caller reads")
        }
        guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
        return answer
    }
}
