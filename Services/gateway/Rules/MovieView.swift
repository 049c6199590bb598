import Contracts
import RPC

extension Movie {
    /// A film as one person sees it. Throws `wrongKind` for a title that is not a film.
    init(_ title: Title, rating: Rating?) throws(RPCError) {
        guard title.kind == .movie else { throw .wrongKind("this is a \(title.kind.rawValue), not a film") }
        self.init(
            id: title.id, name: title.name, originalName: title.originalName, year: title.year,
            releaseDate: title.releaseDate, overview: title.overview, runtimeMinutes: title.runtimeMinutes,
            genres: title.genres, certification: title.certification, posterUrl: title.posterUrl,
            backdropUrl: title.backdropUrl,
            externalIds: title.externalIds, externalRatings: title.externalRatings, voteAverage: title.voteAverage,
            voteCount: title.voteCount, enrichedAt: title.enrichedAt, isLocal: title.isLocal, myRating: rating)
    }
}

extension TitleCard {
    /// What a list shows of a title.
    init(_ title: Title) {
        self.init(id: title.id, kind: title.kind, name: title.name, year: title.year, posterUrl: title.posterUrl)
    }

    /// A stand-in for a title that is no longer known, as after a restore of one schema alone.
    init(nothingKnownOf title: TitleID, _ kind: TitleKind) {
        self.init(id: title, kind: kind, name: "Unknown title")
    }
}
