import Contracts
import RPC
import Store

/// `scrobble.getProgress`: how far a person got with a film or an episode.
struct GetProgress: Sendable {
    let desk: WatchDesk
    let shelves: ShelfStore

    func run(_ params: GetProgressParams, _ context: RPCContext) async throws(RPCError) -> TitleProgress {
        let title = try await desk.playable(params.title, params.kind, context)
        let known = try await asking { () throws(StoreError) in
            try await shelves.known([title], of: params.user, as: ProgressDetails.self, until: context.deadline)
        }
        guard let item = known[title], item.removedAt == nil else { return TitleProgress(title: title, percent: 0) }
        return TitleProgress(title: title, percent: item.item.details.percent, at: item.item.at)
    }
}

extension WatchDesk {
    /// The id of a film or an episode. Throws `titleNotFound` and `wrongKind`.
    func playable(_ id: TitleID, _ kind: TitleKind, _ context: RPCContext) async throws(RPCError) -> TitleID {
        let title = try await title(id, kind, context)
        guard PlayableKind(title.kind) != nil else {
            throw .wrongKind("a \(title.kind.rawValue) is not watched in one go, only films and episodes are")
        }
        return title.id
    }
}
