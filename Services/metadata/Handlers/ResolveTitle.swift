import Contracts
import RPC
import Store

/// `metadata.resolveTitle`: the title that the given ids mean; a title that is new here is asked of every provider and kept.
struct ResolveTitle: Sendable {
    let store: MetadataStore
    let providers: ProviderPanel
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: ResolveTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        let wanted = WantedTitle(
            kind: params.kind, ids: SubjectIDs(params.ids), name: params.name, year: params.year)
        guard wanted.isSomething else { throw .nothingToResolve("give at least one outside id or a name") }
        if let known = try await find(wanted.keys, context) { return known }

        let reports = await providers.ask(wanted.subject)
        guard let draft = TitleDraft(wanted, reports: reports) else {
            throw .titleNotFound("no provider knows these ids")
        }
        // A provider may have told an id under which the title is here already.
        if let known = try await known(draft, context) { return known }
        let id = TitleID(ids.next())
        do throws(StoreError) {
            return try await store.insert(draft, as: id, at: clock.now, until: context.deadline)
        } catch {
            guard case .conflict = error else { throw error.asRPCError }
            // Another replica has just stored the same title.
            guard let known = try await known(draft, context) else {
                throw .unavailable("the title is being stored by another call")
            }
            return known
        }
    }

    /// The title that is here under one of the draft's ids. It gets the ids that only the draft has: without them the next
    /// question by one of these would ask every provider again, and make a second title where none answers.
    private func known(_ draft: TitleDraft, _ context: RPCContext) async throws(RPCError) -> Title? {
        guard let title = try await find(draft.keys, context) else { return nil }
        let places = Set(SubjectIDs(title.externalIds).keys(kind: title.kind).map(\.source))
        guard draft.keys.contains(where: { !places.contains($0.source) }) else { return title }
        return try await asking { () throws(StoreError) in
            try await store.link(draft.keys, to: title.id, until: context.deadline)
            return try await store.title(title.id, until: context.deadline)
        }
    }

    private func find(_ keys: [OutsideKey], _ context: RPCContext) async throws(RPCError) -> Title? {
        try await asking { () throws(StoreError) in try await store.title(knownAs: keys, until: context.deadline) }
    }
}
