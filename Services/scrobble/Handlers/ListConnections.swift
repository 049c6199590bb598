import Contracts
import RPC
import Store

/// `scrobble.listConnections`: a person's accounts elsewhere, those that are not connected included.
struct ListConnections: Sendable {
    let store: ConnectionStore
    let available: Set<SyncProvider>

    /// Who can be kept in step at all.
    static let providers: [SyncProvider] = [.trakt, .simkl]

    func run(_ params: ListConnectionsParams, _ context: RPCContext) async throws(RPCError) -> ConnectionList {
        ConnectionList(connections: try await views(of: params.user, context))
    }

    func views(of user: UserID, _ context: RPCContext) async throws(RPCError) -> [ConnectionView] {
        let stored = try await asking { () throws(StoreError) in try await store.list(of: user, until: context.deadline)
        }
        return Self.providers.map { provider in
            ConnectionView(
                provider, stored.first { $0.provider == provider }, isAvailable: available.contains(provider))
        }
    }

    func view(of user: UserID, _ provider: SyncProvider, _ context: RPCContext) async throws(RPCError) -> ConnectionView
    {
        let stored = try await asking { () throws(StoreError) in try await store.list(of: user, until: context.deadline)
        }
        return ConnectionView(
            provider, stored.first { $0.provider == provider }, isAvailable: available.contains(provider))
    }
}

extension ConnectionView {
    init(_ provider: SyncProvider, _ stored: StoredConnection?, isAvailable: Bool) {
        let state = stored?.state ?? .disconnected
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
            }, limits: ConnectionLimits.sentences(provider))
    }
}
