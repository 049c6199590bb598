import MetadataService
import TestSupport
import Testing

@Suite("Normalisation of scores")
struct ScoreReadingTests {
    /// The figure, the displayed value and the score in hundredths.
    static let worked: [(ScoreSource, String, String, Int64)] = [
        (.tmdb, "8.436", "8.4/10", 8_436), (.imdb, "8.7", "8.7/10", 8_700),
        (.rottenTomatoesCritics, "83", "83%", 8_300),
        (.rottenTomatoesAudience, "94", "94%", 9_400), (.metacritic, "73", "73/100", 7_300),
        (.tvmaze, "9.2", "9.2/10", 9_200), (.trakt, "8.8059", "8.8/10", 8_806), (.trakt, "9.38263", "9.4/10", 9_383),
        (.letterboxd, "4.12", "4.1/5", 8_240), (.simkl, "9.1", "9.1/10", 9_100), (.anilist, "86", "86%", 8_600),
        (.anidbPermanent, "7.86", "7.86/10", 7_860), (.anidbTemporary, "8.2", "8.20/10", 8_200),
        (.myanimelist, "8.75", "8.75/10", 8_750), (.kitsu, "82.23", "82.2%", 8_223), (.tmdb, "10", "10.0/10", 10_000),
    ]

    @Test("figures of every source", arguments: worked)
    func normalises(source: ScoreSource, figure: String, value: String, hundredths: Int64) throws {
        let reading = ScoreReading(
            source: source, figure: NativeFigure(figure), votes: 12, via: .tmdb, fetchedAtMilliseconds: 5)
        guard case .score(let score) = reading else {
            Issue.record("no score: \(reading)")
            return
        }
        #expect(score.value == value)
        #expect(score.scoreHundredths == hundredths)
        #expect(score.votes == 12)
        #expect(score.status == .fresh)
    }

    @Test("no figure, no votes, and 0 where the scale starts above it are no rating")
    func nothing() {
        let none = [
            ScoreReading(source: .tmdb, figure: nil, via: .tmdb, fetchedAtMilliseconds: 0),
            ScoreReading(source: .tmdb, figure: NativeFigure("8"), votes: 0, via: .tmdb, fetchedAtMilliseconds: 0),
            ScoreReading(source: .tmdb, figure: NativeFigure("0.0"), votes: 3, via: .tmdb, fetchedAtMilliseconds: 0),
            ScoreReading(source: .kitsu, figure: NativeFigure("0"), via: .kitsu, fetchedAtMilliseconds: 0),
        ]
        for reading in none { #expect(reading == .noRating) }
    }

    @Test("nobody at all liking it is an opinion of critics")
    func zeroPercent() {
        let reading = ScoreReading(
            source: .rottenTomatoesCritics, figure: NativeFigure("0"), via: .omdb, fetchedAtMilliseconds: 0)
        guard case .score(let score) = reading else {
            Issue.record("no score: \(reading)")
            return
        }
        #expect(score.scoreHundredths == 0)
    }

    @Test("TVDb's popularity is a figure without a score")
    func popularity() {
        let reading = ScoreReading(
            source: .tvdb, figure: NativeFigure("150979"), via: .tvdb, fetchedAtMilliseconds: 0)
        guard case .score(let score) = reading else {
            Issue.record("no figure: \(reading)")
            return
        }
        #expect(score.value == "150979")
        #expect(score.scoreHundredths == nil)
        #expect(score.status == .popularity)
    }

    @Test(
        "a figure outside its scale is quarantined",
        arguments: [(ScoreSource.tmdb, "10.01"), (.imdb, "-1"), (.metacritic, "101")])
    func quarantine(source: ScoreSource, figure: String) {
        let reading = ScoreReading(
            source: source, figure: NativeFigure(figure), votes: 9, via: .omdb, fetchedAtMilliseconds: 0)
        guard case .quarantined(let kept) = reading else {
            Issue.record("not quarantined: \(reading)")
            return
        }
        #expect(kept.figure == NativeFigure(figure))
    }

    @Test("scaling is monotone for every source")
    func monotone() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for source in ScoreSource.allCases where source != .tvdb {
            let top = source.scale.top * 1_000_000
            for _ in 0..<200 {
                let pair = [Int64.random(in: 0...top, using: &random), Int64.random(in: 0...top, using: &random)]
                    .sorted()
                let low = source.scale.scoreHundredths(NativeFigure(millionths: pair[0]))
                let high = source.scale.scoreHundredths(NativeFigure(millionths: pair[1]))
                #expect(low ?? -1 <= high ?? -1, "seed \(random.seed)")
            }
        }
    }

    @Test("sources and providers have the places and names of the contract")
    func closedSets() {
        #expect(ScoreSource.allCases.map(\.order) == Array(0..<15))
        #expect(ProviderID.allCases.map(\.order) == Array(0..<11))
        #expect(ScoreSource.rottenTomatoesCritics.name == "Rotten Tomatoes (Tomatometer)")
        #expect(Set(ScoreSource.allCases.map(\.name)).count == 15)
    }
}
