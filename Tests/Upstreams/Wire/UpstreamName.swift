/// An emulated service; the raw value is the first segment of its paths.
package enum UpstreamName: String, Sendable, Hashable, CaseIterable {
    case tmdb, omdb
}
