package import Contracts
import RPC

/// Asks metadata whether a title exists and what it is.
package struct TitleLookup: Sendable {
    private let metadata: MetadataClient

    package init(metadata: MetadataClient) { self.metadata = metadata }

    /// The ids elsewhere of the titles that exist, by the ids that were asked for; nil while metadata cannot be asked.
    func ids(of titles: [TitleID]) async -> [TitleID: ExternalIds]? {
        do throws(RPCError) {
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: titles), RPCCall.within(Self.idsTimeout))
            return Dictionary(found.found.map { ($0.asked, $0.title.externalIds) }) { first, _ in first }
        } catch {
            return nil
        }
    }

    /// How long metadata may take to tell the ids of a title.
    private static let idsTimeout = Duration.seconds(4)

    /// The title that `id` means now: an id of a merged title answers with the one that stayed. Throws `titleNotFound`.
    func title(_ id: TitleID, _ context: RPCContext) async throws(RPCError) -> Title {
        try await metadata.getTitle(GetTitleParams(title: id), context.outgoing())
    }
}
