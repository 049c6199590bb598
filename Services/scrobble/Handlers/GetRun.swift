import Contracts
import RPC
import Store

/// `scrobble.getRun`: a sync run with its plan and the outcome of each change.
struct GetRun: Sendable {
    static let limitDefault = 100

    let store: SyncStore

    func run(_ params: GetRunParams, _ context: RPCContext) async throws(RPCError) -> SyncRunDetail {
        let limit = params.limit ?? Self.limitDefault
        let (runs, changes) = try await asking { () throws(StoreError) in
            try await store.settleQueued(of: params.user, until: context.deadline)
            let runs = try await store.runs(
                of: params.user, params.run, after: .newest, limit: 1, until: context.deadline)
            let changes = try await store.changes(
                of: params.run, by: params.user, after: (params.position ?? 0) - 1, planned: nil, limit: limit + 1,
                until: context.deadline)
            return (runs, changes)
        }
        let page = changes.prefix(limit)
        return SyncRunDetail(
            runs: runs, items: page.map(SyncItem.init),
            nextPosition: changes.count > limit ? page.last.map { $0.position + 1 } : nil)
    }
}

extension SyncItem {
    init(_ change: SyncChange) {
        self.init(
            position: change.position, facet: change.facet, side: change.side, title: change.title, kind: change.kind,
            was: change.was, becomes: change.becomes, at: change.at, state: SyncItemState(change.state),
            reason: change.reason)
    }
}

extension SyncItemState {
    init(_ state: SyncChange.State) {
        switch state {
        case .planned: self = .planned
        case .queued: self = .queued
        case .done: self = .done
        case .skipped: self = .skipped
        case .failed: self = .failed
        case .held: self = .held
        case .dry: self = .dry
        case .undone: self = .undone
        }
    }
}
