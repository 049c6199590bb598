/// What Reelay asks of every outside provider.
package protocol ProviderClient: Sendable {
    var provider: ProviderID { get }

    /// Returns everything that the provider says of one title.
    ///
    /// Nil if the provider cannot be asked: nothing that it understands is known of the title.
    func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts?

    /// Returns the same, given what the provider said before (`kept`); some can answer briefly that this is unchanged.
    func facts(_ subject: ProviderSubject, kept: ProviderFacts?) async throws(ProviderError) -> ProviderFacts?

    /// Returns titles of that kind whose name fits, best first; empty if none does. Throws if any part cannot be asked.
    func search(_ query: ProviderQuery) async throws(ProviderError) -> [ProviderFacts]

    /// Returns the same for a person, who is shown what is found even if a part of the search cannot be asked.
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

/// The report of asking one provider, with its part in a refresh.
package struct ProviderReport: Sendable, Hashable {
    package let answer: ProviderAnswer
    package let facts: ProviderFacts?
    /// Set if the outcome is `quota`, `error` or, for a title that the provider does not have, `not_mapped`; also for a
    /// search that found something while a part of it failed.
    package let error: ProviderError?

    /// Asks the client; never throws.
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

    /// Creates the report of an answer.
    init(_ provider: ProviderID, facts: ProviderFacts) {
        self.facts = facts
        error = nil
        answer = ProviderAnswer(provider: provider, outcome: facts.outcome, scores: facts.scores)
    }

    /// Creates the report of a search.
    init(_ provider: ProviderID, found: [ProviderFacts], error: ProviderError?) {
        facts = nil
        self.error = found.isEmpty || error != .notFound ? error : nil
        let outcome: ProviderOutcome = found.isEmpty ? error?.outcome ?? .notMapped : .noRating
        answer = ProviderAnswer(provider: provider, outcome: outcome)
    }

    /// Whether nothing was known that the provider understands.
    var isUnmapped: Bool { facts == nil && error == nil && answer.outcome == .notMapped }

    /// Creates the report of a provider that is switched off or has no key.
    package init(skipping provider: ProviderID) {
        answer = ProviderAnswer(provider: provider, outcome: .skipped)
        facts = nil
        error = nil
    }
}
