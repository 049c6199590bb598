import Contracts
import RPC
import Store

/// `scrobble.listGoingOn`: what a person may continue with, latest first.
struct ListGoingOn: Sendable {
    let desk: WatchDesk

    func run(_ params: ListGoingOnParams, _ context: RPCContext) async throws(RPCError) -> GoingOnList {
        let today = try await desk.today(params.timeZone, context)
        let items = try await asking { () throws(StoreError) in
            try await desk.watch.goingOn(
                params.user, today: today, limit: params.limit ?? LedgerLimits.pageRowsDefault,
                until: context.deadline)
        }
        return GoingOnList(
            items: items.map {
                GoingOnItem(title: $0.title, kind: $0.kind, series: $0.series, percent: $0.percent, at: $0.at)
            })
    }
}
