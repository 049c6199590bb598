import Contracts
import JSON

extension WorldComparison {
    /// Compares ratings with each source's scores, on our scale, over the titles that have both.
    init(_ items: [(rating: DecimalTenths, scores: [ExternalRating])]) {
        struct Tally {
            var name: String
            var count = 0
            var distance = 0.0
            var difference = 0.0
        }
        var tallies: [RatingSource: Tally] = [:]
        for item in items {
            for score in item.scores {
                guard let value = score.score else { continue }
                let difference = item.rating.doubleValue - value / 10
                var tally = tallies[score.source] ?? Tally(name: score.name)
                tally.count += 1
                tally.distance += abs(difference)
                tally.difference += difference
                tallies[score.source] = tally
            }
        }
        func mean(_ sum: Double, _ count: Int) -> Double { (sum * 100 / Double(count)).rounded() / 100 }
        self.init(
            titles: items.count,
            sources: RatingSource.allCases.compactMap { source in
                guard let tally = tallies[source] else { return nil }
                return SourceComparison(
                    source: source, name: tally.name, titles: tally.count,
                    distance: mean(tally.distance, tally.count), difference: mean(tally.difference, tally.count))
            })
    }
}
