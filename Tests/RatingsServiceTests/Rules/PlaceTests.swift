import Contracts
import JSON
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

    @Test("A page holds what fits, and at least one")
    func cut() {
        #expect(PageCut.count([], limit: 5, bytesMax: 10) == 0)
        #expect(PageCut.count([99], limit: 5, bytesMax: 10) == 1)
        #expect(PageCut.count([5, 5, 1], limit: 5, bytesMax: 10) == 2)
        #expect(PageCut.count([1, 1, 1], limit: 2, bytesMax: 10) == 2)
    }
}
