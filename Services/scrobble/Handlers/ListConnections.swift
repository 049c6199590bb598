import Contracts
import RPC
import Store

/// `scrobble.listConnections`: a person's accounts elsewhere, including those that are not connected.
struct ListConnections: Sendable {
    let store: ConnectionStore
    let available: Set<SyncProvider>

    /// The providers that can be kept in step.
    static let providers: [SyncProvider] = [.trakt, .simkl]

    func run(_ params: ListConnectionsParams, _ context: RPCContext) async throws(RPCError) -> ConnectionList {
        ConnectionList(connections: try await views(of: params.user, context))
    }

    func views(of user: UserID, _ context: RPCContext) async throws(RPCError) -> [ConnectionView] {
        let stored = try await asking { () throws(StoreError) in try await store.list(of: user, until: context.deadline)
        }
        let stops = try await asking { () throws(StoreError) in
            try await store.stops(of: user, until: context.deadline)
        }
        return Self.providers.map { provider in
            ConnectionView(
                provider, stored.first { $0.provider == provider }, stops.filter { $0.provider == provider },
                isAvailable: available.contains(provider))
        }
    }

    func view(of user: UserID, _ provider: SyncProvider, _ context: RPCContext) async throws(RPCError) -> ConnectionView
    {
        let all = try await views(of: user, context)
        return all.first { $0.provider == provider } ?? ConnectionView(provider, nil, [], isAvailable: false)
    }
}

extension ConnectionView {
    init(_ provider: SyncProvider, _ stored: StoredConnection?, _ stops: [FacetStop], isAvailable: Bool) {
        let state = stored?.state ?? .disconnected
        // Facets that were freed or switched off are no longer stopped.
        let stopped = stops.filter { stop in
            state != .disconnected && stop.retryAt != nil
                && (stored?.policies[stop.facet] ?? .off).direction != .off
        }
        self.init(
            provider: provider, isAvailable: isAvailable, state: state, reason: ConnectionWords.reason(state),
            remedy: ConnectionWords.remedy(state), retryAt: nil, enabled: stored?.isEnabled ?? false,
            scrobbleThresholdPercent: stored?.thresholdPercent ?? WatchThreshold.standard.percent,
            account: stored?.account, connectedAt: state == .disconnected ? nil : stored?.connectedAt,
            tokenExpiresAt: stored?.tokenExpiresAt,
            facets: SyncFacet.allCases.map { facet in
                let policy = stored?.policies[facet] ?? .off
                return FacetSettings(
                    facet: facet, direction: policy.direction, conflicts: policy.conflicts, deletes: policy.deletes)
            },
            stopped: stopped.isEmpty
                ? nil
                : stopped.sorted { $0.facet.rawValue < $1.facet.rawValue }.map { stop in
                    StoppedFacet(
                        facet: stop.facet, cause: stop.cause, reason: ConnectionWords.reason(stop.facet, stop.cause),
                        remedy: ConnectionWords.remedy(stop.cause), since: stop.since, retryAt: stop.retryAt)
                }, limits: ConnectionLimits.sentences(provider))
    }
}
