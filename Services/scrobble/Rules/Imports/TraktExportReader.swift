package import Contracts
import JSON

/// Reads one file of Trakt's export: elements to rows. Tolerant: IDs may be null, absent or empty.
package struct TraktExportReader: Sendable {
    package let file: TraktExportFile
    private let path: String
    private var elements: ExportElements
    /// The names, notes and creation times of lists, by their number, as given in their headers.
    package var lists: [String: ListHeader]
    private var isLacking = false

    package struct ListHeader: Sendable, Hashable {
        package let name: String
        package let note: String?
        package let madeAt: Timestamp?
    }

    /// The number of lists whose headers are kept.
    private static let listsMax = 1_000

    package init(file: TraktExportFile, path: String, lists: [String: ListHeader] = [:], elementBytesMax: Int) {
        self.file = file
        self.path = path
        self.lists = lists
        elements = ExportElements(path: path, bytesMax: elementBytesMax)
    }

    /// Whether the export says that something is missing, or the file is truncated.
    package var isPartial: Bool { isLacking || elements.isCutShort }

    package mutating func feed(_ chunk: [UInt8], _ show: (ImportedRow) -> Void) throws(ImportFileFailure) {
        for (number, part) in elements.feed(chunk) { take(part, number, show) }
        try elements.endChunk()
    }

    package mutating func finish() throws(ImportFileFailure) { try elements.finish() }

    private mutating func take(_ part: JSONParts.Part, _ number: Int, _ show: (ImportedRow) -> Void) {
        guard case .element(let bytes) = part else { return show(elements.tooLarge(number, as: file.rowKind)) }
        guard let element = try? decodeJSON(JSONValue.self, from: bytes, unknownMembers: .tolerate) else {
            return show(elements.refused(number, as: file.rowKind, "the element is not JSON"))
        }
        var row = ImportedRow(kind: .shown, file: path, line: number)
        switch file {
        case .history: show(play(element, row))
        case .watchedMovies: show(watched(element, of: element["movie"], as: .movie, row))
        case .watchedShows: eachEpisode(element, row, show) { show(watched($0, as: $1)) }
        case .playback:
            fill(&row, element, .progress, date: "paused_at")
            row.percent = element["progress"].double.flatMap { $0 > 0 && $0 <= 100 ? $0 : nil }
            if row.percent == nil { row.problems = (row.problems ?? []) + ["the progress is not between 0 and 100"] }
            show(row)
        case .ratings:
            fill(&row, element, .rating, date: "rated_at")
            let value = element["rating"].int
            if let value, (1...10).contains(value) {
                row.rating = DecimalTenths(tenths: value * 10)
                row.given = GivenRating(value: DecimalTenths(tenths: value * 10), scale: .ten)
            } else {
                row.problems = (row.problems ?? []) + ["the rating is not 1 to 10"]
            }
            show(row)
        case .watchlist, .favourites:
            fill(&row, element, file == .watchlist ? .watchlist : .like, date: "listed_at")
            row.text = text(element["notes"])
            show(row)
        case .listHeaders: header(element, row, show)
        case .list(let id): show(listItem(element, id, row))
        case .comments: show(comment(element, row))
        case .collection: collected(element, row, show)
        case .errors:
            isLacking = true
            row.text = "\(element["endpoint"].string ?? ""): \(element["error"].string ?? "")"
            show(row)
        case .other: show(row)
        }
    }

    private func play(_ element: JSONValue, _ start: ImportedRow) -> ImportedRow {
        var row = start
        fill(&row, element, .play, date: nil)
        moment(element["watched_at"], &row)
        if let id = element["id"].int { row.key = String(id) }
        return row
    }

    private func watched(
        _ element: JSONValue, of item: JSONValue, as kind: TitleKind, _ start: ImportedRow
    ) -> ImportedRow {
        var row = start
        row.kind = .watched
        row.title = TraktExportItem.title(kind, item)
        moment(element["last_watched_at"], &row)
        check(&row)
        return row
    }

    private func watched(_ episode: JSONValue, as start: ImportedRow) -> ImportedRow {
        var row = start
        row.kind = .watched
        moment(episode["last_watched_at"], &row)
        check(&row)
        return row
    }

    /// Calls `show` for every episode of a show with nested seasons, with a row that names it. A show without episodes
    /// is only shown; so is an episode without its number.
    private func eachEpisode(
        _ element: JSONValue, _ start: ImportedRow, _ showBare: (ImportedRow) -> Void,
        _ show: (JSONValue, ImportedRow) -> Void
    ) {
        var bare = start
        bare.title = TraktExportItem.title(.series, element["show"])
        var count = 0
        for season in element["seasons"].array {
            for episode in season["episodes"].array {
                count += 1
                var row = start
                guard let seasonNumber = season["number"].int, let number = episode["number"].int else {
                    showBare(bare)
                    continue
                }
                row.title = TraktExportItem.episode(of: element["show"], season: seasonNumber, number: number)
                show(episode, row)
            }
        }
        if count == 0 { showBare(bare) }
    }

    private mutating func header(_ element: JSONValue, _ start: ImportedRow, _ show: (ImportedRow) -> Void) {
        var row = start
        row.listName = element["name"].string.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
        row.listNote = element["description"].string.map { String($0.prefix(5_000)) }
        if let id = element["ids"]["trakt"].int, let name = row.listName, lists.count < Self.listsMax {
            let madeAt = element["created_at"].string.flatMap { Timestamp($0) }
            lists[String(id)] = ListHeader(name: name, note: row.listNote, madeAt: madeAt)
        }
        show(row)
    }

    private func listItem(_ element: JSONValue, _ id: String, _ start: ImportedRow) -> ImportedRow {
        var row = start
        // Lists here hold no people.
        guard element["type"].string != "person" else {
            row.text = text(element["person"]["name"])
            return row
        }
        fill(&row, element, .listItem, date: "listed_at")
        row.text = text(element["notes"])
        row.list = id
        row.listName = lists[id]?.name ?? "List \(id)"
        row.listNote = lists[id]?.note
        row.listMadeAt = lists[id]?.madeAt
        row.rank = element["rank"].int.map { min(max($0, 0), 1_000_000) }
        return row
    }

    private func comment(_ element: JSONValue, _ start: ImportedRow) -> ImportedRow {
        var row = start
        // A comment on a list has no place here.
        guard element["type"].string != "list" else { return row }
        fill(&row, element, .review, date: nil)
        let comment = element["comment"]
        row.text = text(comment["comment"])
        row.spoiler = comment["spoiler"].bool
        row.datedAt = comment["created_at"].string.flatMap { Timestamp($0) }
        if let id = comment["id"].int { row.key = "comment \(id)" }
        if row.text == nil { row.problems = (row.problems ?? []) + ["the comment is empty"] }
        return row
    }

    private func collected(_ element: JSONValue, _ start: ImportedRow, _ show: (ImportedRow) -> Void) {
        if case .array = element["seasons"] {
            eachEpisode(element, start, show) { episode, named in
                var row = named
                row.kind = .collection
                row.datedAt = (episode["collected_at"].string ?? element["last_collected_at"].string)
                    .flatMap { Timestamp($0) }
                row.media = media(episode["metadata"])
                check(&row)
                show(row)
            }
        } else {
            var row = start
            fill(&row, element, .collection, date: "collected_at")
            row.media = media(element["metadata"])
            show(row)
        }
    }

    /// Returns the form in which it is owned; nil if nothing is said about it.
    private func media(_ value: JSONValue) -> MediaDetails? {
        func word(_ name: String, _ length: Int = 40) -> String? {
            value[name].string.flatMap { $0.isEmpty || $0.count > length ? nil : $0 }
        }
        let media = MediaDetails(
            mediaType: word("media_type"), resolution: word("resolution"), hdr: word("hdr"), audio: word("audio"),
            audioChannels: word("audio_channels", 10), is3d: value["3d"].bool)
        return media == MediaDetails() ? nil : media
    }

    private func fill(_ row: inout ImportedRow, _ element: JSONValue, _ kind: ImportRowKind, date: String?) {
        row.kind = kind
        row.title = TraktExportItem.title(of: element)
        if let date, let told = element[date].string, !told.isEmpty {
            row.datedAt = Timestamp(told)
            if row.datedAt == nil { row.problems = ["\(date): \(told.prefix(40)) \(ImportText.noDate)"] }
        }
        check(&row)
    }

    private func check(_ row: inout ImportedRow) {
        if row.title == nil { row.problems = (row.problems ?? []) + ["the element names no title"] }
    }

    /// Reads when it was watched; 1970 stands for "at some time".
    private func moment(_ value: JSONValue, _ row: inout ImportedRow) {
        guard let told = value.string, !told.isEmpty else { return }
        guard let at = Timestamp(told) else {
            row.problems = (row.problems ?? []) + ["watched at: \(told.prefix(40)) \(ImportText.noDate)"]
            return
        }
        guard at.microsecondsSinceEpoch >= 86_400_000_000 else { return }
        row.watchedAt = at
        row.precision = at.microsecondsSinceEpoch % 60_000_000 == 0 ? .minute : .second
    }

    private func text(_ value: JSONValue) -> String? {
        value.string.flatMap { $0.isEmpty ? nil : String($0.prefix(ImportText.charactersMax)) }
    }
}

/// Titles as Trakt writes them.
enum TraktExportItem {
    /// Returns the title of a row with its type, or of one that only has the item.
    static func title(of element: JSONValue) -> TitleQuery? {
        switch element["type"].string {
        case "movie": title(.movie, element["movie"])
        case "show": title(.series, element["show"])
        case "season":
            element["season"]["number"].int.map { season($0, of: element["show"], element["season"]) } ?? nil
        case "episode": episode(element)
        case nil:
            if case .object = element["episode"] {
                episode(element)
            } else if case .object = element["movie"] {
                title(.movie, element["movie"])
            } else if case .object = element["show"] {
                title(.series, element["show"])
            } else {
                nil
            }
        default: nil
        }
    }

    static func title(_ kind: TitleKind, _ item: JSONValue) -> TitleQuery? {
        let title = TitleQuery(kind: kind, ids: ids(item["ids"]), name: name(item), year: year(item))
        return title.ids == ExternalIds() && title.name == nil ? nil : title
    }

    static func episode(of show: JSONValue, season: Int, number: Int) -> TitleQuery? {
        guard let seasonNumber = bounded(season), let episodeNumber = bounded(number) else { return nil }
        return TitleQuery(
            kind: .episode, ids: ExternalIds(), seriesIds: ids(show["ids"]), seriesName: name(show),
            seriesYear: year(show), seasonNumber: seasonNumber, episodeNumber: episodeNumber)
    }

    private static func episode(_ element: JSONValue) -> TitleQuery? {
        let (item, show) = (element["episode"], element["show"])
        var title = TitleQuery(
            kind: .episode, ids: ids(item["ids"]), name: name(item), seriesIds: ids(show["ids"]),
            seriesName: name(show), seriesYear: year(show))
        title.seasonNumber = item["season"].int.flatMap(bounded)
        title.episodeNumber = item["number"].int.flatMap(bounded)
        let isPlaced = title.seasonNumber != nil && title.episodeNumber != nil
        return title.ids == ExternalIds() && !isPlaced ? nil : title
    }

    private static func season(_ number: Int, of show: JSONValue, _ item: JSONValue) -> TitleQuery? {
        bounded(number).map {
            TitleQuery(
                kind: .season, ids: ids(item["ids"]), seriesIds: ids(show["ids"]), seriesName: name(show),
                seriesYear: year(show), seasonNumber: $0)
        }
    }

    private static func bounded(_ number: Int) -> Int? { (0...100_000).contains(number) ? number : nil }

    private static func name(_ item: JSONValue) -> String? {
        item["title"].string.flatMap { $0.isEmpty ? nil : String($0.prefix(500)) }
    }

    private static func year(_ item: JSONValue) -> Int? {
        item["year"].int.flatMap { (1850...2200).contains($0) ? $0 : nil }
    }

    /// Returns the IDs; what is null, empty or not an ID is left out.
    private static func ids(_ value: JSONValue) -> ExternalIds {
        func number(_ name: String) -> Int? {
            value[name].int.flatMap { (1...9_007_199_254_740_991).contains($0) ? $0 : nil }
        }
        let imdb = value["imdb"].string.flatMap { id in
            id.hasPrefix("tt") && (9...12).contains(id.utf8.count)
                && id.utf8.dropFirst(2).allSatisfy { (48...57).contains($0) } ? id : nil
        }
        return ExternalIds(imdb: imdb, tmdb: number("tmdb"), tvdb: number("tvdb"), trakt: number("trakt"))
    }
}
