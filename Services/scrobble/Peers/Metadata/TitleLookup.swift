package import Contracts
import RPC

/// Asks metadata whether a title exists and what it is.
package struct TitleLookup: Sendable {
    private let metadata: MetadataClient

    package init(metadata: MetadataClient) { self.metadata = metadata }

    /// The external ids of the titles that exist, by requested id; nil while metadata cannot be asked.
    func ids(of titles: [TitleID]) async -> [TitleID: ExternalIds]? {
        do throws(RPCError) {
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: titles), RPCCall.within(Self.idsTimeout))
            return Dictionary(found.found.map { ($0.asked, $0.title.externalIds) }) { first, _ in first }
        } catch {
            return nil
        }
    }

    /// The titles as they are named elsewhere, seasons and episodes by their series; nil while metadata cannot be
    /// asked.
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

    /// The titles here that the name of each film or series may mean, best first; no entry if metadata gives none,
    /// because it is unreachable or of the previous version.
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

    /// The maximum number of candidates per name.
    private static let candidatesMax = 10
    /// How long a list of rows waits for candidates.
    private static let candidatesTimeout = Duration.seconds(2)

    /// How long metadata may take to return the ids of titles.
    private static let idsTimeout = Duration.seconds(4)

    /// The title that `id` means now: the id of a merged title leads to the one that remains. Throws `titleNotFound`.
    func title(_ id: TitleID, _ context: RPCContext) async throws(RPCError) -> Title {
        try await metadata.getTitle(GetTitleParams(title: id), context.outgoing())
    }
}
