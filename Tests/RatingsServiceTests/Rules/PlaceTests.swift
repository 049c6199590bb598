import Contracts
import JSON
import Postgres
import TestSupport
import Testing

@testable import RatingsService

@Suite struct PlaceTests {
    @Test("A place comes back from its cursor, and nonsense does not")
    func cursors() {
        var random = SeededRandom(seed: 11)
        for sort in RatingSort.allCases {
            for _ in 0..<100 {
                let place = RatingPlace(
                    sort: sort,
                    ratedAt: Timestamp(
                        clampingMicrosecondsSinceEpoch: Int64.random(in: -1_000_000...1 << 50, using: &random)),
                    rating: DecimalTenths(tenths: Int.random(in: 1...100, using: &random)),
                    title: TitleID(UUIDBits(high: random.next(), low: random.next())))
                #expect(RatingPlace(place.text) == place)
            }
        }
        for text in ["", "AAAA", "bm9uc2Vuc2U", "___________________________________"] {
            #expect(RatingPlace(text) == nil)
        }
        for version in [0, 1, 4_711, Int.max] { #expect(VersionCursor.version(VersionCursor.text(version)) == version) }
        for text in ["", "__________8", "bm9uc2Vuc2U"] { #expect(VersionCursor.version(text) == nil) }
    }

    @Test(
        "A cursor that somebody kept stays what it was",
        arguments: [
            (RatingSort.newest, Int64(1_700_000_000_123_456), 101, "AGUABgokGCAiQAEjRWeJq83v_ty6mHZUMhA"),
            (RatingSort.oldest, Int64(-1), 85, "AVX__________wEjRWeJq83v_ty6mHZUMhA"),
        ])
    func cursorText(_ sort: RatingSort, _ moment: Int64, _ tenths: Int, _ text: String) {
        let place = RatingPlace(
            sort: sort, ratedAt: Timestamp(clampingMicrosecondsSinceEpoch: moment),
            rating: DecimalTenths(tenths: tenths),
            title: TitleID(UUIDBits(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)))
        #expect(place.text == text)
        #expect(RatingPlace(text) == place)
    }

    @Test("From the newest on a place is held before a date; in the other orders it stays")
    func held() {
        let moment = Timestamp(clampingMicrosecondsSinceEpoch: 5_000_000)
        for sort in RatingSort.allCases where sort != .newest {
            let start = RatingPlace.start(of: sort)
            #expect(start.held(before: moment) == start)
        }
        let title = TitleID(UUIDBits(high: 7, low: 7))
        func place(_ seconds: Int64) -> RatingPlace {
            RatingPlace(
                sort: .newest, ratedAt: Timestamp(clampingMicrosecondsSinceEpoch: seconds * 1_000_000),
                rating: DecimalTenths(tenths: 50), title: title)
        }
        #expect(place(4).held(before: moment) == place(4))
        for seconds: Int64 in [5, 6] {
            let held = place(seconds).held(before: moment)
            #expect(held.ratedAt == moment)
            #expect(held.title == TitleID(UUIDBits(high: 0, low: 0)))
        }
    }

    @Test("A list by date compares ratings, and the newest first until, only where it must")
    func listTexts() {
        for (shape, list) in ListQueries.lists {
            let sql = list.statement.text.sql
            let isByDate = shape.sort == .newest || shape.sort == .oldest
            #expect(sql.contains("rating BETWEEN") == (shape.hasRatings || !isByDate), "\(shape)")
            #expect(sql.contains("rated_at <") == (shape.hasRatings || shape.sort != .newest), "\(shape)")
            // No parameter is sent that the text does not use.
            let named = (1...20).prefix { sql.contains("$\($0)") }
            #expect(named.count == list.parameters.count, "\(shape)")
        }
        var params = ListRatingsParams(user: UserID(UUIDBits(high: 1, low: 1)))
        #expect(!RatingWish(params).boundsRatings)
        params.minRating = DecimalTenths(tenths: 2)
        #expect(RatingWish(params).boundsRatings)
        params.minRating = DecimalTenths(tenths: 1)
        params.maxRating = DecimalTenths(tenths: 99)
        #expect(RatingWish(params).boundsRatings)
    }

    @Test("A page holds what fits, and at least one")
    func cut() {
        #expect(PageCut.count([], limit: 5, bytesMax: 10) == 0)
        #expect(PageCut.count([99], limit: 5, bytesMax: 10) == 1)
        #expect(PageCut.count([5, 5, 1], limit: 5, bytesMax: 10) == 2)
        #expect(PageCut.count([1, 1, 1], limit: 2, bytesMax: 10) == 2)
    }
}
