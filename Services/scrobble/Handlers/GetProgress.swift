import Contracts
import RPC
import Store

/// `scrobble.getProgress`: how far a person got with a film or an episode that they have not watched since.
struct GetProgress: Sendable {
    let desk: WatchDesk

    func run(_ params: GetProgressParams, _ context: RPCContext) async throws(RPCError) -> TitleProgress {
        let title = try await desk.playable(params.title, params.kind, context)
        let half = try await asking { () throws(StoreError) in
            try await desk.watch.progress(of: title, to: params.user, until: context.deadline)
        }
        guard let half else { return TitleProgress(title: title, percent: 0) }
        return TitleProgress(title: title, percent: half.percent, at: half.at)
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
