import Contracts
import RPC
import Store

/// `scrobble.applyImport`: starts writing what the preview shows.
struct ApplyImport: Sendable {
    let store: ImportStore
    let worker: ImportWorker
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: ApplyImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        let found = try await asking { () throws(StoreError) in
            try await store.apply(
                params.import, of: params.user, as: BatchID(ids.next()), at: clock.now, until: context.deadline)
            return try await store.get(params.import, of: params.user, until: context.deadline)
        }
        worker.bell.ring()
        guard let found else { throw .importNotFound("there is no such import") }
        guard found.state == .applying || found.state == .applied else {
            throw .importNotReady("the import is \(found.state.rawValue)")
        }
        return found
    }
}
