import Contracts

extension SubjectIDs {
    /// The ids in the form in which they are stored.
    func keys(kind: TitleKind) -> [OutsideKey] {
        [
            imdb.map { OutsideKey(source: "imdb", kind: kind, value: $0) },
            tmdb.map { OutsideKey(source: "tmdb", kind: kind, value: String($0)) },
            tvdb.map { OutsideKey(source: "tvdb", kind: kind, value: String($0)) },
        ].compactMap(\.self)
    }

    init(_ ids: ExternalIds) {
        self.init(imdb: ids.imdb, tmdb: ids.tmdb.map(Int64.init), tvdb: ids.tvdb.map(Int64.init))
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
    /// A normalised score as the contract shows it.
    init(_ score: OutsideScore) {
        self.init(
            source: RatingSource(score.source), name: score.source.name, value: score.value, score: score.score,
            votes: score.votes.map { Int($0) }, via: Provider(score.via),
            fetchedAt: Timestamp(clampingMicrosecondsSinceEpoch: score.fetchedAtMilliseconds * 1_000),
            status: ExternalRatingStatus(score.status), url: score.url)
    }
}

// The rules' own closed sets and the contract's have the same words; exhaustive switches keep it so.

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
