import Contracts
import RPC
import Store

/// `scrobble.unmarkWatched`: removes every play of a title, or of all episodes of a show or a season.
struct UnmarkWatched: Sendable {
    let desk: WatchDesk
    let queue: QueueWorker

    func run(_ params: UnmarkWatchedParams, _ context: RPCContext) async throws(RPCError) -> WatchedChange {
        let title = try await desk.title(params.title, params.kind, context)
        var titles = [title.id]
        if title.kind == .series || title.kind == .season {
            titles = try await desk.episodes(of: title, params.user, context).filter { $0.plays > 0 }.map(\.title)
        }
        let named = titles
        let plays = try await asking { () throws(StoreError) in
            try await desk.watch.plays(of: named, by: params.user, until: context.deadline)
        }
        var removed = 0
        for start in stride(from: 0, to: plays.count, by: LedgerLimits.itemsMax) {
            let some = Array(plays[start..<min(start + LedgerLimits.itemsMax, plays.count)])
            removed += try await asking { () throws(StoreError) in
                try await desk.ledger.remove(
                    some, by: .person(params.user, at: desk.clock.now), telling: true, until: context.deadline)
            }.count
        }
        if removed > 0 { queue.announce() }
        return WatchedChange(added: 0, removed: removed)
    }
}
