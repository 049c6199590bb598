import Contracts
import Cryptography
import JSON

/// The filter and order of a list of ratings.
struct RatingWish: Sendable, Hashable {
    var sort = RatingSort.newest
    var kind: TitleKind?
    var lowest = RatingWish.everyRating.lowerBound
    var highest = RatingWish.everyRating.upperBound
    /// Rated at this time or later.
    var from = Timestamp(clampingMicrosecondsSinceEpoch: .min)
    /// Rated before this time.
    var until = Timestamp(clampingMicrosecondsSinceEpoch: .max)
    var hasReview: Bool?
    /// Text that the review contains, regardless of case.
    var words: String?

    private static let everyRating = DecimalTenths(tenths: 1)...DecimalTenths(tenths: 100)

    /// Whether some ratings are excluded by their value.
    var boundsRatings: Bool { lowest > Self.everyRating.lowerBound || highest < Self.everyRating.upperBound }

    init(_ params: ListRatingsParams) {
        sort = params.sort ?? sort
        kind = params.kind
        lowest = params.minRating ?? lowest
        highest = params.maxRating ?? highest
        from = params.from ?? from
        until = params.until ?? until
        hasReview = params.hasReview
        words = params.review
    }
}

/// A position in a list of ratings: everything before it has been shown.
struct RatingPlace: Sendable, Hashable {
    let sort: RatingSort
    let ratedAt: Timestamp
    let rating: DecimalTenths
    let title: TitleID

    private static let sorts = RatingSort.allCases
    /// The number of encoded bytes: order, rating, time and title.
    private static let byteCount = 26

    /// The position before the first row.
    static func start(of sort: RatingSort) -> RatingPlace {
        switch sort {
        case .newest, .best:
            RatingPlace(
                sort: sort, ratedAt: Timestamp(clampingMicrosecondsSinceEpoch: .max),
                rating: DecimalTenths(tenths: 101), title: TitleID(UUIDBits(high: .max, low: .max)))
        case .oldest, .worst, .title:
            RatingPlace(
                sort: sort, ratedAt: Timestamp(clampingMicrosecondsSinceEpoch: .min),
                rating: DecimalTenths(tenths: 0), title: TitleID(UUIDBits(high: 0, low: 0)))
        }
    }

    init(sort: RatingSort, ratedAt: Timestamp, rating: DecimalTenths, title: TitleID) {
        self.sort = sort
        self.ratedAt = ratedAt
        self.rating = rating
        self.title = title
    }

    init(_ rating: Rating, in sort: RatingSort) {
        self.init(sort: sort, ratedAt: rating.ratedAt, rating: rating.rating, title: rating.title)
    }

    /// In the order `newest`, the position before everything rated before `until`, if that is further on; otherwise the
    /// position itself.
    func held(before until: Timestamp) -> RatingPlace {
        guard sort == .newest, until <= ratedAt else { return self }
        return RatingPlace(
            sort: sort, ratedAt: until, rating: rating, title: TitleID(UUIDBits(high: .min, low: .min)))
    }

    /// Decodes `text`; nil for anything else.
    init?(_ text: String) {
        guard let bytes = Base64.decodeURL(text), bytes.count == Self.byteCount, Int(bytes[0]) < Self.sorts.count else {
            return nil
        }
        let moment = bytes[2..<10].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let ratedAt = Timestamp(microsecondsSinceEpoch: Int64(bitPattern: moment)),
            let title = TitleID(bytes: bytes.suffix(16))
        else { return nil }
        self.init(
            sort: Self.sorts[Int(bytes[0])], ratedAt: ratedAt, rating: DecimalTenths(tenths: Int(bytes[1])),
            title: title)
    }

    var text: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(UInt8(Self.sorts.firstIndex(of: sort) ?? 0))
        bytes.append(UInt8(clamping: rating.tenths))
        Self.append(UInt64(bitPattern: ratedAt.microsecondsSinceEpoch), to: &bytes)
        Self.append(title.uuid.high, to: &bytes)
        Self.append(title.uuid.low, to: &bytes)
        return Base64.encodeURL(bytes)
    }

    /// Appends eight bytes, most significant first.
    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }
}

/// A position in a person's changes: a version, as a cursor.
enum VersionCursor {
    private static let mark = UInt8(ascii: "v")

    static func text(_ version: Int) -> String {
        Base64.encodeURL([mark] + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: version >> $0) })
    }

    /// Decodes what `text` returned; nil for anything else.
    static func version(_ text: String) -> Int? {
        guard let bytes = Base64.decodeURL(text), bytes.count == 9, bytes[0] == mark else { return nil }
        let version = bytes.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return version <= UInt64(Int64.max) ? Int(version) : nil
    }
}
