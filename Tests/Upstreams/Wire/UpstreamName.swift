/// An emulated service; the raw value is the first segment of its paths.
package enum UpstreamName: String, Sendable, Hashable, CaseIterable {
    case tmdb, tvdb, tvmaze, omdb, trakt, letterboxd, simkl, anilist, anidb, myanimelist, kitsu, pwned

    /// The path of the service's base address, as in the setting that names it.
    package var basePath: String {
        switch self {
        case .tmdb: "/tmdb/3"
        case .tvdb: "/tvdb/v4"
        case .letterboxd: "/letterboxd/api/v0"
        case .myanimelist: "/myanimelist/v2"
        case .kitsu: "/kitsu/api/edge"
        case .tvmaze, .omdb, .trakt, .simkl, .anilist, .anidb, .pwned: "/\(rawValue)"
        }
    }
}
