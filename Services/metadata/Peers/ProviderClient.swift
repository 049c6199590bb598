/// What Reelay asks of every outside provider.
package protocol ProviderClient: Sendable {
    var provider: ProviderID { get }

    /// Everything that the provider says of one title.
    ///
    /// Nil where the provider cannot be asked: nothing is known of the title that it understands.
    func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts?

    /// The same, where the provider said `kept` before: one that can tell answers in short that this is unchanged.
    func facts(_ subject: ProviderSubject, kept: ProviderFacts?) async throws(ProviderError) -> ProviderFacts?

    /// Titles of that kind whose name fits, best first; empty where none does. Throws where any part of it cannot be asked.
    func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts]

    /// The same for a person, who is shown what is found although a part of it cannot be asked.
    func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds
}

extension ProviderClient {
    package func facts(
        _ subject: ProviderSubject, kept: ProviderFacts?
    ) async throws(ProviderError) -> ProviderFacts? { try await facts(subject) }

    package func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds {
        ProviderFinds(try await search(query))
    }
}

/// Asking one provider, with its part in a refresh.
package struct ProviderReport: Sendable, Hashable {
    package let answer: ProviderAnswer
    package let facts: ProviderFacts?
    /// Set where the outcome is `quota`, `error` or, for a title that the provider does not have, `not_mapped`; of a search
    /// that found something, where a part of it failed.
    package let error: ProviderError?

    /// Asks and never throws.
    package init(asking client: some ProviderClient, about subject: ProviderSubject, kept: ProviderFacts? = nil) async {
        do throws(ProviderError) {
            let facts = try await client.facts(subject, kept: kept)
            error = nil
            self.facts = facts
            answer = ProviderAnswer(
                provider: client.provider, outcome: facts?.outcome ?? .notMapped, scores: facts?.scores ?? [])
        } catch {
            self.error = error
            facts = nil
            answer = ProviderAnswer(provider: client.provider, outcome: error.outcome)
        }
    }

    /// An answer.
    init(_ provider: ProviderID, facts: ProviderFacts) {
        self.facts = facts
        error = nil
        answer = ProviderAnswer(provider: provider, outcome: facts.outcome, scores: facts.scores)
    }

    /// What a search came to.
    init(_ provider: ProviderID, found: [ProviderFacts], error: ProviderError?) {
        facts = nil
        self.error = found.isEmpty || error != .notFound ? error : nil
        let outcome: ProviderOutcome = found.isEmpty ? error?.outcome ?? .notMapped : .noRating
        answer = ProviderAnswer(provider: provider, outcome: outcome)
    }

    /// Nothing was known that the provider understands.
    var isUnmapped: Bool { facts == nil && error == nil && answer.outcome == .notMapped }

    /// A provider that is switched off or has no key.
    package init(skipping provider: ProviderID) {
        answer = ProviderAnswer(provider: provider, outcome: .skipped)
        facts = nil
        error = nil
    }
}
