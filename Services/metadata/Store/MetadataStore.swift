import Contracts
import JSON
import Postgres
package import Store

/// The titles in Postgres.
package struct MetadataStore: Sendable {
    let database: Database

    package init(database: Database) { self.database = database }

    /// Returns the title, or the one that it was merged into.
    func title(_ id: TitleID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StoredTitle? {
        try await database.rows(MetadataQueries.title, [.id(id)], until: deadline).first
    }

    /// Returns the titles of those `ids` that are known, in no particular order.
    func titles(_ ids: [TitleID], until deadline: ContinuousClock.Instant) async throws(StoreError) -> [FoundTitle] {
        try await database.rows(MetadataQueries.titles, [.ids(ids)], until: deadline)
    }

    /// A title that was looked up.
    struct LookedUp: Sendable {
        /// The version of everything in the database (`Database.versionSQL`).
        let data: String
        let found: VersionedTitle
    }

    /// Returns the titles of `wanted` with their versions; those whose version is already known come without anything
    /// else.
    func titles(
        since wanted: [KnownTitle], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [LookedUp] {
        try await database.rows(
            MetadataQueries.titlesSince, [.ids(wanted.map(\.title)), .textArray(wanted.map(\.known))], until: deadline)
    }

    /// Returns the title of the first known of `keys`.
    func title(knownAs keys: [OutsideKey], until deadline: ContinuousClock.Instant) async throws(StoreError) -> Title? {
        guard !keys.isEmpty else { return nil }
        return try await database.rows(MetadataQueries.titleKnownAs, Self.columns(of: keys), until: deadline).first
    }

    /// Returns a season or an episode of a series by its number.
    func title(
        of series: TitleID, _ kind: TitleKind, season: Int, episode: Int?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Title? {
        try await database.rows(
            MetadataQueries.numbered, [.id(series), .word(kind), .int(season), .int(episode ?? -1)], until: deadline
        ).first
    }

    /// Returns the children of a series (its seasons) or of a season (its episodes) whose numbers are above `after`.
    func children(
        of parent: Title, after: Int, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Title] {
        let isSeason = parent.kind == .season
        return try await database.rows(
            MetadataQueries.children,
            [
                .id(isSeason ? parent.series : parent.id), .word(isSeason ? TitleKind.episode : .season),
                .int(isSeason ? parent.seasonNumber : nil), .int(after), .int(limit),
            ], until: deadline)
    }

    /// Returns films and series that a name may mean: with all words of `expression` (a tsquery), or one of the keys.
    func search(
        _ expression: String, keys: [String], kind: TitleKind?, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [NamedTitle] {
        try await database.rows(
            MetadataQueries.searched, [.text(expression), .textArray(keys), .text(kind?.rawValue), .int(limit)],
            until: deadline)
    }

    /// Returns the changes of scores with numbers below `before`, latest first.
    func history(
        of title: TitleID, source: RatingSource?, before: Int, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [NumberedChange] {
        try await database.rows(
            MetadataQueries.history, [.id(title), .text(source?.rawValue), .int(before), .int(limit)], until: deadline)
    }

    func redirects(
        after number: Int, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [TitleRedirect] {
        try await database.rows(MetadataQueries.redirects, [.int(number), .int(limit)], until: deadline)
    }

    static func columns(of keys: [OutsideKey]) -> [PGValue] {
        [.textArray(keys.map(\.source)), .textArray(keys.map(\.kind.rawValue)), .textArray(keys.map(\.value))]
    }
}
