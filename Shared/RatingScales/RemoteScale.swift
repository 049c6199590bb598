package import JSON

/// How another service expresses ratings. Pure.
///
/// A remote value is the number in that service's own units: 8 at Trakt, 4.5 at Letterboxd, 17 at Kitsu.
package enum RemoteScale: Sendable, Hashable, CaseIterable {
    /// Whole numbers 1 to 10.
    case trakt, simkl, myanimelist
    /// Stars, 0.5 to 5 in halves.
    case letterboxd
    /// `ratingTwenty`: whole numbers 2 to 20.
    case kitsu
    /// AniList stores what the person's score format can express: 1 to 100, 0.1 to 10.0, 1 to 10, 1 to 5 stars, 1 to 3
    /// faces.
    case anilist100, anilist10Decimal, anilist10, anilist5, anilist3

    /// AniList's values of stars and faces, in tenths of our scale.
    private static let anilistStars = [10, 30, 50, 70, 90]
    private static let anilistFaces = [35, 60, 85]

    /// Returns the remote value for `rating`: the nearest one that the service has, rounding halves up.
    package func encode(_ rating: DecimalTenths) -> DecimalTenths {
        let tenths = rating.tenths
        switch self {
        case .trakt, .simkl, .myanimelist, .anilist10: return DecimalTenths(tenths: 10 * tenths.roundedToTen)
        case .letterboxd: return DecimalTenths(tenths: 5 * tenths.roundedToTen)
        case .kitsu: return DecimalTenths(tenths: 10 * min(20, max(2, (2 * tenths + 5) / 10)))
        case .anilist100: return DecimalTenths(tenths: 10 * tenths)
        case .anilist10Decimal: return rating
        case .anilist5: return Self.nearest(to: tenths, among: Self.anilistStars)
        case .anilist3: return Self.nearest(to: tenths, among: Self.anilistFaces)
        }
    }

    /// Returns the rating for a remote value; nil for one that the service does not have, including 0 ("not rated").
    package func decode(_ remote: DecimalTenths) -> DecimalTenths? {
        let tenths = remote.tenths
        func whole(_ range: ClosedRange<Int>) -> Int? {
            tenths.isMultiple(of: 10) && range.contains(tenths / 10) ? tenths / 10 : nil
        }
        switch self {
        case .trakt, .simkl, .myanimelist, .anilist10: return whole(1...10).map { DecimalTenths(tenths: 10 * $0) }
        case .letterboxd:
            return tenths.isMultiple(of: 5) && (5...50).contains(tenths) ? DecimalTenths(tenths: 2 * tenths) : nil
        case .kitsu: return whole(2...20).map { DecimalTenths(tenths: 5 * $0) }
        case .anilist100: return whole(1...100).map { DecimalTenths(tenths: $0) }
        case .anilist10Decimal: return (1...100).contains(tenths) ? remote : nil
        case .anilist5: return whole(1...5).map { DecimalTenths(tenths: Self.anilistStars[$0 - 1]) }
        case .anilist3: return whole(1...3).map { DecimalTenths(tenths: Self.anilistFaces[$0 - 1]) }
        }
    }

    /// Whether the remote value is just `local`, rounded to what the service can store.
    package func isEcho(_ remote: DecimalTenths, of local: DecimalTenths) -> Bool { encode(local) == remote }

    /// Returns the rating after the remote value was read: `local` if the value is only an echo of it, else the rating
    /// for the value; nil for a value that the service does not have.
    package func adopt(_ remote: DecimalTenths, over local: DecimalTenths?) -> DecimalTenths? {
        guard let meant = decode(remote) else { return nil }
        if let local, isEcho(remote, of: local) { return local }
        return meant
    }

    private static func nearest(to tenths: Int, among centres: [Int]) -> DecimalTenths {
        var best = 0
        for place in centres.indices where abs(centres[place] - tenths) <= abs(centres[best] - tenths) { best = place }
        return DecimalTenths(tenths: 10 * (best + 1))
    }
}
