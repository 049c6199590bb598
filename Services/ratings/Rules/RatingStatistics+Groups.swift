import Contracts
import JSON

/// A count made by the database.
enum StatisticsGroup: Sendable, Hashable {
    /// How often titles of a kind were given a rating.
    case rating(DecimalTenths, TitleKind, count: Int)
    /// The ratings of one year, with the first and last date of all years.
    case year(Int, count: Int, sumTenths: Int, first: Timestamp, last: Timestamp)
}

/// Means of ratings.
enum RatingMeans {
    /// The mean to two decimals; nil if there are no ratings.
    static func mean(sumTenths: Int, count: Int) -> Double? {
        guard count > 0 else { return nil }
        return (Double(sumTenths) * 10 / Double(count)).rounded() / 100
    }

    /// The zero-based index in a distribution of a rating, which rounds to 1, 2, … 10.
    static func bucket(_ rating: DecimalTenths) -> Int { min(10, max(1, (rating.tenths + 5) / 10)) - 1 }
}

extension RatingStatistics {
    init(_ groups: [StatisticsGroup], reviewCount: Int) {
        struct Tally {
            var count = 0
            var sumTenths = 0
            var distribution = [Int](repeating: 0, count: 10)

            mutating func add(_ rating: DecimalTenths, times: Int) {
                count += times
                sumTenths += rating.tenths * times
                distribution[RatingMeans.bucket(rating)] += times
            }
        }
        var all = Tally()
        var kinds: [TitleKind: Tally] = [:]
        var years: [YearStatistics] = []
        var first: Timestamp?
        var last: Timestamp?
        for group in groups {
            switch group {
            case .rating(let rating, let kind, let count):
                all.add(rating, times: count)
                kinds[kind, default: Tally()].add(rating, times: count)
            case .year(let year, let count, let sumTenths, let earliest, let latest):
                (first, last) = (earliest, latest)
                guard let average = RatingMeans.mean(sumTenths: sumTenths, count: count) else { continue }
                years.append(YearStatistics(year: year, count: count, average: average))
            }
        }
        self.init(
            count: all.count, average: RatingMeans.mean(sumTenths: all.sumTenths, count: all.count),
            reviews: reviewCount, firstRatedAt: first, lastRatedAt: last, distribution: all.distribution,
            kinds: TitleKind.allCases.compactMap { kind in
                guard let tally = kinds[kind],
                    let average = RatingMeans.mean(sumTenths: tally.sumTenths, count: tally.count)
                else { return nil }
                return KindStatistics(
                    kind: kind, count: tally.count, average: average, distribution: tally.distribution)
            },
            years: Array(years.sorted { $0.year < $1.year }.suffix(1_000)))
    }
}
