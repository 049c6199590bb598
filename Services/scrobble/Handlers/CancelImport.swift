import Contracts
import RPC
import Store

/// `scrobble.cancelImport`: cancels an import before any of it is written.
struct CancelImport: Sendable {
    let store: ImportStore
    let clock: any WallClock

    func run(_ params: CancelImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        let found = try await asking { () throws(StoreError) in
            try await store.cancel(params.import, of: params.user, at: clock.now, until: context.deadline)
            return try await store.get(params.import, of: params.user, until: context.deadline)
        }
        guard let found else { throw .importNotFound("there is no such import") }
        guard found.state == .cancelled || found.state == .failed else {
            throw .importNotReady("the import is \(found.state.rawValue); undo its batch to take back what was written")
        }
        return found
    }
}
