import Contracts
import RPC

/// `putOnWatchlist` and the like: puts existing titles on a shelf, under their current ids, with an outcome for each.
struct PutOnShelf: Sendable {
    let metadata: MetadataClient
    let scrobble: ScrobbleClient
    let shelf: Shelf

    func run(
        _ body: ShelfEntries, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        let entries = try await KnownEntries(body.items, metadata, context)
        let outcomes = try await scrobble.putOnShelf(
            PutOnShelfParams(user: caller.user, shelf: shelf, items: entries.known), context.rpc.outgoing())
        return EdgeReply(entries.outcomes(with: outcomes))
    }
}

/// The entries of a request, and among them those whose titles exist.
struct KnownEntries {
    private let asked: [ShelfRequestItem]
    private let titles: [TitleID: Title]

    init(
        _ asked: [ShelfRequestItem], _ metadata: MetadataClient, _ context: EdgeContext
    ) async throws(RPCError) {
        self.asked = asked
        guard !asked.isEmpty else {
            titles = [:]
            return
        }
        let found = try await metadata.getTitles(
            GetTitlesParams(titles: Array(Set(asked.map(\.title)))), context.rpc.outgoing())
        titles = Dictionary(found.found.map { ($0.asked, $0.title) }) { first, _ in first }
    }

    var known: [ShelfEntry] {
        asked.compactMap { item in
            titles[item.title].map { title in
                ShelfEntry(
                    title: title.id, kind: title.kind, addedAt: item.addedAt, note: item.note, status: item.status,
                    media: item.media)
            }
        }
    }

    /// Returns one outcome per entry, in the order and under the ids of the request.
    func outcomes(with known: LedgerOutcomes) -> LedgerOutcomes {
        var results = known.outcomes.map(\.result).makeIterator()
        return LedgerOutcomes(
            outcomes: asked.map { item in
                let result = titles[item.title] == nil ? nil : results.next()
                return LedgerOutcomeOfTitle(title: item.title, result: result ?? .unknownTitle)
            })
    }
}
