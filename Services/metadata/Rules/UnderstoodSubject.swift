/// The part of a title that one provider can use. If it changes, the provider is worth asking (again); otherwise the
/// answer would be the same.
package struct UnderstoodSubject: Sendable, Hashable {
    private let ids: SubjectIDs
    private let seriesIDs: SubjectIDs
    private let seasonNumber: Int?
    private let episodeNumber: Int?
    private let names: [String]
    private let year: Int?
    private let isAnime: Bool?

    package init(_ subject: ProviderSubject, by provider: ProviderID) {
        ids = Self.understood(subject.ids, by: provider)
        seriesIDs = Self.understood(subject.seriesIDs, by: provider)
        seasonNumber = subject.seasonNumber
        episodeNumber = subject.episodeNumber
        // Names lead somewhere only if no id is known (at OMDb, no IMDb id), or on anime sites.
        let isSought =
            switch provider {
            case .anilist, .myanimelist, .kitsu: subject.isAnimeToFind
            case .anidb: false
            case .omdb: subject.ids.imdb == nil
            default: subject.isNameOnly
            }
        names = isSought ? [subject.name, subject.originalName].compactMap(\.self) : []
        year = isSought ? subject.year : nil
        isAnime =
            switch provider {
            case .anilist, .myanimelist, .kitsu, .simkl: subject.isAnime
            default: nil
            }
    }

    /// Returns those of a title's ids that lead to it at the provider; `docs/providers.md` lists them.
    private static func understood(_ ids: SubjectIDs, by provider: ProviderID) -> SubjectIDs {
        switch provider {
        case .tmdb: SubjectIDs(imdb: ids.imdb, tmdb: ids.tmdb, tvdb: ids.tvdb)
        case .tvdb: SubjectIDs(imdb: ids.imdb, tmdb: ids.tmdb, tvdb: ids.tvdb)
        case .tvmaze: SubjectIDs(imdb: ids.imdb, tvdb: ids.tvdb, tvmaze: ids.tvmaze)
        case .omdb: SubjectIDs(imdb: ids.imdb)
        case .trakt: SubjectIDs(imdb: ids.imdb, tmdb: ids.tmdb, tvdb: ids.tvdb, trakt: ids.trakt)
        case .letterboxd: SubjectIDs(imdb: ids.imdb, tmdb: ids.tmdb, letterboxd: ids.letterboxd)
        case .simkl:
            SubjectIDs(
                imdb: ids.imdb, tmdb: ids.tmdb, tvdb: ids.tvdb, simkl: ids.simkl, anilist: ids.anilist,
                anidb: ids.anidb, myanimelist: ids.myanimelist, kitsu: ids.kitsu)
        case .anilist: SubjectIDs(anilist: ids.anilist, myanimelist: ids.myanimelist)
        case .anidb: SubjectIDs(anidb: ids.anidb)
        case .myanimelist: SubjectIDs(myanimelist: ids.myanimelist)
        case .kitsu:
            SubjectIDs(
                tvdb: ids.tvdb, anilist: ids.anilist, anidb: ids.anidb, myanimelist: ids.myanimelist, kitsu: ids.kitsu)
        }
    }
}
