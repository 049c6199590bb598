import Contracts
import RPC
import Store

/// `metadata.searchTitles`: titles that a name may mean, stored ones first, then those that the providers find.
struct SearchTitles: Sendable {
    static let limitDefault = 20
    /// The most stored titles that are compared.
    private static let ownMax = 60
    /// The longest that all providers together may take.
    private static let askMax = Duration.seconds(6)

    let enricher: Enricher

    func run(_ params: SearchTitlesParams, _ context: RPCContext) async throws(RPCError) -> TitleSearch {
        let own = try await asking { () throws(StoreError) in
            try await enricher.store.search(
                SearchText.expression(params.query), keys: TitleKeys.keys(params.query), kind: params.kind,
                limit: Self.ownMax, until: context.deadline)
        }
        var found: [ProviderFacts] = []
        var asked: [AskedProvider] = []
        if params.hereOnly != true, params.kind != .season, params.kind != .episode {
            let kinds: [SubjectKind] = params.kind.map { [SubjectKind($0)] } ?? [.movie, .series]
            let turn = ProviderTurn(
                deadline: min(.now + Self.askMax, context.deadline - enricher.limits.storingReserve),
                isBackground: false)
            let answer = await enricher.providers.search(
                kinds.map { ProviderQuery(kind: $0, name: params.query, year: params.year) }, turn: turn)
            found = answer.found
            asked = answer.reports.map {
                AskedProvider(
                    provider: Provider($0.answer.provider), outcome: AskedOutcome($0.answer.outcome),
                    detail: $0.error?.detail)
            }
        }
        let ranking = SearchRanking(
            kind: params.kind.map { SubjectKind($0) }, name: params.query, year: params.year, own: own, found: found)
        return TitleSearch(
            candidates: Array(ranking.candidates.prefix(params.limit ?? Self.limitDefault)),
            accepted: ranking.accepted, asked: asked)
    }
}
