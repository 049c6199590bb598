import Contracts
import JSON

/// The page to encode and decode.
enum Page {
    private static let reviews: [String?] = [
        nil, "Holds up.", nil,
        "The third act drags, but the score carries it — and “that” scene with the café still works on every rewatch.",
    ]

    /// `count` ratings that differ in every member; about half have a review.
    static func ratings(_ count: Int) throws -> FoundRatings {
        var ratings: [Rating] = []
        for index in 0..<count {
            let digits = String(index + 1_000)
            guard let title = TitleID("01920000-0000-7000-8000-00000000" + digits),
                let ratedAt = Timestamp("2026-10-\(10 + index % 20)T1\(index % 10):05:0\(index % 10)Z"),
                let updatedAt = Timestamp("2026-11-\(10 + index % 20)T1\(index % 10):15:2\(index % 10)Z")
            else { throw BenchError("the page cannot be made") }
            ratings.append(
                Rating(
                    title: title, kind: index % 5 == 0 ? .series : .movie, rating: DecimalTenths(tenths: 1 + index),
                    review: reviews[index % reviews.count], spoiler: index % 7 == 0, ratedAt: ratedAt,
                    updatedAt: updatedAt))
        }
        return FoundRatings(ratings: ratings)
    }
}
