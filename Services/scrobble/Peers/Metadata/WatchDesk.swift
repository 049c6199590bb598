import Contracts
import RPC
import Store

/// What the operations on watched titles share.
struct WatchDesk: Sendable {
    let titles: TitleLookup
    let guide: EpisodeGuide
    let watch: WatchStore
    let ledger: LedgerStore
    let clock: any WallClock

    /// The title that the id means. Throws `titleNotFound`, or `wrongKind` if it is of another kind.
    func title(_ id: TitleID, _ kind: TitleKind, _ context: RPCContext) async throws(RPCError) -> Title {
        let title = try await titles.title(id, context)
        guard title.kind == kind else { throw .wrongKind("this is a \(title.kind.rawValue), not a \(kind.rawValue)") }
        return title
    }

    /// The episodes of a show or season, each with the person's state.
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

    /// Today's date where the person lives.
    func today(_ timeZone: String?, _ context: RPCContext) async throws(RPCError) -> CalendarDate {
        try await PlayDates(ledger: ledger, now: clock.now).day(of: clock.now, in: timeZone, context)
    }
}
