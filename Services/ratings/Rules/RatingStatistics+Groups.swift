import Contracts
import JSON

/// What the database has counted: the ratings of one kind and value, or those of one year.
struct StatisticsGroup: Sendable, Hashable {
    let kind: TitleKind?
    let rating: DecimalTenths?
    let year: Int?
    let count: Int
    let sumTenths: Int
    let first: Timestamp
    let last: Timestamp
}

/// Means of ratings.
enum RatingMeans {
    /// To two decimals; nil where there is none.
    static func mean(sumTenths: Int, count: Int) -> Double? {
        guard count > 0 else { return nil }
        return (Double(sumTenths) * 10 / Double(count)).rounded() / 100
    }

    /// The place in a distribution, from 0, of a rating that rounds to 1, 2, … 10.
    static func bucket(_ rating: DecimalTenths) -> Int { min(10, max(1, (rating.tenths + 5) / 10)) - 1 }
}

extension RatingStatistics {
    init(_ groups: [StatisticsGroup], reviewCount: Int) {
        struct Tally {
            var count = 0
            var sumTenths = 0
            var distribution = [Int](repeating: 0, count: 10)

            mutating func add(_ group: StatisticsGroup, _ rating: DecimalTenths) {
                count += group.count
                sumTenths += group.sumTenths
                distribution[RatingMeans.bucket(rating)] += group.count
            }
        }
        var all = Tally()
        var kinds: [TitleKind: Tally] = [:]
        var years: [YearStatistics] = []
        var first: Timestamp?
        var last: Timestamp?
        for group in groups {
            if let kind = group.kind, let rating = group.rating {
                all.add(group, rating)
                kinds[kind, default: Tally()].add(group, rating)
                first = min(first ?? group.first, group.first)
                last = max(last ?? group.last, group.last)
            } else if let year = group.year,
                let average = RatingMeans.mean(sumTenths: group.sumTenths, count: group.count)
            {
                years.append(YearStatistics(year: year, count: group.count, average: average))
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
