import MetadataService
import Testing

@Suite("Votes of all sources")
struct VoteAggregateTests {
    @Test("the mean is weighted by votes; critics and popularity have no part")
    func mean() throws {
        let figure = OutsideScore(
            source: .tvdb, value: "15382", scoreHundredths: nil, votes: 4, via: .tvdb, fetchedAtMilliseconds: 1,
            status: .popularity)
        let scores = [
            score(.imdb, 8_700, votes: 300, via: .omdb), score(.tmdb, 7_900, votes: 100, via: .tmdb),
            score(.metacritic, 100, votes: nil, via: .omdb), figure,
        ]
        let votes = try #require(VoteAggregate(scores))
        #expect(votes.averageHundredths == 850)
        #expect(votes.average == 8.5)
        #expect(votes.count == 400)
    }

    @Test("without votes there is no mean")
    func nothing() {
        #expect(VoteAggregate([]) == nil)
        #expect(VoteAggregate([score(.metacritic, 7_300, votes: nil, via: .omdb)]) == nil)
    }

    @Test("halves are rounded up, and the largest numbers fit")
    func bounds() throws {
        #expect(VoteAggregate([score(.tmdb, 8_435, votes: 1, via: .tmdb)])?.averageHundredths == 844)
        #expect(VoteAggregate([score(.tmdb, 8_434, votes: 1, via: .tmdb)])?.averageHundredths == 843)
        let most = ScoreReading.votesMax
        let votes = try #require(
            VoteAggregate(ScoreSource.allCases.map { score($0, 10_000, votes: most, via: .tmdb) }))
        #expect(votes.averageHundredths == 1_000)
        #expect(votes.count == most)
    }
}
