import Contracts
import RPC

/// Titles with external scores and one person's rating.
struct TitleDesk: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    /// Returns a title of the view's kind, requested together with the rating.
    func get<View: TitleView>(_ id: TitleID, _ user: UserID, _ context: EdgeContext) async throws(RPCError) -> View {
        let call = context.rpc.outgoing()
        let (asked, rated) = await together(
            { () async throws(RPCError) in try await metadata.getTitle(GetTitleParams(title: id), call) },
            { () async throws(RPCError) in try await rating(of: id, by: user, call) })
        let found = FoundTitle(asked: id, title: try asked.get())
        let mine = try await ratings.completed([try rated.get()].compactMap { $0 }, of: [found], by: user, call)
        return try View(found.title, rating: mine.first { $0.title == found.title.id })
    }

    /// Returns the title that the request describes.
    func resolve<View: TitleView>(
        _ params: ResolveTitleParams, _ user: UserID, _ context: EdgeContext
    ) async throws(RPCError) -> View {
        let title = try await metadata.resolveTitle(params, context.rpc.outgoing())
        await ratings.followSoon(title.moves, context.rpc.outgoing())
        return try View(title, rating: try await rating(of: title.id, by: user, context.rpc.outgoing()))
    }

    /// Returns a title after its refresh; one of another kind is not refreshed.
    func refresh<View: TitleView>(
        _ id: TitleID, _ user: UserID, _ context: EdgeContext
    ) async throws(RPCError) -> View {
        let known = try await metadata.getTitle(GetTitleParams(title: id), context.rpc.outgoing())
        try View.check(known)
        let title = try await metadata.refreshTitle(RefreshTitleParams(title: known.id), context.rpc.outgoing())
        await ratings.followSoon(FoundTitle(asked: id, title: title).moves, context.rpc.outgoing())
        return try View(title, rating: try await rating(of: title.id, by: user, context.rpc.outgoing()))
    }

    /// Returns a page of the seasons of a series, or of the episodes of a season, in three calls for any page.
    func children<View: TitleView>(
        of id: TitleID, a parent: (some TitleView).Type, after: Int?, limit: Int?, _ user: UserID,
        _ context: EdgeContext
    ) async throws(RPCError) -> (items: [View], nextAfter: Int?) {
        let call = context.rpc.outgoing()
        try parent.check(try await metadata.getTitle(GetTitleParams(title: id), call))
        let page = try await metadata.listChildren(
            ListChildrenParams(title: id, after: after, limit: limit), context.rpc.outgoing())
        guard !page.children.isEmpty else { return ([], page.nextAfter) }
        await ratings.followSoon(page.children.flatMap(\.moves), context.rpc.outgoing())
        let rated = try await ratings.ratings(of: page.children.map(\.id), by: user, context.rpc.outgoing())
        let mine = Dictionary(rated.map { ($0.title, $0) }) { first, _ in first }
        var items: [View] = []
        for title in page.children { items.append(try View(title, rating: mine[title.id])) }
        return (items, page.nextAfter)
    }

    private func rating(of title: TitleID, by user: UserID, _ call: RPCCall) async throws(RPCError) -> Rating? {
        try await ratings.getRatings(GetRatingsParams(user: user, titles: [title]), call).ratings.first
    }
}
