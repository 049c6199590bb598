import Contracts
import RPC

/// `exportData`: the caller's data as a file.
struct ExportData: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: ExportDataInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        switch input.kind {
        case .ratings: EdgeReply(ratings(as: input.format ?? .json, of: caller.user, context.rpc))
        }
    }

    /// One piece per page. Sorted by title, so that a rating that changes meanwhile is neither missed nor repeated.
    private func ratings(as format: ExportFormat, of user: UserID, _ context: RPCContext) -> EdgeStream {
        let list = ListRatings(metadata: metadata, ratings: ratings)
        let export = RatingExport(format)
        return .file(
            export.contentType, name: export.name, from: RatingWalk(export: export), for: context,
            pieceTimeout: RatingReadLimits.pageTimeout
        ) { (walk, context) async throws(RPCError) in
            if walk.isOver { return nil }
            let page = try await list.page(
                ListRatingsParams(user: user, sort: .title, limit: RatingReadLimits.pageRows, cursor: walk.cursor),
                context.outgoing())
            return walk.take(page)
        }
    }
}

/// The progress of an export of ratings.
private struct RatingWalk: Sendable {
    var export: RatingExport
    private(set) var cursor: String?
    private(set) var isOver = false

    init(export: RatingExport) { self.export = export }

    /// Returns the bytes that `page` adds to the file.
    mutating func take(_ page: RatedPage) -> [UInt8] {
        cursor = page.nextCursor
        isOver = cursor == nil
        return export.piece(page.items, isLast: isOver)
    }
}
