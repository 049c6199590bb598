import Contracts
import RPC
import Store

/// `scrobble.getTitleStates`: the states of several titles for a person, in one statement.
struct GetTitleStates: Sendable {
    let watch: WatchStore

    func run(_ params: GetTitleStatesParams, _ context: RPCContext) async throws(RPCError) -> TitleStates {
        guard !params.titles.isEmpty else { return TitleStates(states: []) }
        let found = try await asking { () throws(StoreError) in
            try await watch.states(of: params.titles, to: params.user, until: context.deadline)
        }
        return TitleStates(states: found.map(TitleState.init))
    }
}

extension TitleState {
    init(_ standing: TitleStanding) {
        self.init(
            title: standing.title, plays: standing.plays, lastWatchedAt: standing.lastPlayedAt.flatMap(Self.known),
            percent: standing.percent, onWatchlist: standing.wishStatus == .planToWatch,
            wishStatus: standing.wishStatus, inCollection: standing.inCollection, isLiked: standing.isLiked)
    }

    /// The moment, or nil for a play without a date, which is stored in the distant past.
    private static func known(_ moment: Timestamp) -> Timestamp? {
        moment == PlayMoment.unknown.listedAt ? nil : moment
    }
}
