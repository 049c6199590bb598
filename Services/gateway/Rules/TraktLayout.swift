import Contracts
import JSON

/// The rows of Trakt's own export, for its readers; what they cannot hold is in `reelay.json` beside it.
enum TraktLayout {
    /// Returns the word for a kind in the names of files of ratings, comments and the collection.
    static func plural(_ kind: TitleKind) -> String {
        switch kind {
        case .movie: "movies"
        case .series: "shows"
        case .season: "seasons"
        case .episode: "episodes"
        }
    }

    static func history(_ play: PlayRecord, _ title: NamedTitle) -> JSONValue {
        row(
            [
                ("id", .number(JSONNumber(number(play.id)))), ("watched_at", .string(watchedAt(play))),
                ("action", .string("watch")),
            ], title)
    }

    static func rating(_ rating: Rating, _ title: NamedTitle) -> JSONValue {
        row(
            [
                ("rated_at", .string(rating.ratedAt.description)),
                ("rating", .number(JSONNumber(min(10, max(1, (rating.rating.tenths + 5) / 10))))),
            ], title)
    }

    /// Nil for a rating without a review.
    static func comment(_ rating: Rating, _ title: NamedTitle) -> JSONValue? {
        guard let review = rating.review else { return nil }
        let comment: [(name: String, value: JSONValue)] = [
            ("id", .number(JSONNumber(number(rating.title)))), ("comment", .string(review)),
            ("spoiler", .bool(rating.spoiler)), ("review", .bool(true)),
            ("created_at", .string(rating.ratedAt.description)), ("updated_at", .string(rating.updatedAt.description)),
        ]
        return row([("comment", .object(JSONObject(comment)))], title)
    }

    static func listed(_ item: KeptTitle, rank: Int, _ title: NamedTitle) -> JSONValue {
        row(
            [
                ("rank", .number(JSONNumber(rank))), ("id", .number(JSONNumber(number(item.title)))),
                ("listed_at", .string(item.addedAt.description)), ("notes", item.note.map(JSONValue.string) ?? .null),
            ], title)
    }

    static func listed(_ item: ListItem, _ title: NamedTitle) -> JSONValue {
        row(
            [
                ("rank", .number(JSONNumber(item.rank))), ("id", .number(JSONNumber(number(item.title)))),
                ("listed_at", .string(item.addedAt.description)), ("notes", item.note.map(JSONValue.string) ?? .null),
            ], title)
    }

    static func collected(_ item: KeptTitle, _ title: NamedTitle) -> JSONValue {
        var members: [(name: String, value: JSONValue)] = [("collected_at", .string(item.addedAt.description))]
        if let media = item.media {
            func word(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
            members.append(
                (
                    "metadata",
                    .object(
                        JSONObject([
                            ("media_type", word(media.mediaType)), ("resolution", word(media.resolution)),
                            ("hdr", word(media.hdr)), ("audio", word(media.audio)),
                            ("audio_channels", word(media.audioChannels)),
                            ("3d", media.is3d.map(JSONValue.bool) ?? .null),
                        ]))
                ))
        }
        return row(members, title)
    }

    static func paused(_ item: KeptProgress, _ title: NamedTitle) -> JSONValue {
        row(
            [
                ("id", .number(JSONNumber(number(item.title)))), ("progress", .number(JSONNumber(item.percent))),
                ("paused_at", .string(item.at.description)),
            ], title)
    }

    static func header(_ list: TitleList) -> JSONValue {
        .object(
            JSONObject([
                ("name", .string(list.name)), ("description", list.description.map(JSONValue.string) ?? .null),
                ("privacy", .string("private")), ("created_at", .string(list.createdAt.description)),
                ("updated_at", .string(list.updatedAt.description)),
                ("item_count", .number(JSONNumber(list.itemCount))),
                (
                    "ids",
                    .object(
                        JSONObject([("trakt", .number(JSONNumber(number(list.id)))), ("slug", .string(slug(list)))]))
                ),
            ]))
    }

    /// Returns the file name of a list; the number links it to the list's header.
    static func file(of list: TitleList) -> String { "lists-list-\(number(list.id))-\(slug(list)).json" }

    // MARK: Parts

    private static func row(_ members: [(name: String, value: JSONValue)], _ named: NamedTitle) -> JSONValue {
        let title = named.title
        let own: [(name: String, value: JSONValue)] =
            switch title.kind {
            case .movie: [("type", .string("movie")), ("movie", item(title))]
            case .series: [("type", .string("show")), ("show", item(title))]
            case .season: [("type", .string("season")), ("season", part(title)), ("show", series(named))]
            case .episode: [("type", .string("episode")), ("episode", part(title)), ("show", series(named))]
            }
        return .object(JSONObject(members + own))
    }

    private static func series(_ named: NamedTitle) -> JSONValue { named.series.map(item) ?? .null }

    private static func item(_ title: Title) -> JSONValue {
        .object(
            JSONObject([
                ("title", .string(title.name)), ("year", title.year.map { .number(JSONNumber($0)) } ?? .null),
                ("ids", ids(title)),
            ]))
    }

    private static func part(_ title: Title) -> JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .number(JSONNumber($0)) } ?? .null }
        let place: [(name: String, value: JSONValue)] =
            title.kind == .season
            ? [("number", number(title.seasonNumber))]
            : [("season", number(title.seasonNumber)), ("number", number(title.episodeNumber))]
        return .object(JSONObject(place + [("title", .string(title.name)), ("ids", ids(title))]))
    }

    private static func ids(_ title: Title) -> JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .number(JSONNumber($0)) } ?? .null }
        let ids = title.externalIds
        return .object(
            JSONObject([
                ("trakt", number(ids.trakt)), ("imdb", ids.imdb.map(JSONValue.string) ?? .null),
                ("tmdb", number(ids.tmdb)), ("tvdb", number(ids.tvdb)),
            ]))
    }

    /// Trakt has instants only: noon of a day, 1970 for "at some time".
    private static func watchedAt(_ play: PlayRecord) -> String {
        if let at = play.watchedAt { return at.description }
        return play.watchedOn.map { "\($0)T12:00:00Z" } ?? "1970-01-01T00:00:00Z"
    }

    /// Returns a number that stands for an id and is the same in every export, within the range that is safe in JSON.
    private static func number(_ id: some UUIDIdentifier) -> Int { Int(id.uuid.low & 0x000f_ffff_ffff_ffff) }

    private static func slug(_ list: TitleList) -> String {
        let letters = list.name.lowercased().unicodeScalars.prefix(slugMax).map { scalar -> Character in
            scalar.properties.isAlphabetic && scalar.isASCII || ("0"..."9").contains(scalar) ? Character(scalar) : "-"
        }
        return String(letters)
    }

    private static let slugMax = 60
}
