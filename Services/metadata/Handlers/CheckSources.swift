import Contracts
import RPC
import Store

/// `metadata.checkSources`: the health of the providers, as seen by all replicas together.
struct CheckSources: Sendable {
    let enricher: Enricher

    func run(_ params: CheckSourcesParams, _ context: RPCContext) async throws(RPCError) -> SourcesHealth {
        let (rows, due) = try await asking { () throws(StoreError) in
            let rows = try await enricher.store.health(until: context.deadline)
            guard params.provider == nil else { return (rows, Int?.none) }
            return (rows, Optional(try await enricher.store.dueCount(until: context.deadline)))
        }
        let healths = Dictionary(rows.map { ($0.provider, $0) }) { first, _ in first }
        let on = Set(enricher.providers.providers)
        let now = enricher.clock.now
        let wanted = params.provider.map { ProviderID($0) }
        return SourcesHealth(
            sources: ProviderID.allCases.filter { wanted == nil || wanted == $0 }.map { provider in
                on.contains(provider)
                    ? Self.health(.of(provider), healths[provider.rawValue], now)
                    : SourceHealth(
                        provider: Provider(provider), name: ProviderProfile.of(provider).name, state: .off,
                        reason: "It is switched off or lacks a key.")
            }, due: due)
    }

    private static func health(_ profile: ProviderProfile, _ row: ProviderHealth?, _ now: Timestamp) -> SourceHealth {
        let standing = row?.standing ?? ProviderStanding()
        let isOpen = standing.isOpen(at: now.microsecondsSinceEpoch / 1_000)
        let state: SourceState =
            switch standing.state {
            case _ where isOpen: .serving
            case .serving: .serving
            case .resting: .resting
            case .quota: .quota
            case .keyRejected: .keyRejected
            }
        return SourceHealth(
            provider: Provider(profile.provider), name: profile.name, state: state,
            reason: isOpen ? nil : standing.reason,
            until: isOpen
                ? nil
                : standing.untilMilliseconds.map { Timestamp(clampingMicrosecondsSinceEpoch: $0 * 1_000) },
            answeredAt: row?.answeredAt, failedAt: row?.failedAt,
            callsToday: profile.pace.dailyCallsMax == nil ? nil : row?.callsToday)
    }
}
