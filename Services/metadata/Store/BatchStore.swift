import Contracts
import Postgres
import Store

/// Operations on many titles at once.
extension MetadataStore {
    func references(
        knownAs keys: [BatchResolution.Key], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [FoundReference] {
        try await database.rows(
            MetadataQueries.knownAs,
            [.intArray(keys.map(\.query))] + Self.columns(of: keys.map(\.key)), until: deadline)
    }

    func references(
        named names: [BatchResolution.Name], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [NamedReference] {
        let rows = names.flatMap { name in TitleKeys.keys(name.name).map { (name, $0) } }
        return try await database.rows(
            MetadataQueries.named,
            [
                .intArray(rows.map(\.0.query)), .textArray(rows.map(\.0.kind.rawValue)), .textArray(rows.map(\.1)),
            ], until: deadline)
    }

    func references(
        numbered numbers: [BatchResolution.Number], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [FoundReference] {
        let keys = numbers.flatMap { number in number.seriesKeys.map { (number.query, $0) } }
        return try await database.rows(
            MetadataQueries.knownByNumber,
            [
                .intArray(keys.map(\.0)), .textArray(keys.map(\.1.source)), .textArray(keys.map(\.1.value)),
                .intArray(numbers.map(\.query)),
                .uuidArray(numbers.map { $0.series.map { PGUUID(high: $0.uuid.high, low: $0.uuid.low) } }),
                .textArray(numbers.map(\.kind.rawValue)), .int4Array(numbers.map { Int32(clamping: $0.season) }),
                .int4Array(numbers.map { Int32(clamping: $0.episode ?? -1) }),
            ], until: deadline)
    }

    /// Creates local titles, all or none. Throws `conflict` if an id or a number already belongs to a title.
    func create(
        _ titles: LocalTitles, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let locals = titles.locals
        guard !locals.isEmpty else { return }
        let keys = titles.keys
        let named = locals.filter { $0.wanted.name != nil && ($0.wanted.kind == .movie || $0.wanted.kind == .series) }
        let nameKeys = named.flatMap { local in
            TitleKeys.keys(local.wanted.provisionalName).map { (local.id, $0) }
        }
        try await database.run(
            MetadataQueries.insertLocals,
            [
                .ids(locals.map(\.id)), .textArray(locals.map(\.wanted.kind.rawValue)),
                .uuidArray(locals.map { $0.wanted.series.map { PGUUID(high: $0.uuid.high, low: $0.uuid.low) } }),
                .int4Array(locals.map { $0.wanted.seasonNumber.map { Int32(clamping: $0) } }),
                .int4Array(locals.map { $0.wanted.episodeNumber.map { Int32(clamping: $0) } }),
                .textArray(locals.map(\.wanted.provisionalName)),
                .int4Array(locals.map { $0.wanted.year.map { Int32(clamping: $0) } }), .moment(now),
                .ids(keys.map(\.title)), .textArray(keys.map(\.key.source)), .textArray(keys.map(\.key.value)),
                .ids(named.map(\.id)), .textArray(named.map(\.wanted.provisionalName)),
                .textArray(named.map { NameWords.words($0.wanted.provisionalName) }), .ids(nameKeys.map(\.0)),
                .textArray(nameKeys.map(\.1)),
            ], until: deadline)
    }
}
