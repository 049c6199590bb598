import Contracts
import JSON
import Postgres
package import Store

/// Titles in Postgres.
package struct MetadataStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// The title, or the one that it was merged into.
    func title(_ id: TitleID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Title? {
        try await database.rows(MetadataQueries.title, [.id(id)], until: deadline).first
    }

    /// The titles of those `ids` that are known, in no order.
    func titles(_ ids: [TitleID], until deadline: ContinuousClock.Instant) async throws(StoreError) -> [FoundTitle] {
        try await database.rows(MetadataQueries.titles, [.ids(ids)], until: deadline)
    }

    /// The title that the first known of `keys` means.
    func title(
        knownAs keys: [OutsideKey], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Title? {
        try await database.rows(
            MetadataQueries.titleKnownAs,
            [
                .textArray(keys.map(\.source)), .textArray(keys.map(\.kind.rawValue)), .textArray(keys.map(\.value)),
            ], until: deadline
        ).first
    }

    /// Stores a new title. Throws `conflict` where one of its outside ids belongs to another title by now.
    func insert(
        _ draft: TitleDraft, as id: TitleID, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Title {
        let title = Title(draft, id: id, at: now)
        try await database.run(
            MetadataQueries.insert,
            [
                .id(id), .word(title.kind), .text(title.name), .text(title.originalName), .int(title.year),
                .day(title.releaseDate), .text(title.overview), .int(title.runtimeMinutes),
                .textArray(title.genres), .text(title.certification), .text(title.posterUrl),
                .json(title.externalRatings), .double(title.voteAverage), .int(title.voteCount),
                .bool(title.isLocal), .moment(title.enrichedAt), .moment(now),
                .textArray(draft.keys.map(\.source)), .textArray(draft.keys.map(\.value)),
                .textArray(draft.outcomes.map(\.answer.provider.rawValue)),
                .textArray(draft.outcomes.map(\.answer.outcome.rawValue)),
            ], until: deadline)
        return title
    }

    /// Gives a title those of `keys` whose place it has no id of; a key that means another title stays there.
    func link(
        _ keys: [OutsideKey], to id: TitleID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            MetadataQueries.link,
            [.id(id), .textArray(keys.map(\.source)), .textArray(keys.map(\.value))], until: deadline)
    }
}

extension Title {
    /// The title that a draft becomes.
    init(_ draft: TitleDraft, id: TitleID, at now: Timestamp) {
        self.init(
            id: id, kind: draft.kind, name: draft.name, originalName: draft.originalName,
            year: draft.year, releaseDate: draft.releaseDate.flatMap(CalendarDate.init),
            overview: draft.overview, runtimeMinutes: draft.runtimeMinutes,
            genres: draft.genres, certification: draft.certification, posterUrl: draft.posterURL,
            externalIds: ExternalIds(draft.ids),
            externalRatings: draft.scores.map(ExternalRating.init), voteAverage: draft.votes?.average,
            voteCount: draft.votes.map { Int($0.count) }, enrichedAt: draft.isLocal ? nil : now, isLocal: draft.isLocal)
    }
}

extension CalendarDate {
    /// Nil where the day is not known.
    init?(_ date: PartialDate) {
        guard let month = date.month, let day = date.day else { return nil }
        self.init(year: date.year, month: month, day: day)
    }
}
