import Contracts
import RPC
import Store

/// `metadata.listChildren`: the seasons of a series or the episodes of a season; the providers are asked the first
/// time.
struct ListChildren: Sendable {
    static let limitDefault = 100
    /// How long to wait before asking the providers again if none of them lists any children.
    private static let askAgainInterval = Duration.seconds(24 * 3_600)

    let enricher: Enricher

    func run(_ params: ListChildrenParams, _ context: RPCContext) async throws(RPCError) -> ChildTitles {
        let limit = params.limit ?? Self.limitDefault
        let parent = try await asking { () throws(StoreError) in
            let stored = try await enricher.store.title(params.title, until: context.deadline)
            guard let stored, isToAsk(stored) else { return stored?.title }
            return try await RefreshTitle(enricher: enricher)
                .refreshed(stored.title.id, isForced: false, until: context.deadline)?.title ?? stored.title
        }.unwrapped()
        guard parent.kind == .series || (parent.kind == .season && parent.series != nil) else {
            return ChildTitles(children: [])
        }
        let children = try await asking { () throws(StoreError) in
            // Specials have the number 0.
            try await enricher.store.children(
                of: parent, after: params.after ?? -1, limit: limit, until: context.deadline)
        }
        let last = children.last.flatMap { parent.kind == .season ? $0.episodeNumber : $0.seasonNumber }
        return ChildTitles(children: children, nextAfter: children.count < limit ? nil : last)
    }

    private func isToAsk(_ stored: StoredTitle) -> Bool {
        guard stored.title.kind == .series || stored.title.kind == .season, stored.childrenAt == nil else {
            return false
        }
        return stored.title.enrichedAt.map { $0.duration(to: enricher.clock.now) > Self.askAgainInterval } ?? true
    }
}
