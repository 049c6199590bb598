import Contracts

/// Which titles a media server means: by IDs first, then by name and year, or by series and numbers.
enum HookTitles {
    /// The queries to metadata for the item's first title, in the order in which they are tried until one fits.
    static func questions(_ item: MediaItem) -> [ResolveTitleParams] {
        switch item.kind {
        case .movie:
            let byID = ResolveTitleParams(kind: .movie, ids: item.ids, name: item.name, year: item.year)
            let byName = ResolveTitleParams(kind: .movie, ids: ExternalIds(), name: item.name, year: item.year)
            return (item.ids == ExternalIds() ? [] : [byID]) + (item.name == nil ? [] : [byName])
        case .episode:
            let number = item.episodes.first
            // By its own IDs alone: given the series, metadata would accept the place in it as sufficient proof.
            let byID = ResolveTitleParams(kind: .episode, ids: item.ids, describedOnly: true)
            let byPlace = number.flatMap { place(of: $0, in: item, series: nil) }
            // Some servers put the IDs of the series into the episode.
            let byMisplaced = number.flatMap { number in
                item.ids == ExternalIds() || item.series.ids != ExternalIds()
                    ? nil : place(of: number, in: item, series: nil, seriesIDs: item.ids)
            }
            return (item.ids == ExternalIds() ? [] : [byID]) + [byPlace, byMisplaced].compactMap(\.self)
        }
    }

    /// Returns the query for an episode by its number, in a known series or in the one the server names.
    static func place(
        of episode: Int, in item: MediaItem, series: TitleID?, seriesIDs: ExternalIds? = nil
    ) -> ResolveTitleParams? {
        guard let season = item.season, (0...100_000).contains(season) else { return nil }
        let ids = seriesIDs ?? item.series.ids
        guard series != nil || ids != ExternalIds() || item.series.name != nil else { return nil }
        return ResolveTitleParams(
            kind: .episode, ids: ExternalIds(), series: series, seriesIds: series == nil ? ids : nil,
            seriesName: series == nil ? item.series.name : nil, seriesYear: series == nil ? item.series.year : nil,
            seasonNumber: season, episodeNumber: episode)
    }

    /// Whether a title that was found can be the item's first: an ID of something else must not count.
    static func fits(_ title: Title, _ item: MediaItem) -> Bool {
        switch item.kind {
        case .movie: return title.kind == .movie
        case .episode:
            guard title.kind == .episode else { return false }
            // If a place in a series is given, a title without one is a title nobody knows more about.
            let hasSeries = item.series.ids != ExternalIds() || item.series.name != nil
            if hasSeries, item.season != nil, !item.episodes.isEmpty, title.seasonNumber == nil { return false }
            func agree(_ one: Int?, _ other: Int?) -> Bool { one == nil || other == nil || one == other }
            return agree(title.seasonNumber, item.season) && agree(title.episodeNumber, item.episodes.first)
        }
    }

    /// Returns the same query in the form that keeps the title if no provider knows it, so that the play is not lost.
    static func keeping(_ question: ResolveTitleParams) -> TitleQuery {
        TitleQuery(
            kind: question.kind, ids: question.ids, name: question.name, year: question.year, series: question.series,
            seriesIds: question.seriesIds, seriesName: question.seriesName, seriesYear: question.seriesYear,
            seasonNumber: question.seasonNumber, episodeNumber: question.episodeNumber)
    }
}
