import Contracts
import RPC

/// Names the titles that rows waiting for their person's decision may mean. Nothing is stored: metadata is asked each
/// time, in one call, so that new titles are included and merged ones are not.
struct RowCandidates: Sendable {
    let titles: TitleLookup

    /// Returns the same rows, without candidates if metadata cannot be asked: the rows are readable all the same.
    func named(_ rows: [ImportRow], _ context: RPCContext) async -> [ImportRow] {
        let queries = Set(rows.compactMap(Self.query))
        guard !queries.isEmpty else { return rows }
        let found = await titles.candidates(of: Array(queries), context)
        var named = rows
        for index in named.indices {
            guard let query = Self.query(named[index]) else { continue }
            // A candidate with another id than the row is another title, whatever its name.
            let ids = named[index].row.title?.ids ?? ExternalIds()
            named[index].candidates = found[query]?.filter { $0.id != nil && !$0.externalIds.contradicts(ids) }
        }
        return named
    }

    /// The name of a row that waits; its ids have been looked up and are unknown. Seasons and episodes get no
    /// candidates: which series a name means says nothing about the episode that is here.
    private static func query(_ row: ImportRow) -> TitleQuery? {
        guard row.verdict == .ambiguous, let title = row.row.title, title.name != nil,
            title.kind == .movie || title.kind == .series
        else { return nil }
        return TitleQuery(kind: title.kind, ids: ExternalIds(), name: title.name, year: title.year)
    }
}

extension ExternalIds {
    /// Whether some site knows the two under different ids.
    func contradicts(_ other: ExternalIds) -> Bool {
        func differ<ID: Equatable>(_ one: ID?, _ two: ID?) -> Bool { one != nil && two != nil && one != two }
        return differ(imdb, other.imdb) || differ(tmdb, other.tmdb) || differ(tvdb, other.tvdb)
            || differ(trakt, other.trakt) || differ(letterboxd, other.letterboxd)
    }
}
