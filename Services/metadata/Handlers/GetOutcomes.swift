import Contracts
import RPC
import Store

/// `metadata.getOutcomes`: how each provider last answered for a title, and why scores are missing. Throws `wrongKind`
/// if a kind is given and the title is of another.
struct GetOutcomes: Sendable {
    let enricher: Enricher

    func run(_ params: GetOutcomesParams, _ context: RPCContext) async throws(RPCError) -> TitleOutcomes {
        let record = try await asking { () throws(StoreError) in
            try await enricher.store.record(params.title, until: context.deadline)
        }
        guard let record else { throw .titleNotFound("no title has this id") }
        try record.title.checked(params.kind)
        let wanted = params.provider.map { ProviderID($0) }
        let outcomes = ProviderID.allCases.compactMap { provider -> AskedProvider? in
            guard wanted == nil || wanted == provider else { return nil }
            return record.outcomes[provider].map { AskedProvider(provider, $0) }
        }
        let missing = MissingScores(
            kind: SubjectKind(record.title.kind), scores: record.scores, outcomes: record.outcomes,
            profiles: ProviderID.allCases.map(ProviderProfile.of))
        let shown = missing.missing.filter { wanted.map($0.providers.contains) ?? true }.map { missing in
            MissingScore(
                source: RatingSource(missing.source), name: missing.source.name, reason: missing.reason,
                asked: missing.providers.compactMap { provider in
                    record.outcomes[provider].map { AskedProvider(provider, $0) }
                })
        }
        return TitleOutcomes(title: record.title.id, outcomes: outcomes, missing: shown)
    }
}

extension Title {
    /// Throws `wrongKind` if a kind is expected and the title is of another.
    func checked(_ expected: TitleKind?) throws(RPCError) {
        guard let expected, expected != kind else { return }
        throw .wrongKind("this is a \(kind.rawValue), not a \(expected.rawValue)")
    }
}

extension AskedProvider {
    init(_ provider: ProviderID, _ kept: KeptOutcome) {
        self.init(
            provider: Provider(provider), outcome: AskedOutcome(kept.outcome), detail: kept.detail,
            askedAt: Timestamp(clampingMicrosecondsSinceEpoch: kept.askedAtMilliseconds * 1_000),
            nextAt: kept.nextAtMilliseconds.map { Timestamp(clampingMicrosecondsSinceEpoch: $0 * 1_000) })
    }
}
