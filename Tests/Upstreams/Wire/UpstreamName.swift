/// An emulated service; the raw value is the first segment of its paths.
package enum UpstreamName: String, Sendable, Hashable, CaseIterable {
    case tmdb, tvdb, tvmaze, omdb, trakt, letterboxd, simkl, anilist, anidb, myanimelist, kitsu

    /// Path of its base address, as the setting of a service names it.
    package var basePath: String {
        switch self {
        case .tmdb: "/tmdb/3"
        case .tvdb: "/tvdb/v4"
        case .letterboxd: "/letterboxd/api/v0"
        case .myanimelist: "/myanimelist/v2"
        case .kitsu: "/kitsu/api/edge"
        case .tvmaze, .omdb, .trakt, .simkl, .anilist, .anidb: "/\(rawValue)"
        }
    }
}
