import Contracts

/// A title as it is identified outside: by ids, names and numbers, never by an id of this installation.
struct NamedTitle: Sendable {
    let title: Title
    /// The series of a season or an episode.
    let series: Title?

    var query: TitleQuery {
        TitleQuery(
            kind: title.kind, ids: title.externalIds, name: title.name, year: title.year,
            seriesIds: series?.externalIds, seriesName: series?.name, seriesYear: series?.year,
            seasonNumber: title.seasonNumber, episodeNumber: title.episodeNumber)
    }
}

/// The rows of `reelay.json`: all of a person's data in our own format. Importing them restores the same.
enum EverythingRows {
    static let file = "reelay.json"
    static let version = 1

    static func row(_ play: PlayRecord, _ title: NamedTitle?) -> ImportedRow {
        var row = start(.play, title)
        row.watchedAt = play.watchedAt
        row.watchedOn = play.watchedOn
        row.precision = play.precision
        row.percent = play.percent
        row.rating = play.rating
        row.text = play.review
        row.html = play.html
        row.spoiler = play.spoiler ? true : nil
        row.tags = play.tags.flatMap { $0.isEmpty ? nil : $0 }
        row.rewatch = play.rewatch ? true : nil
        row.key = play.id.description
        return row
    }

    static func row(_ rating: Rating, _ title: NamedTitle?) -> ImportedRow {
        var row = start(.rating, title)
        row.rating = rating.rating
        row.given = rating.given
        row.text = rating.review
        row.spoiler = rating.spoiler ? true : nil
        row.datedAt = rating.ratedAt
        return row
    }

    static func row(_ item: KeptTitle, on shelf: Shelf, _ title: NamedTitle?) -> ImportedRow {
        let kind: ImportRowKind =
            switch shelf {
            case .watchlist: .watchlist
            case .collection: .collection
            case .likes: .like
            }
        var row = start(kind, title)
        row.datedAt = item.addedAt
        row.text = item.note
        row.media = item.media
        row.status = item.status == .planToWatch ? nil : item.status
        return row
    }

    static func row(_ progress: KeptProgress, _ title: NamedTitle?) -> ImportedRow {
        var row = start(.progress, title)
        row.datedAt = progress.at
        row.percent = progress.percent
        return row
    }

    static func row(_ item: ListItem, of list: TitleList, _ title: NamedTitle?) -> ImportedRow {
        var row = start(.listItem, title)
        row.datedAt = item.addedAt
        row.text = item.note
        row.rank = item.rank
        name(list, in: &row)
        return row
    }

    /// A list without titles.
    static func row(_ list: TitleList) -> ImportedRow {
        var row = ImportedRow(kind: .list, file: file, line: 0)
        name(list, in: &row)
        return row
    }

    private static func name(_ list: TitleList, in row: inout ImportedRow) {
        row.list = list.id.description
        row.listName = list.name
        row.listNote = list.description
        row.listMadeAt = list.createdAt
        row.listRanked = list.isRanked
    }

    /// A title that is no longer known cannot be identified; the row is only kept to be looked at.
    private static func start(_ kind: ImportRowKind, _ title: NamedTitle?) -> ImportedRow {
        ImportedRow(kind: title == nil ? .shown : kind, file: file, line: 0, title: title?.query)
    }
}
