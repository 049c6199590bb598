import Contracts
import RPC
import Store

/// `scrobble.createImport`: begins an import of files.
struct CreateImport: Sendable {
    let store: ImportStore
    let ledger: LedgerStore
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: CreateImportParams, _ context: RPCContext) async throws(RPCError) -> Import {
        let timeZone = params.timeZone ?? "UTC"
        let made: Import?
        do throws(StoreError) {
            // Rejects an unknown time zone now, rather than in the middle of the work.
            _ = try await ledger.days(of: [clock.now], in: timeZone, until: context.deadline)
            made = try await store.create(
                ImportID(ids.next()), of: params.user, timeZone: timeZone, at: clock.now, until: context.deadline)
        } catch {
            switch error {
            case .conflict(constraint: "person_deleted"): throw .userNotFound("this account was deleted")
            case .invalidValue: throw .unknownTimeZone("the time zone \(timeZone) is unknown")
            default: throw error.asRPCError
            }
        }
        guard let made else {
            throw .tooMany("\(store.limits.openMax) imports are open; apply or cancel one first")
        }
        return made
    }
}
