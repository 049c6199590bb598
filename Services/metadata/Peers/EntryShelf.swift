import Store

/// What a provider said of its entries within the last day, for one that must not be asked twice a day; shared by all
/// replicas and kept across restarts.
package protocol EntryShelf: Sendable {
    func find(_ entry: String) async -> ShelvedEntry

    /// Claims the day's one request for the entry; returns false if somebody has it.
    func claim(_ entry: String) async -> Bool

    /// Stores the outcome of the request; nil for an entry that the provider does not have.
    func keep(_ facts: ProviderFacts?, of entry: String) async
}

/// What is known of today's request for an entry.
package enum ShelvedEntry: Sendable, Hashable {
    case told(ProviderFacts)
    case absent
    /// Requested without an answer, or being requested now.
    case asked
    case unasked
}

/// A shelf in Postgres. If the database is unreachable, nothing is asked: the entry may have been asked for already.
struct StoredShelf: EntryShelf {
    private static let timeout = Duration.seconds(5)

    let provider: ProviderID
    let store: MetadataStore

    func find(_ entry: String) async -> ShelvedEntry {
        (try? await store.shelved(entry, at: provider, until: .now + Self.timeout)) ?? .asked
    }

    func claim(_ entry: String) async -> Bool {
        (try? await store.claim(entry, at: provider, until: .now + Self.timeout)) ?? false
    }

    func keep(_ facts: ProviderFacts?, of entry: String) async {
        try? await store.shelve(facts, of: entry, at: provider, until: .now + Self.timeout)
    }
}
