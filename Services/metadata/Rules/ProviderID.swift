/// An outside provider: one of the eleven that Reelay asks.
///
/// The order of the cases is the last tie-break wherever two answers are equally good.
package enum ProviderID: String, Sendable, Hashable, CaseIterable {
    case tmdb, tvdb, tvmaze, omdb, trakt, letterboxd, simkl, anilist, anidb, myanimelist, kitsu

    /// The place in the fixed order of providers, from 0.
    package var order: Int {
        switch self {
        case .tmdb: 0
        case .tvdb: 1
        case .tvmaze: 2
        case .omdb: 3
        case .trakt: 4
        case .letterboxd: 5
        case .simkl: 6
        case .anilist: 7
        case .anidb: 8
        case .myanimelist: 9
        case .kitsu: 10
        }
    }
}
