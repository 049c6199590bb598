import MetadataService
import Testing

@Suite("Refresh of stored scores")
struct ScoreRefreshTests {
    private let stored = [score(.imdb, 8_700, votes: 1_000, via: .omdb, at: 10)]
    private let day: Int64 = 86_400_000

    @Test("only a confirmed absence takes a score away", arguments: ProviderOutcome.allCases)
    func outcomes(outcome: ProviderOutcome) {
        let refresh = ScoreRefresh(stored: stored, answers: [ProviderAnswer(provider: .omdb, outcome: outcome)])
        switch outcome {
        case .ok, .noRating: #expect(refresh.scores.isEmpty)
        case .notMapped, .skipped, .quota, .error: #expect(refresh.scores.map(\.status) == [.stale])
        }
    }

    @Test("a provider that was not part of the refresh keeps its scores as they are")
    func untouched() {
        let answer = ProviderAnswer(provider: .tmdb, outcome: .ok, scores: [score(.tmdb, 7_000, via: .tmdb, at: 20)])
        let refresh = ScoreRefresh(stored: stored, answers: [answer])
        #expect(refresh.scores == stored + [score(.tmdb, 7_000, via: .tmdb, at: 20)])
    }

    @Test("a relay does not replace a nearer score whose provider failed, until that is a month old")
    func relay() {
        let relayed = score(.imdb, 9_500, votes: 10, via: .simkl, at: 10 + day)
        let failed = ProviderAnswer(provider: .omdb, outcome: .error)
        let early = ScoreRefresh(
            stored: stored, answers: [failed, ProviderAnswer(provider: .simkl, outcome: .ok, scores: [relayed])])
        #expect(early.scores.map(\.via) == [.omdb])
        #expect(early.scores.map(\.status) == [.stale])
        let late = score(.imdb, 9_500, votes: 10, via: .simkl, at: 10 + 31 * day)
        let after = ScoreRefresh(
            stored: stored, answers: [failed, ProviderAnswer(provider: .simkl, outcome: .ok, scores: [late])])
        #expect(after.scores == [late])
    }

    @Test("a relay replaces a nearer score whose provider says that there is none")
    func relayAfterConfirmedAbsence() {
        let relayed = score(.imdb, 8_500, votes: 10, via: .simkl, at: 20)
        let refresh = ScoreRefresh(
            stored: stored,
            answers: [
                ProviderAnswer(provider: .omdb, outcome: .noRating),
                ProviderAnswer(provider: .simkl, outcome: .ok, scores: [relayed]),
            ])
        #expect(refresh.scores == [relayed])
    }

    @Test("a jump of more than 30 points with about the same votes is doubted")
    func jump() {
        let far = score(.imdb, 5_699, votes: 1_100, via: .omdb, at: 20)
        let near = score(.imdb, 5_700, votes: 1_100, via: .omdb, at: 20)
        let crowd = score(.imdb, 5_699, votes: 2_002, via: .omdb, at: 20)
        func refresh(_ new: OutsideScore) -> ScoreRefresh {
            ScoreRefresh(stored: stored, answers: [ProviderAnswer(provider: .omdb, outcome: .ok, scores: [new])])
        }
        #expect(refresh(far).scores.map(\.scoreHundredths) == [8_700])
        #expect(refresh(far).doubted == [far])
        #expect(refresh(near).scores == [near])
        #expect(refresh(crowd).scores == [crowd])
    }

    @Test("a popularity figure never turns stale into a rating")
    func popularity() {
        let figure = OutsideScore(
            source: .tvdb, value: "15382", scoreHundredths: nil, votes: nil, via: .tvdb, fetchedAtMilliseconds: 1,
            status: .popularity)
        let refresh = ScoreRefresh(stored: [figure], answers: [ProviderAnswer(provider: .tvdb, outcome: .error)])
        #expect(refresh.scores == [figure])
    }
}
