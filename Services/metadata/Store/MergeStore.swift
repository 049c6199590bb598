import Contracts
import Postgres
import Store

extension MetadataStore {
    /// Returns the titles that have some of `keys`, and the title `own`, each with all its keys.
    func holders(
        of keys: [OutsideKey], own: TitleID?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KeyHolder] {
        try await database.rows(
            MetadataQueries.holders, Self.columns(of: keys) + [.id(own)], until: deadline)
    }

    /// Merges `goes` into `stays`, with their seasons and episodes, all or nothing. If one of them has already been
    /// merged, nothing happens, or `conflict` is thrown: then the caller has to look again.
    func merge(
        _ goes: TitleID, into stays: TitleID, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(MetadataQueries.lockMerges)
            try await transaction.execute(MetadataQueries.lockTitles, [.id(stays), .id(goes)])
            var pairs = try await transaction.query(MetadataQueries.twinChildren, [.id(stays), .id(goes)])
            pairs.append(TitlePair(stays: stays, goes: goes))
            for pair in pairs {
                for step in MetadataQueries.mergeSteps {
                    try await transaction.execute(step, [.id(pair.stays), .id(pair.goes), .moment(now)])
                }
            }
        }
    }
}
