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

    /// The titles as they are named elsewhere, seasons and episodes by their series; nil while metadata cannot be asked.
    func queries(of titles: [TitleID]) async -> [TitleID: TitleQuery]? {
        do throws(RPCError) {
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: titles), RPCCall.within(Self.idsTimeout)
            ).found
            let ids = Array(Set(found.compactMap(\.title.series)))
            var series: [TitleID: Title] = [:]
            if !ids.isEmpty {
                let shows = try await metadata.getTitles(GetTitlesParams(titles: ids), RPCCall.within(Self.idsTimeout))
                series = Dictionary(shows.found.map { ($0.asked, $0.title) }) { first, _ in first }
            }
            let pairs = found.map { entry in
                let (title, show) = (entry.title, entry.title.series.flatMap { series[$0] })
                let query = TitleQuery(
                    kind: title.kind, ids: title.externalIds, name: title.name, year: title.year,
                    seriesIds: show?.externalIds, seriesName: show?.name, seriesYear: show?.year,
                    seasonNumber: title.seasonNumber, episodeNumber: title.episodeNumber)
                return (entry.asked, query)
            }
            return Dictionary(pairs) { first, _ in first }
        } catch {
            return nil
        }
    }

    /// What is here and may be meant by the name of each film or series, the best first; nothing of those of which metadata does not
    /// tell, be it away or a copy of the version before.
    func candidates(of queries: [TitleQuery], _ context: RPCContext) async -> [TitleQuery: [TitleCandidate]] {
        do throws(RPCError) {
            let results = try await metadata.resolveTitles(
                ResolveTitlesParams(queries: queries, missing: .leave, candidates: Self.candidatesMax),
                context.outgoing(timeout: Self.candidatesTimeout)
            ).results
            guard results.count == queries.count else { return [:] }
            var found: [TitleQuery: [TitleCandidate]] = [:]
            for (query, result) in zip(queries, results) { found[query] = result.candidates }
            return found
        } catch {
            return [:]
        }
    }

    /// Candidates of one name.
    private static let candidatesMax = 10
    /// How long a list of rows waits for candidates.
    private static let candidatesTimeout = Duration.seconds(2)

    /// How long metadata may take to tell the ids of a title.
    private static let idsTimeout = Duration.seconds(4)

    /// The title that `id` means now: an id of a merged title answers with the one that stayed. Throws `titleNotFound`.
    func title(_ id: TitleID, _ context: RPCContext) async throws(RPCError) -> Title {
        try await metadata.getTitle(GetTitleParams(title: id), context.outgoing())
    }
}
