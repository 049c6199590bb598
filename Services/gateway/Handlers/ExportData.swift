import Contracts
import RPC

/// `exportData`: what is mine as a file.
struct ExportData: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient

    func run(
        _ input: ExportDataInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeFile> {
        switch input.kind {
        case .ratings: EdgeReply(try await ratings(as: input.format ?? .json, of: caller.user, context))
        }
    }

    private func ratings(
        as format: ExportFormat, of user: UserID, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeFile {
        let list = ListRatings(metadata: metadata, ratings: ratings)
        var export = RatingExport(format)
        var cursor: String?
        repeat {
            // A rating that is made meanwhile stands at the end, and is in the file or not; none is there twice.
            let page = try await list.page(
                ListRatingsParams(user: user, sort: .oldest, limit: RatingReadLimits.pageRows, cursor: cursor),
                context.rpc.outgoing())
            for item in page.items { export.add(item) }
            cursor = page.nextCursor
            guard export.rowCount <= RatingReadLimits.exportRowsMax, export.byteCount <= RatingReadLimits.exportBytesMax
            else {
                throw .exportTooLarge("more than \(RatingReadLimits.exportBytesMax) bytes: read `ratings` page by page")
            }
        } while cursor != nil
        return export.file()
    }
}
