import Contracts
import RPC
import Store

/// `ratings.applyRedirects`: re-keys everything of merged titles; repeating it changes nothing more.
struct ApplyRedirects: Sendable {
    let store: RatingsStore
    let clock: any WallClock

    func run(_ params: ApplyRedirectsParams, _ context: RPCContext) async throws(RPCError) -> AppliedRedirects {
        let moves = params.redirects.filter { $0.from != $0.to }
        guard !moves.isEmpty else { return AppliedRedirects(moved: 0, met: 0, done: true) }
        let titles = moves.map(\.from)
        return try await asking { () throws(StoreError) in
            try await store.recordMerges(moves, until: context.deadline)
            var outcome = AppliedRedirects(moved: 0, met: 0, done: false)
            for _ in 0..<RatingsLimits.sweepStatementsMax {
                // None moved does not mean none left: another call may have been working on the same ratings.
                guard try await store.isLeftBehind(titles, until: context.deadline) else {
                    outcome.done = true
                    break
                }
                let moved = try await store.moveRatings(
                    from: titles, many: RatingsLimits.sweepRowsMax, at: clock.now, until: context.deadline)
                outcome.moved += moved.count
                outcome.met += moved.met
            }
            return outcome
        }
    }
}
