import Contracts
import RPC
import Store

/// `metadata.resolveTitle`: the title that is meant; every provider is asked about one that is not stored yet.
struct ResolveTitle: Sendable {
    let enricher: Enricher
    let demand: DemandBook

    private var store: MetadataStore { enricher.store }

    func run(_ params: ResolveTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        var wanted = WantedTitle(
            kind: params.kind, ids: SubjectIDs(params.ids), name: params.name, year: params.year,
            series: params.series, seriesIDs: SubjectIDs(params.seriesIds ?? ExternalIds()),
            seasonNumber: params.seasonNumber, episodeNumber: params.episodeNumber)
        let series = WantedTitle(
            kind: .series, ids: wanted.seriesIDs, name: params.seriesName, year: params.seriesYear)
        if wanted.kind == .season || wanted.kind == .episode, wanted.ids == SubjectIDs(), wanted.series == nil,
            wanted.isNumbered, series.isSomething
        {
            let title = try await title(series, context)
            wanted.series = title.id
            wanted.seriesIDs = SubjectIDs(title.externalIds)
        }
        guard wanted.isSomething else { throw .nothingToResolve("give an outside id, a name, or a series and numbers") }
        return try await title(wanted, context, describedOnly: params.describedOnly ?? false)
    }

    private func title(
        _ wanted: WantedTitle, _ context: RPCContext, describedOnly: Bool = false
    ) async throws(RPCError) -> Title {
        if let known = try await known(wanted, context) {
            demand.note([known])
            return known
        }
        let turn = enricher.foreground(until: context.deadline)
        let reports = await enricher.providers.ask(
            wanted.subject,
            asked: Set(
                enricher.providers.profiles.filter { $0.kinds.contains(SubjectKind(wanted.kind)) }.map(\.provider)),
            known: [], turn: turn)
        let kind = SubjectKind(wanted.kind)
        let wasDenied = reports.contains { $0.error == .notFound } && !reports.contains { $0.leavesOpen(kind) }
        if wasDenied, wanted.series == nil { throw .titleNotFound("no provider knows this title") }
        let draft = TitleDraft(kind: wanted.kind, facts: reports.compactMap(\.facts), ids: wanted.ids)
        let placed = try await placed(wanted, draft, context)
        // Stored under an id alone, it would have no name or series and would keep the id from the one that has both.
        if describedOnly, wanted.kind == .season || wanted.kind == .episode, placed.series == nil,
            !reports.contains(where: { $0.facts != nil })
        {
            throw .titleNotFound("no provider knows these ids; give its series and number")
        }
        for _ in 0..<enricher.limits.attemptsMax {
            do throws(StoreError) {
                if let id = try await keep(placed, draft, reports, until: context.deadline),
                    let title = try await store.title(id, until: context.deadline)
                {
                    return title.title
                }
            } catch {
                guard case .conflict = error else { throw error.asRPCError }
                // Another call has just stored the same title; the next attempt finds it.
            }
        }
        throw .unavailable("the title is being stored by other calls")
    }

    /// Returns the title if it is stored: by its ids, by its number in its series or, without any ids, by name and
    /// year.
    private func known(_ wanted: WantedTitle, _ context: RPCContext) async throws(RPCError) -> Title? {
        try await asking { () throws(StoreError) in
            if let title = try await store.title(knownAs: wanted.keys, until: context.deadline) { return title }
            if let named = try await named(wanted, until: context.deadline) { return named }
            guard let series = wanted.series, let season = wanted.seasonNumber, wanted.isNumbered else { return nil }
            return try await store.title(
                of: series, wanted.kind, season: season, episode: wanted.episodeNumber, until: context.deadline)
        }
    }

    /// Returns the one stored film or series that has this name and year beyond doubt.
    private func named(
        _ wanted: WantedTitle, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Title? {
        guard wanted.kind == .movie || wanted.kind == .series, wanted.ids == SubjectIDs(), let name = wanted.name else {
            return nil
        }
        let asked = BatchResolution.Name(query: 0, kind: wanted.kind, name: name, year: wanted.year, isSeries: false)
        let found = try await store.references(named: [asked], until: deadline)
        let verdict = OwnMatch.verdict(
            kind: SubjectKind(wanted.kind), name: name, year: wanted.year, among: found.map(\.candidate))
        guard case .one(let index) = verdict else { return nil }
        return try await store.title(found[index].title.id, until: deadline)?.title
    }

    /// Returns a season or an episode with its series, which is resolved if the providers gave its ids.
    private func placed(
        _ wanted: WantedTitle, _ draft: TitleDraft, _ context: RPCContext
    ) async throws(RPCError) -> WantedTitle {
        guard wanted.kind == .season || wanted.kind == .episode else { return wanted }
        var placed = wanted
        placed.seasonNumber = wanted.seasonNumber ?? draft.seasonNumber
        placed.episodeNumber = wanted.kind == .episode ? wanted.episodeNumber ?? draft.episodeNumber : nil
        placed.seriesIDs = wanted.seriesIDs.filled(from: draft.seriesIDs)
        guard placed.isNumbered else {
            // Without numbers it has no place in a series.
            placed.series = nil
            return placed
        }
        if let id = placed.series {
            let series = try await asking { () throws(StoreError) in try await store.title(id, until: context.deadline)
            }
            guard let series, series.title.kind == .series else { throw .titleNotFound("no series has this id") }
            placed.series = series.title.id
        } else if placed.seriesIDs != SubjectIDs() {
            placed.series = try await title(WantedTitle(kind: .series, ids: placed.seriesIDs), context).id
        }
        return placed
    }

    /// Stores the title under its ids, as a new one or as part of the one that has some of them, and returns its id. If
    /// another caller is working on that one, only merges.
    private func keep(
        _ wanted: WantedTitle, _ draft: TitleDraft, _ reports: [ProviderReport], until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID? {
        let join = try await enricher.join(draft, own: nil, until: deadline)
        var target = join.target
        if target == nil, let local = wanted.localKey {
            target = try await store.title(knownAs: [local], until: deadline)?.id
        }
        if target == nil, let series = wanted.series, let season = wanted.seasonNumber {
            target =
                try await store.title(
                    of: series, wanted.kind, season: season, episode: wanted.episodeNumber, until: deadline)?.id
        }
        if let target {
            guard let record = try await store.begin(target, until: deadline) else {
                // Another caller is working on it now, and will find the same.
                return try await enricher.merge(join, own: target, until: deadline)
            }
            do throws(StoreError) {
                // The next call with these ids finds the title without asking anyone. An episode's ids may follow
                // another numbering.
                let asked = wanted.kind == .movie || wanted.kind == .series ? wanted.ids : SubjectIDs()
                return try await enricher.store(reports, kept: [], of: record, asked: asked, until: deadline)
            } catch {
                await enricher.giveBack(record)
                throw error
            }
        }
        let id = TitleID(enricher.ids.next())
        let keys = join.keys + (draft.ids == SubjectIDs() ? [wanted.localKey].compactMap(\.self) : [])
        let record = TitleRecord(wanted, id: id)
        try await store.create(
            wanted, keys: keys, enricher.findings(reports, kept: [], of: record), of: record,
            newID: { TitleID(enricher.ids.next()) }, at: enricher.clock.now, until: deadline)
        return id
    }
}

extension ProviderReport {
    /// Whether the provider may still have the title as one of that kind: OMDb answers an id whatever its kind.
    fileprivate func leavesOpen(_ kind: SubjectKind) -> Bool {
        facts?.kind == kind || (error != nil && error != .notFound)
    }
}
