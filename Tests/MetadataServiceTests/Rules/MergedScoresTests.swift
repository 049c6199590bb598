import MetadataService
import TestSupport
import Testing

@Suite("Merge by source")
struct MergedScoresTests {
    @Test("the owner wins, then OMDb, then Trakt, then Simkl, even when the others are newer")
    func precedence() {
        let imdb = [
            score(.imdb, 9_500, via: .simkl, at: 9), score(.imdb, 9_300, via: .trakt, at: 8),
            score(.imdb, 9_200, via: .omdb, at: 1),
        ]
        #expect(MergedScores(imdb)[.imdb]?.via == .omdb)
        #expect(MergedScores(imdb.dropLast())[.imdb]?.via == .trakt)
        let trakt = [score(.trakt, 8_000, via: .omdb, at: 9), score(.trakt, 8_100, via: .trakt, at: 1)]
        #expect(MergedScores(trakt)[.trakt]?.via == .trakt)
    }

    @Test("of the same provider, the newer; a fresh relay before a stale owner")
    func recency() {
        let tmdb = [score(.tmdb, 7_000, via: .tmdb, at: 1), score(.tmdb, 7_100, via: .tmdb, at: 2)]
        #expect(MergedScores(tmdb)[.tmdb]?.scoreHundredths == 7_100)
        let relayed = [score(.tmdb, 7_000, via: .tmdb, at: 3, status: .stale), score(.tmdb, 7_200, via: .trakt, at: 4)]
        #expect(MergedScores(relayed)[.tmdb]?.via == .trakt)
    }

    @Test("merging is commutative, associative and idempotent, and listed in the fixed order")
    func properties() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<2_000 {
            let (first, second, third) = (random.offers(), random.offers(), random.offers())
            let all = MergedScores(first + second + third)
            #expect(MergedScores((first + second + third).shuffled(using: &random)) == all, "seed \(random.seed)")
            #expect(joined(joined(first, second), MergedScores(third)) == all, "seed \(random.seed)")
            #expect(joined(MergedScores(first), joined(second, third)) == all, "seed \(random.seed)")
            #expect(joined(second, first) == joined(first, second), "seed \(random.seed)")
            #expect(joined(all, all) == all, "seed \(random.seed)")
            #expect(MergedScores(all.scores) == all, "seed \(random.seed)")
            let places = all.scores.map(\.source.order)
            #expect(places == Array(Set(places)).sorted(), "seed \(random.seed)")
            #expect(all.scores.allSatisfy { ($0.scoreHundredths ?? 0) <= 10_000 }, "seed \(random.seed)")
        }
    }

    private func joined(_ left: MergedScores, _ right: MergedScores) -> MergedScores {
        var result = left
        result.merge(right)
        return result
    }

    private func joined(_ left: [OutsideScore], _ right: [OutsideScore]) -> MergedScores {
        joined(MergedScores(left), MergedScores(right))
    }
}
