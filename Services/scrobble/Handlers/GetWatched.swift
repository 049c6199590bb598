import Contracts
import RPC
import Store

/// `scrobble.getWatched`: what a person has watched of a title, as follows from the plays.
struct GetWatched: Sendable {
    let desk: WatchDesk

    func run(_ params: GetWatchedParams, _ context: RPCContext) async throws(RPCError) -> WatchedState {
        let title = try await desk.title(params.title, params.kind, context)
        guard title.kind == .series || title.kind == .season else {
            let watched = try await asking { () throws(StoreError) in
                try await desk.watch.watched([title.id], by: params.user, until: context.deadline).first
            }
            return WatchedState(
                title: title.id, kind: title.kind, isWatched: watched != nil, plays: watched?.plays ?? 0,
                lastWatchedAt: watched?.lastPlayedAt.flatMap(Self.known), aired: 1, watched: watched == nil ? 0 : 1)
        }
        let episodes = try await desk.episodes(of: title, params.user, context)
        let today = try await desk.today(params.timeZone, context)
        // A season of specials was asked for as such.
        let withSpecials = params.specials ?? (title.kind == .season && title.seasonNumber == 0)
        let progress = ShowProgress(episodes, today: today, withSpecials: withSpecials)
        return WatchedState(
            title: title.id, kind: title.kind, isWatched: progress.isWatched, plays: progress.plays,
            lastWatchedAt: progress.lastPlayedAt.flatMap(Self.known), aired: progress.aired,
            watched: progress.watched,
            next: progress.next.map {
                EpisodeCard(title: $0.title, seasonNumber: $0.season, episodeNumber: $0.number)
            }, seasons: title.kind == .series ? seasons(episodes, today) : nil)
    }

    private func seasons(_ episodes: [EpisodeState], _ today: CalendarDate) -> [SeasonProgress] {
        Dictionary(grouping: episodes, by: \.season).sorted { $0.key < $1.key }.prefix(LedgerLimits.seasonsMax)
            .map { season, episodes in
                let progress = ShowProgress(episodes, today: today, withSpecials: true)
                return SeasonProgress(
                    seasonNumber: season, aired: progress.aired, watched: progress.watched,
                    isWatched: progress.isWatched)
            }
    }

    /// The moment, or nil for a play without a date, which is stored in the distant past.
    private static func known(_ moment: Timestamp) -> Timestamp? {
        moment == PlayMoment.unknown.listedAt ? nil : moment
    }
}
