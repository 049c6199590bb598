package import Contracts
import RPC

/// Asks metadata whether a title exists and what it is.
package struct TitleLookup: Sendable {
    private let metadata: MetadataClient

    package init(metadata: MetadataClient) { self.metadata = metadata }

    /// The title that `id` means now: an id of a merged title answers with the one that stayed. Throws `titleNotFound`.
    func title(_ id: TitleID, _ context: RPCContext) async throws(RPCError) -> Title {
        try await metadata.getTitle(GetTitleParams(title: id), context.outgoing())
    }
}
