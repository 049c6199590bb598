import Contracts
import JSON
import Postgres
import Store

/// What replicas share about providers.
extension MetadataStore {
    /// Takes places on a provider's line; see `MetadataQueries.takePlaces`.
    func takePlaces(
        _ count: Int64, of provider: ProviderID, on line: PaceLine, waitMicroseconds: Int64, reserved: Int64,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> PlacesGranted {
        let rows = try await database.rows(
            MetadataQueries.takePlaces,
            [
                .text(provider.rawValue), .int8(count), .int8(line.stepMicroseconds), .int8(waitMicroseconds),
                .int8(line.dailyCallsMax), .int8(reserved),
            ], until: deadline)
        guard let granted = rows.first else { throw .fault("there is no row for \(provider.rawValue)") }
        return granted
    }

    /// Returns what is known of requests for an entry within `ProviderLimits.shelfTime`.
    func shelved(
        _ entry: String, at provider: ProviderID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ShelvedEntry {
        try await database.rows(MetadataQueries.shelved, Self.entry(entry, provider), until: deadline).first ?? .unasked
    }

    /// Claims the request for an entry; returns false if it was claimed within `ProviderLimits.shelfTime`.
    func claim(
        _ entry: String, at provider: ProviderID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(MetadataQueries.claimEntry, Self.entry(entry, provider), until: deadline).isEmpty
    }

    /// Stores the outcome of the request; nil for an entry that the provider does not have.
    func shelve(
        _ facts: ProviderFacts?, of entry: String, at provider: ProviderID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let json = facts.map { encodeJSON($0) } ?? Array("null".utf8)
        try await database.run(
            MetadataQueries.shelve, [.text(provider.rawValue), .text(entry), .jsonb(json)], until: deadline)
    }

    private static func entry(_ entry: String, _ provider: ProviderID) -> [PGValue] {
        [.text(provider.rawValue), .text(entry), .int8(ProviderLimits.shelfTime.milliseconds * 1_000)]
    }

    func noteFailure(
        _ standing: ProviderStanding, of provider: ProviderID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            MetadataQueries.noteFailure,
            [
                .text(provider.rawValue), .int4(Int32(clamping: standing.failures)), .text(standing.state.rawValue),
                .double(standing.untilMilliseconds.map { Double($0) }), .text(standing.reason),
            ], until: deadline)
    }

    func noteAnswer(of provider: ProviderID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(MetadataQueries.noteAnswer, [.text(provider.rawValue)], until: deadline)
    }

    /// Makes refused keys be tried again: they may have been changed.
    func forgetKeys(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(MetadataQueries.forgetKeys, [], until: deadline)
    }

    func health(until deadline: ContinuousClock.Instant) async throws(StoreError) -> [ProviderHealth] {
        try await database.rows(MetadataQueries.health, [], until: deadline)
    }
}
