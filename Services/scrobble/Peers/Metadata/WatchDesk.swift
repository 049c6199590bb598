import Contracts
import RPC
import Store

/// What the operations about watched titles have in common.
struct WatchDesk: Sendable {
    let titles: TitleLookup
    let guide: EpisodeGuide
    let watch: WatchStore
    let ledger: LedgerStore
    let clock: any WallClock

    /// The title that stands for the id. Throws `titleNotFound`, and `wrongKind` for one of another kind.
    func title(_ id: TitleID, _ kind: TitleKind, _ context: RPCContext) async throws(RPCError) -> Title {
        let title = try await titles.title(id, context)
        guard title.kind == kind else { throw .wrongKind("this is a \(title.kind.rawValue), not a \(kind.rawValue)") }
        return title
    }

    /// The episodes of a show or a season, with what the person made of each.
    func episodes(of title: Title, _ user: UserID, _ context: RPCContext) async throws(RPCError) -> [EpisodeState] {
        let series = title.kind == .series ? title.id : title.series
        guard let series else { return [] }
        try await guide.refresh(series, context)
        return try await asking { () throws(StoreError) in
            try await watch.episodes(
                of: series, season: title.kind == .season ? title.seasonNumber.map { Int($0) } : nil, user,
                until: context.deadline)
        }
    }

    /// The day where the person lives.
    func today(_ timeZone: String?, _ context: RPCContext) async throws(RPCError) -> CalendarDate {
        try await PlayDates(ledger: ledger, now: clock.now).day(of: clock.now, in: timeZone, context)
    }
}
