import Contracts
import RPC
import Store

/// `scrobble.setProgress`: sets how far a person got with a film or an episode; 0 clears the progress.
struct SetProgress: Sendable {
    let desk: WatchDesk
    let shelves: ShelfStore

    func run(_ params: SetProgressParams, _ context: RPCContext) async throws(RPCError) -> TitleProgress {
        let title = try await desk.playable(params.title, params.kind, context)
        let writer = LedgerWriter.person(params.user, at: desk.clock.now)
        guard params.percent > 0 else {
            _ = try await writing { () throws(StoreError) in
                try await shelves.remove(
                    [title], as: ProgressDetails.self, at: writer.at, by: writer, until: context.deadline)
            }
            return TitleProgress(title: title, percent: 0)
        }
        let item = ShelfItem(
            title: title, kind: params.kind, at: writer.at, details: ProgressDetails(percent: params.percent))
        _ = try await writing { () throws(StoreError) in
            try await shelves.put([item], by: writer, until: context.deadline)
        }
        return TitleProgress(title: title, percent: params.percent, at: writer.at)
    }
}
