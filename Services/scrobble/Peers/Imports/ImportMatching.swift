import Contracts
import RPC
import Store

/// Finds the titles that an import refers to: by its person's earlier answers, then by ids, then by names. Providers
/// are not asked; an unknown item becomes a local title when it is applied, and metadata enriches it.
struct ImportMatching: Sendable {
    let store: ImportStore
    let metadata: MetadataClient

    func run(_ claim: ImportClaim) async throws(ImportTrouble) {
        var page = try await pending(claim, after: "").get()
        var unnoted: Matches = []
        while let last = page.last?.key {
            // The matches of a page are written while metadata looks up the next one.
            async let ahead = pending(claim, after: last)
            async let noted = note(unnoted, claim)
            let matches = await outcome { () throws(ImportTrouble) in try await self.matches(of: page) }
            // The known matches first: they must not be looked up again because metadata fails on the next page.
            try await noted.get()
            (unnoted, page) = (try matches.get(), try await ahead.get())
        }
        try await note(unnoted, claim).get()
        let isHeld = try await asking { () throws(StoreError) in
            try await store.enter(.judging, claim, until: .now + store.limits.stepTimeout)
        }
        guard isHeld else { throw .lost }
    }

    private typealias Matches = [(key: String, match: ItemMatch, title: MeantTitle?)]

    private func pending(_ claim: ImportClaim, after key: String) async -> Result<[PendingItem], ImportTrouble> {
        await outcome { () throws(ImportTrouble) in
            try await asking { () throws(StoreError) in
                try await store.pending(of: claim, after: key, until: .now + store.limits.stepTimeout)
            }
        }
    }

    private func note(_ matches: Matches, _ claim: ImportClaim) async -> Result<Void, ImportTrouble> {
        guard !matches.isEmpty else { return .success(()) }
        return await outcome { () throws(ImportTrouble) in
            let isHeld = try await asking { () throws(StoreError) in
                try await store.note(matches, of: claim.user, claim.id, until: .now + store.limits.stepTimeout)
                return try await store.advance(
                    claim, done: nil, judged: nil, doneCount: matches.count, until: .now + store.limits.stepTimeout)
            }
            guard isHeld else { throw .lost }
        }
    }

    /// Wraps work that runs concurrently.
    private func outcome<Value>(
        _ work: () async throws(ImportTrouble) -> Value
    ) async -> Result<Value, ImportTrouble> {
        do throws(ImportTrouble) {
            return .success(try await work())
        } catch {
            return .failure(error)
        }
    }

    /// Matches one title of an import that is at rest.
    func run(_ key: String, of id: ImportID, _ user: UserID) async throws(ImportTrouble) {
        let pending = try await asking { () throws(StoreError) in
            try await store.pending(key, of: id, user, until: .now + store.limits.stepTimeout)
        }
        guard let pending else { return }
        let matches = try await matches(of: [pending])
        try await asking { () throws(StoreError) in
            try await store.note(matches, of: user, id, until: .now + store.limits.stepTimeout)
        }
    }

    private func matches(
        of items: [PendingItem]
    ) async throws(ImportTrouble) -> Matches {
        var found: [Int: (match: ItemMatch, title: MeantTitle?)] = [:]
        for index in items.indices where items[index].isSkipped { found[index] = (.skipped, nil) }
        let said = items.indices.filter { items[$0].override != nil }
        if !said.isEmpty {
            let titles = try await titles(said.compactMap { items[$0].override })
            for index in said {
                if let title = items[index].override.flatMap({ titles[$0] }) { found[index] = (.known, title) }
            }
        }
        // A file of this installation says which title it means. Elsewhere, or if that title is gone, the rest decides.
        let own = items.indices.filter { found[$0] == nil && ImportItemKey.title(of: items[$0].key) != nil }
        if !own.isEmpty {
            let titles = try await titles(own.compactMap { ImportItemKey.title(of: items[$0].key) })
            for index in own {
                let title = ImportItemKey.title(of: items[index].key).flatMap { titles[$0] }
                if let title, title.kind == items[index].query.kind { found[index] = (.known, title) }
            }
        }
        // If either of two films may be meant, its person decides.
        for index in items.indices where found[index] == nil && ImportItemKey.isOpen(items[index].key) {
            found[index] = (.ambiguous, nil)
        }
        // An id decides; names are compared if there is none, or no known one.
        let identified = items.indices.filter { found[$0] == nil && items[$0].query.isIdentified }
        try await resolve(identified, items.map(\.query.withoutNames), &found)
        let named = items.indices.filter {
            found[$0]?.title == nil && found[$0]?.match != .skipped && items[$0].query.isNamed
                && !ImportItemKey.isOpen(items[$0].key)
        }
        try await resolve(named, items.map(\.query.withoutIds), &found)
        // A name that two films share does not say which of them is the one here.
        for index in named where found[index]?.match == .known && ImportItemKey.isNamesake(items[index].key) {
            found[index] = (.ambiguous, nil)
        }
        return items.indices.map { index in
            let outcome = found[index] ?? (.unknown, nil)
            return (items[index].key, outcome.match, outcome.title)
        }
    }

    private func resolve(
        _ chosen: [Int], _ queries: [TitleQuery], _ found: inout [Int: (match: ItemMatch, title: MeantTitle?)]
    ) async throws(ImportTrouble) {
        guard !chosen.isEmpty else { return }
        let results = try await Self.resolve(chosen.map { queries[$0] }, missing: .leave, metadata, store.limits)
        for (index, result) in zip(chosen, results) {
            switch result.state {
            case .known, .created: found[index] = result.title.map { (.known, MeantTitle($0)) }
            case .ambiguous: found[index] = (.ambiguous, nil)
            case .unknown, .empty: if found[index] == nil { found[index] = (.unknown, nil) }
            }
        }
    }

    private func titles(_ ids: [TitleID]) async throws(ImportTrouble) -> [TitleID: MeantTitle] {
        do throws(RPCError) {
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: ids), RPCCall.within(store.limits.stepTimeout))
            return Dictionary(found.found.map { ($0.asked, MeantTitle($0.title)) }) { first, _ in first }
        } catch {
            throw .unavailable("metadata: \(error.message)")
        }
    }

    /// Returns one result per query, in order. Lookups use two concurrent calls; titles are created in order, because a
    /// later query may mean what an earlier one has created.
    static func resolve(
        _ queries: [TitleQuery], missing: ResolveMissing, _ metadata: MetadataClient, _ limits: ImportLimits
    ) async throws(ImportTrouble) -> [ResolvedTitle] {
        var results: [ResolvedTitle] = []
        for start in stride(from: 0, to: queries.count, by: limits.titlesAtOnce) {
            let part = queries[start..<min(start + limits.titlesAtOnce, queries.count)]
            guard missing == .leave, part.count > 1 else {
                results += try await ask(part, missing, metadata, limits).get()
                continue
            }
            let (left, right) = (part.prefix(part.count / 2), part.dropFirst(part.count / 2))
            async let first = ask(left, missing, metadata, limits)
            async let second = ask(right, missing, metadata, limits)
            let both = await (first, second)
            results += try both.0.get() + both.1.get()
        }
        return results
    }

    private static func ask(
        _ queries: ArraySlice<TitleQuery>, _ missing: ResolveMissing, _ metadata: MetadataClient,
        _ limits: ImportLimits
    ) async -> Result<[ResolvedTitle], ImportTrouble> {
        do throws(RPCError) {
            let resolved = try await metadata.resolveTitles(
                ResolveTitlesParams(queries: Array(queries), missing: missing), RPCCall.within(limits.stepTimeout))
            guard resolved.results.count == queries.count else {
                throw RPCError.internal("metadata answered for other titles")
            }
            return .success(resolved.results)
        } catch {
            return .failure(.unavailable("metadata: \(error.message)"))
        }
    }

    private func asking<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(ImportTrouble) -> Value {
        do throws(StoreError) {
            return try await work()
        } catch {
            throw .store(error)
        }
    }
}

extension TitleQuery {
    /// Whether an id identifies it, its own or its series'.
    fileprivate var isIdentified: Bool {
        ids != ExternalIds() || seasonNumber != nil && seriesIds ?? ExternalIds() != ExternalIds()
    }

    fileprivate var isNamed: Bool { kind == .movie || kind == .series ? name != nil : seriesName != nil }

    fileprivate var withoutNames: TitleQuery {
        var query = self
        query.name = nil
        query.year = nil
        query.seriesName = nil
        query.seriesYear = nil
        return query
    }

    fileprivate var withoutIds: TitleQuery {
        var query = self
        query.ids = ExternalIds()
        query.seriesIds = nil
        return query
    }
}
