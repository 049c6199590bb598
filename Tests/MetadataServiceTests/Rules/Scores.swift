import MetadataService
import TestSupport

/// A source's score, with defaults for what a test does not need.
func score(
    _ source: ScoreSource, _ hundredths: Int64, votes: Int64? = 100, via: ProviderID, at milliseconds: Int64 = 0,
    status: ScoreStatus = .fresh, url: String? = nil
) -> OutsideScore {
    OutsideScore(
        source: source, value: "\(hundredths)", scoreHundredths: hundredths, votes: votes, via: via,
        fetchedAtMilliseconds: milliseconds, status: status, url: url)
}

extension SeededRandom {
    /// A random offer, from few enough values that offers often collide; one in ten is off the scale.
    mutating func offer() -> OutsideScore {
        score(
            [ScoreSource.imdb, .tmdb, .trakt, .metacritic].randomElement(using: &self) ?? .imdb,
            Int.random(in: 0..<10, using: &self) == 0 ? 15_097_900 : Int64.random(in: 0...4, using: &self) * 2_500,
            votes: Bool.random(using: &self) ? nil : Int64.random(in: 1...3, using: &self),
            via: [ProviderID.tmdb, .omdb, .trakt, .simkl, .kitsu].randomElement(using: &self) ?? .tmdb,
            at: Int64.random(in: 0...2, using: &self), status: Bool.random(using: &self) ? .fresh : .stale,
            url: Bool.random(using: &self) ? nil : "https://site.example/\(Int.random(in: 0...1, using: &self))")
    }

    mutating func offers() -> [OutsideScore] { (0..<Int.random(in: 0...8, using: &self)).map { _ in offer() } }
}
