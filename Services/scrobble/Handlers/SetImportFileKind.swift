import Contracts
import RPC
import Store

/// `scrobble.setImportFileKind`: says what an ambiguous file is.
struct SetImportFileKind: Sendable {
    let store: ImportStore
    let worker: ImportWorker
    let clock: any WallClock

    func run(_ params: SetImportFileKindParams, _ context: RPCContext) async throws(RPCError) -> ImportFileKindSet {
        let found = try await asking { () throws(StoreError) in
            try await store.get(params.import, of: params.user, until: context.deadline)
        }
        guard found != nil else { throw .importNotFound("there is no such import") }
        let changed = try await asking { () throws(StoreError) in
            try await store.set(
                params.kind, of: params.name, params.import, of: params.user, at: clock.now, until: context.deadline)
        }
        if changed { worker.bell.ring() }
        return ImportFileKindSet(changed: changed)
    }
}
