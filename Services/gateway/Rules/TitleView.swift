import Contracts
import RPC

/// A title as one person sees it. Made only from a title of its own kind; throws `wrongKind` otherwise.
protocol TitleView: Sendable {
    static var kind: TitleKind { get }

    init(_ title: Title, rating: Rating?) throws(RPCError)
}

extension TitleView {
    static func check(_ title: Title) throws(RPCError) {
        guard title.kind == kind else { throw .wrongKind("this is a \(title.kind.rawValue), not a \(kind.rawValue)") }
    }
}

extension Movie: TitleView {
    static let kind = TitleKind.movie
}

extension TVSeries: TitleView {
    static let kind = TitleKind.series

    init(_ title: Title, rating: Rating?) throws(RPCError) {
        try Self.check(title)
        self.init(
            id: title.id, name: title.name, originalName: title.originalName, year: title.year,
            releaseDate: title.releaseDate, endDate: title.endDate, overview: title.overview,
            runtimeMinutes: title.runtimeMinutes, genres: title.genres, certification: title.certification,
            posterUrl: title.posterUrl, backdropUrl: title.backdropUrl, externalIds: title.externalIds,
            externalRatings: title.externalRatings, voteAverage: title.voteAverage, voteCount: title.voteCount,
            enrichedAt: title.enrichedAt, isLocal: title.isLocal, myRating: rating)
    }
}

extension Season: TitleView {
    static let kind = TitleKind.season

    init(_ title: Title, rating: Rating?) throws(RPCError) {
        try Self.check(title)
        self.init(
            id: title.id, series: title.series, seasonNumber: title.seasonNumber, name: title.name,
            originalName: title.originalName, year: title.year, releaseDate: title.releaseDate,
            overview: title.overview, runtimeMinutes: title.runtimeMinutes, genres: title.genres,
            certification: title.certification, posterUrl: title.posterUrl, backdropUrl: title.backdropUrl,
            externalIds: title.externalIds, externalRatings: title.externalRatings, voteAverage: title.voteAverage,
            voteCount: title.voteCount, enrichedAt: title.enrichedAt, isLocal: title.isLocal, myRating: rating)
    }
}

extension Episode: TitleView {
    static let kind = TitleKind.episode

    init(_ title: Title, rating: Rating?) throws(RPCError) {
        try Self.check(title)
        self.init(
            id: title.id, series: title.series, seasonNumber: title.seasonNumber, episodeNumber: title.episodeNumber,
            name: title.name, originalName: title.originalName, year: title.year, releaseDate: title.releaseDate,
            overview: title.overview, runtimeMinutes: title.runtimeMinutes, genres: title.genres,
            certification: title.certification, posterUrl: title.posterUrl, backdropUrl: title.backdropUrl,
            externalIds: title.externalIds, externalRatings: title.externalRatings, voteAverage: title.voteAverage,
            voteCount: title.voteCount, enrichedAt: title.enrichedAt, isLocal: title.isLocal, myRating: rating)
    }
}
