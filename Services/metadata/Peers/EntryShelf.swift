import Store

/// What a provider said of its entries within the last day, for one that must not be asked twice a day; shared by all
/// replicas, over restarts.
package protocol EntryShelf: Sendable {
    func find(_ entry: String) async -> ShelvedEntry

    /// Takes the day's one question; false where somebody has it.
    func claim(_ entry: String) async -> Bool

    /// Keeps what came of it; nil for an entry that the provider does not have.
    func keep(_ facts: ProviderFacts?, of entry: String) async
}

/// What is known of asking for an entry today.
package enum ShelvedEntry: Sendable, Hashable {
    case told(ProviderFacts)
    case absent
    /// Asked for without an answer, or just being asked for.
    case asked
    case unasked
}

/// The shelf in Postgres. Where the database is away nothing is asked: who cannot know must not try.
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
