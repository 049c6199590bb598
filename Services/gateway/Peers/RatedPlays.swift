import Contracts
import RPC

/// Plays that ratings name: they must be the person's own, and of the titles that are rated.
struct RatedPlays: Sendable {
    /// A play as a rating names it.
    struct Claim: Sendable, Hashable {
        let play: PlayID
        /// The title that is rated, by the id that stands.
        let title: TitleID
    }

    let metadata: MetadataClient
    let scrobble: ScrobbleClient

    /// Which of `claims`, of a thousand plays at most, are true. One call if there are any, and another where a play is of a
    /// title that was merged, which scrobble hears of later.
    func held(
        _ claims: Set<Claim>, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Set<Claim> {
        guard !claims.isEmpty else { return [] }
        let plays: [Play]
        do throws(RPCError) {
            plays = try await scrobble.getPlays(
                GetPlaysParams(user: caller.user, plays: Array(Set(claims.map(\.play)))), context.rpc.outgoing()
            ).plays
        } catch {
            // A scrobble of the previous version, in the middle of an upgrade: plays are taken unseen, as before.
            guard error.code == RPCError.Code.methodNotFound else { throw error }
            return claims
        }
        let titles = Dictionary(plays.map { ($0.id, $0.title) }) { first, _ in first }
        let held = claims.filter { titles[$0.play] == $0.title }
        let others = claims.filter { titles[$0.play] != nil && !held.contains($0) }
        let standing = try await metadata.titles(Set(others.compactMap { titles[$0.play] }), context)
        return held.union(
            others.filter { claim in
                titles[claim.play].flatMap { standing[$0]?.id } == claim.title
            })
    }
}
