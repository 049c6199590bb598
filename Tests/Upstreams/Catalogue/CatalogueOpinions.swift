/// How each of the other providers rates a title, derived from TMDb's or IMDb's rating.
package struct CatalogueOpinions: Sendable {
    /// The mean in hundredths of a point, on a scale of 0 to 10.
    package let hundredths: Int
    package let votes: Int

    package init(hundredths: Int, votes: Int) {
        self.hundredths = min(max(hundredths, 100), 990)
        self.votes = max(votes, 1)
    }

    func lowered(by hundredths: Int) -> CatalogueOpinions {
        CatalogueOpinions(hundredths: self.hundredths - hundredths, votes: votes)
    }

    /// "7.95123", as Trakt writes it.
    package var trakt: (rating: String, votes: Int) { (figure(hundredths + 4) + "123", votes / 2 + 1) }
    /// "7.9"; TVmaze does not report votes.
    package var tvmaze: String { tenths(hundredths - 10) }
    /// "3.96" of 5; nil with too few votes, when Letterboxd withholds it.
    package var letterboxd: (rating: String, votes: Int)? {
        votes < 50 ? nil : (figure((hundredths + 6) / 2), votes * 3)
    }
    package var simkl: (rating: String, votes: Int) { (tenths(hundredths + 20), votes / 10 + 1) }
    /// Out of 100; nil with too few votes, when AniList withholds it.
    package var anilist: (score: Int?, votes: Int) { (votes < 100 ? nil : hundredths / 10, votes * 4) }
    package var anidb: (permanent: String, count: Int) { (figure(hundredths - 30), votes + 7) }
    package var anidbTemporary: (rating: String, count: Int) { (figure(hundredths - 5), votes + 90) }
    package var myanimelist: (mean: String, votes: Int) { (figure(hundredths + 12), votes * 30) }
    /// "79.12" of 100; nil with too few votes, when Kitsu withholds it.
    package var kitsu: (rating: String?, votes: Int) { (votes < 60 ? nil : percent(hundredths), votes * 2) }
    /// TVDb's score, which measures interest and is not a rating.
    package var tvdb: Int { votes * 7 + 1 }

    /// 791 → "7.91"
    private func figure(_ hundredths: Int) -> String {
        let value = min(max(hundredths, 1), 1_000)
        return "\(value / 100).\(value % 100 < 10 ? "0" : "")\(value % 100)"
    }

    /// 791 → "7.9"
    private func tenths(_ hundredths: Int) -> String {
        let value = min(max(hundredths, 10), 1_000)
        return "\(value / 100).\(value / 10 % 10)"
    }

    /// 791 → "79.12"
    private func percent(_ hundredths: Int) -> String { "\(hundredths / 10).\(hundredths % 10)2" }
}

extension CatalogueRatings {
    /// What the other providers derive their ratings from; nil where nobody has rated.
    package var opinions: CatalogueOpinions? {
        let told =
            tmdb.flatMap { $0.votes > 0 ? (average: $0.average, votes: $0.votes) : nil }
            ?? imdb.map { (average: $0.average, votes: $0.votes / 20) }
        guard let told, let average = Double(told.average) else { return nil }
        return CatalogueOpinions(hundredths: Int((average * 100).rounded()), votes: told.votes)
    }

    /// The audience score of Rotten Tomatoes, in percent, which only Trakt relays.
    package var audience: Int? { tomatoes.map { max($0 - 4, 1) } }
}

extension CatalogueTitle {
    package var opinions: CatalogueOpinions? { ratings.opinions }
}
