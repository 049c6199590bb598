import Contracts

extension SubjectIDs {
    /// Returns the ids in the form in which they are stored.
    func keys(kind: TitleKind) -> [OutsideKey] {
        let texts: [(source: String, value: String?)] = [
            ("imdb", imdb), ("tmdb", tmdb.map { String($0) }), ("tvdb", tvdb.map { String($0) }),
            ("wikidata", wikidata), ("tvmaze", tvmaze.map { String($0) }), ("trakt", trakt.map { String($0) }),
            ("letterboxd", letterboxd), ("simkl", simkl.map { String($0) }), ("anilist", anilist.map { String($0) }),
            ("anidb", anidb.map { String($0) }), ("myanimelist", myanimelist.map { String($0) }),
            ("kitsu", kitsu.map { String($0) }),
        ]
        return texts.compactMap { text in
            text.value.map { OutsideKey(source: text.source, kind: kind, value: $0) }
        }
    }

    init(_ ids: ExternalIds) {
        self.init(
            imdb: ids.imdb, tmdb: ids.tmdb.map(Int64.init), tvdb: ids.tvdb.map(Int64.init), wikidata: ids.wikidata,
            tvmaze: ids.tvmaze.map(Int64.init), trakt: ids.trakt.map(Int64.init), letterboxd: ids.letterboxd,
            simkl: ids.simkl.map(Int64.init), anilist: ids.anilist.map(Int64.init), anidb: ids.anidb.map(Int64.init),
            myanimelist: ids.myanimelist.map(Int64.init), kitsu: ids.kitsu.map(Int64.init))
    }
}

extension ExternalIds {
    init(_ ids: SubjectIDs) {
        self.init(
            imdb: ids.imdb, tmdb: ids.tmdb.map { Int($0) }, tvdb: ids.tvdb.map { Int($0) }, wikidata: ids.wikidata,
            tvmaze: ids.tvmaze.map { Int($0) }, trakt: ids.trakt.map { Int($0) }, letterboxd: ids.letterboxd,
            simkl: ids.simkl.map { Int($0) }, anilist: ids.anilist.map { Int($0) }, anidb: ids.anidb.map { Int($0) },
            myanimelist: ids.myanimelist.map { Int($0) }, kitsu: ids.kitsu.map { Int($0) })
    }
}

extension SubjectKind {
    init(_ kind: TitleKind) {
        self =
            switch kind {
            case .movie: .movie
            case .series: .series
            case .season: .season
            case .episode: .episode
            }
    }
}

extension ExternalRating {
    /// Creates the contract's form of a normalized score.
    init(_ score: OutsideScore) {
        self.init(
            source: RatingSource(score.source), name: score.source.name, value: score.value, score: score.score,
            votes: score.votes.map { Int($0) }, via: Provider(score.via),
            fetchedAt: Timestamp(clampingMicrosecondsSinceEpoch: score.fetchedAtMilliseconds * 1_000),
            status: ExternalRatingStatus(score.status), url: score.url)
    }
}

// The rules' closed sets have the same cases as the contract's; exhaustive switches keep it that way.

extension RatingSource {
    init(_ source: ScoreSource) {
        self =
            switch source {
            case .imdb: .imdb
            case .rottenTomatoesCritics: .rottenTomatoesCritics
            case .rottenTomatoesAudience: .rottenTomatoesAudience
            case .metacritic: .metacritic
            case .tmdb: .tmdb
            case .tvdb: .tvdb
            case .tvmaze: .tvmaze
            case .trakt: .trakt
            case .letterboxd: .letterboxd
            case .simkl: .simkl
            case .anilist: .anilist
            case .anidbPermanent: .anidbPermanent
            case .anidbTemporary: .anidbTemporary
            case .myanimelist: .myanimelist
            case .kitsu: .kitsu
            }
    }
}

extension Provider {
    init(_ provider: ProviderID) {
        self =
            switch provider {
            case .tmdb: .tmdb
            case .tvdb: .tvdb
            case .tvmaze: .tvmaze
            case .omdb: .omdb
            case .trakt: .trakt
            case .letterboxd: .letterboxd
            case .simkl: .simkl
            case .anilist: .anilist
            case .anidb: .anidb
            case .myanimelist: .myanimelist
            case .kitsu: .kitsu
            }
    }
}

extension ExternalRatingStatus {
    init(_ status: ScoreStatus) {
        self =
            switch status {
            case .fresh: .fresh
            case .stale: .stale
            case .popularity: .popularity
            }
    }
}

extension OutsideScore {
    /// Creates a score from the form in which it is stored with its title.
    init?(_ rating: ExternalRating) {
        guard let source = ScoreSource(rawValue: rating.source.rawValue),
            let via = ProviderID(rawValue: rating.via.rawValue),
            let status = ScoreStatus(rawValue: rating.status.rawValue)
        else { return nil }
        self.init(
            source: source, value: rating.value, scoreHundredths: rating.score.map { Int64(($0 * 100).rounded()) },
            votes: rating.votes.map(Int64.init), via: via,
            fetchedAtMilliseconds: rating.fetchedAt.microsecondsSinceEpoch / 1_000, status: status, url: rating.url)
    }
}

extension AskedOutcome {
    init(_ outcome: ProviderOutcome) {
        self =
            switch outcome {
            case .ok: .ok
            case .noRating: AskedOutcome.none
            case .notMapped: .notMapped
            case .skipped: .skipped
            case .quota: .quota
            case .error: .error
            }
    }
}

extension ProviderID {
    init(_ provider: Provider) {
        self =
            switch provider {
            case .tmdb: .tmdb
            case .tvdb: .tvdb
            case .tvmaze: .tvmaze
            case .omdb: .omdb
            case .trakt: .trakt
            case .letterboxd: .letterboxd
            case .simkl: .simkl
            case .anilist: .anilist
            case .anidb: .anidb
            case .myanimelist: .myanimelist
            case .kitsu: .kitsu
            }
    }
}

extension TitleKind {
    init(_ kind: SubjectKind) {
        self =
            switch kind {
            case .movie: .movie
            case .series: .series
            case .season: .season
            case .episode: .episode
            }
    }
}

extension RefreshSchedule.Title {
    /// Creates the traits of a stored title.
    init(_ title: Contracts.Title, isWanted: Bool) {
        let released = title.releaseDate ?? title.year.flatMap { CalendarDate(year: $0, month: 1, day: 1) }
        self.init(
            kind: SubjectKind(title.kind), releasedDay: released.map { Int64($0.daysSinceEpoch) },
            hasScore: !title.externalRatings.isEmpty, isWanted: isWanted, hasEnded: title.endDate != nil)
    }
}
