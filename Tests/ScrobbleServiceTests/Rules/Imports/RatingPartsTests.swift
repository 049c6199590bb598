import Contracts
import JSON
import Store
import Testing

@testable import ScrobbleService

@Suite struct RatingPartsTests {
    private static let ids = SystemIDSource()

    private static func items(_ count: Int, _ review: String?) -> [RatingWrite] {
        (0..<count).map { _ in
            RatingWrite(
                title: TitleID(ids.next()), kind: .episode, rating: DecimalTenths(tenths: 85), review: review,
                spoiler: review == nil ? nil : true, ratedAt: Timestamp("2020-01-01T10:20:30.123456Z"),
                given: GivenRating(value: DecimalTenths(tenths: 45), scale: .fiveStars))
        }
    }

    @Test(
        "No part has more ratings than one call takes, nor more bytes, and all are there in their order",
        arguments: [
            (0, "", 0), (1, "a", 1), (3_000, "Short.", 1), (1_500, "x", 800), (300, "\n\"\u{1}Ü🎬", 2_000),
            (9, "🎬", 50_000), (9, "\u{1}", 50_000),
        ])
    func parts(count: Int, piece: String, times: Int) {
        let items = Self.items(count, String(repeating: piece, count: times))
        let parts = RatingParts.cut(items)
        #expect(parts.flatMap { Array($0) } == items)
        for part in parts {
            #expect((1...1_000).contains(part.count))
            let params = WriteRatingsParams(
                user: UserID(Self.ids.next()), items: Array(part), source: .letterboxd, batch: BatchID(Self.ids.next()),
                onlyNewer: true)
            #expect(encodeJSON(params).count < 1_048_576 - 1_000)
        }
    }

    @Test("Ratings without reviews go by the thousand", arguments: [(999, 1), (1_000, 1), (1_001, 2), (2_000, 2)])
    func plain(count: Int, parts: Int) {
        #expect(RatingParts.cut(Self.items(count, nil)).count == parts)
    }
}
