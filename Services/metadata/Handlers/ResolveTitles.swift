import Contracts
import RPC
import Store

/// `metadata.resolveTitles`: many titles among those that are stored, asking no provider. Takes at most three queries,
/// three more to create titles, and one more if candidates are wanted.
struct ResolveTitles: Sendable {
    let enricher: Enricher

    private var store: MetadataStore { enricher.store }

    func run(_ params: ResolveTitlesParams, _ context: RPCContext) async throws(RPCError) -> ResolvedTitles {
        guard !params.queries.isEmpty else { return ResolvedTitles(results: []) }
        for _ in 0..<enricher.limits.attemptsMax {
            do throws(StoreError) {
                var resolution = BatchResolution(params.queries)
                try await find(&resolution, until: context.deadline)
                guard params.missing == .create, resolution.hasUnknown else {
                    return try await answer(resolution.results, of: resolution, params, until: context.deadline)
                }
                try await findSeries(&resolution, until: context.deadline)
                let locals = LocalTitles(resolution) { TitleID(enricher.ids.next()) }
                try await store.create(locals, at: enricher.clock.now, until: context.deadline)
                return try await answer(locals.results, of: resolution, params, until: context.deadline)
            } catch {
                guard case .conflict = error else { throw error.asRPCError }
                // Another call has just created one of them; the next attempt finds it.
            }
        }
        throw .unavailable("the titles are being stored by other calls")
    }

    /// Returns the results, with candidates if they are asked for.
    private func answer(
        _ results: [ResolvedTitle], of resolution: BatchResolution, _ params: ResolveTitlesParams,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ResolvedTitles {
        guard let count = params.candidates else { return ResolvedTitles(results: results) }
        let offers = resolution.offers.map { $0.prefix(count) }
        let ids = Array(Set(offers.joined().map(\.title)))
        var titles: [TitleID: Title] = [:]
        if !ids.isEmpty {
            for found in try await store.titles(ids, until: deadline) { titles[found.asked] = found.title }
        }
        var told = results
        for index in told.indices {
            told[index].candidates = offers[index].compactMap { offer in
                titles[offer.title].map { TitleCandidate($0, match: offer.match) }
            }
        }
        return ResolvedTitles(results: told)
    }

    private func find(_ resolution: inout BatchResolution, until deadline: ContinuousClock.Instant)
        async throws(StoreError)
    {
        let keys = resolution.keys
        if !keys.isEmpty { resolution.take(try await store.references(knownAs: keys, until: deadline)) }
        let names = resolution.namesToFind
        if !names.isEmpty { resolution.take(named: try await store.references(named: names, until: deadline)) }
        let numbers = resolution.numbersToFind
        if !numbers.isEmpty { resolution.take(try await store.references(numbered: numbers, until: deadline)) }
    }

    /// New titles join a series that is stored: a second one with the same ids could not be stored.
    private func findSeries(_ resolution: inout BatchResolution, until deadline: ContinuousClock.Instant)
        async throws(StoreError)
    {
        let keys = resolution.seriesKeys
        guard !keys.isEmpty else { return }
        resolution.take(series: try await store.references(knownAs: keys, until: deadline))
        let numbers = resolution.numbersToFind
        if !numbers.isEmpty { resolution.take(try await store.references(numbered: numbers, until: deadline)) }
    }
}

extension TitleCandidate {
    /// Creates a candidate from a stored title.
    fileprivate init(_ title: Title, match: Double) {
        self.init(
            id: title.id, kind: title.kind, name: title.name, originalName: title.originalName, year: title.year,
            posterUrl: title.posterUrl, externalIds: title.externalIds, match: match, via: [])
    }
}
