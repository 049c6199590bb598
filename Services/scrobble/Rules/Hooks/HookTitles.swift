import Contracts

/// Which titles a media server means: by ids first, then by name and year, or series and numbers.
enum HookTitles {
    /// What metadata is asked for the first title of the item, in this order, until one fits.
    static func questions(_ item: MediaItem) -> [ResolveTitleParams] {
        switch item.kind {
        case .movie:
            let byID = ResolveTitleParams(kind: .movie, ids: item.ids, name: item.name, year: item.year)
            let byName = ResolveTitleParams(kind: .movie, ids: ExternalIds(), name: item.name, year: item.year)
            return (item.ids == ExternalIds() ? [] : [byID]) + (item.name == nil ? [] : [byName])
        case .episode:
            let number = item.episodes.first
            // By its own ids alone: with its series told, metadata would take the place in it for proof enough.
            let byID = ResolveTitleParams(kind: .episode, ids: item.ids, describedOnly: true)
            let byPlace = number.flatMap { place(of: $0, in: item, series: nil) }
            // Some servers put the series' ids into the episode's place.
            let byMisplaced = number.flatMap { number in
                item.ids == ExternalIds() || item.series.ids != ExternalIds()
                    ? nil : place(of: number, in: item, series: nil, seriesIDs: item.ids)
            }
            return (item.ids == ExternalIds() ? [] : [byID]) + [byPlace, byMisplaced].compactMap(\.self)
        }
    }

    /// An episode by its number, in a series that is known or as the server names it.
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

    /// Whether a title that was found can be the item's first: an id of something else must not count for it.
    static func fits(_ title: Title, _ item: MediaItem) -> Bool {
        switch item.kind {
        case .movie: return title.kind == .movie
        case .episode:
            guard title.kind == .episode else { return false }
            // Where a place in a series is told, a title without one is none that anybody knows more about.
            let hasSeries = item.series.ids != ExternalIds() || item.series.name != nil
            if hasSeries, item.season != nil, !item.episodes.isEmpty, title.seasonNumber == nil { return false }
            func agree(_ one: Int?, _ other: Int?) -> Bool { one == nil || other == nil || one == other }
            return agree(title.seasonNumber, item.season) && agree(title.episodeNumber, item.episodes.first)
        }
    }

    /// The same as a question that keeps the title where no provider knows it: a play is not lost for that.
    static func keeping(_ question: ResolveTitleParams) -> TitleQuery {
        TitleQuery(
            kind: question.kind, ids: question.ids, name: question.name, year: question.year, series: question.series,
            seriesIds: question.seriesIds, seriesName: question.seriesName, seriesYear: question.seriesYear,
            seasonNumber: question.seasonNumber, episodeNumber: question.episodeNumber)
    }
}
