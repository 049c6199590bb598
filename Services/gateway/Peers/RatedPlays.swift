import Contracts
import RPC

/// Plays that ratings refer to: they must be the person's own, and of the rated titles.
struct RatedPlays: Sendable {
    /// A play as a rating refers to it.
    struct Claim: Sendable, Hashable {
        let play: PlayID
        /// The rated title, by its current id.
        let title: TitleID
    }

    let metadata: MetadataClient
    let scrobble: ScrobbleClient

    /// Returns those of `claims`, of at most a thousand plays, that are true. Makes one call if there are any claims,
    /// and another if a play is of a merged title, of which scrobble hears later.
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
            // A scrobble of the previous release, during an upgrade: plays are accepted unchecked, as before.
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
