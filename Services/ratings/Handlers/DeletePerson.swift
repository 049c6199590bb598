import Contracts
import RPC
import Store

/// `ratings.deletePerson`: removes everything of a person and refuses late writes; calling it again resumes it.
struct DeletePerson: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: DeletePersonParams, _ context: RPCContext) async throws(RPCError) -> RemovedRatings {
        let user = params.user
        return try await asking { () throws(StoreError) in
            try await store.bury(user, at: clock.now, until: context.deadline)
            var removed = 0
            for _ in 0..<RatingsLimits.sweepStatementsMax {
                let count = try await store.forgetRatings(
                    of: user, many: RatingsLimits.sweepRowsMax, until: context.deadline)
                removed += count
                if count == RatingsLimits.sweepRowsMax { continue }
                let events = try await store.forgetEvents(
                    of: user, many: RatingsLimits.sweepRowsMax, until: context.deadline)
                if events == RatingsLimits.sweepRowsMax { continue }
                try await store.forgetPerson(user, until: context.deadline)
                return RemovedRatings(removed: removed, done: true)
            }
            return RemovedRatings(removed: removed, done: false)
        }
    }
}
