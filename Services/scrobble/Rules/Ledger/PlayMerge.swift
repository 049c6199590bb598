package import Contracts

/// Decides which plays of one title are the same after titles were merged or a play was edited.
package enum PlayMerge {
    /// A play that goes, and the one that takes over its roads.
    package struct Pair: Sendable, Hashable {
        package let gone: PlayID
        package let stays: PlayID
    }

    /// Returns the plays to merge, by the same rules as for incoming plays; the more exact one stays, and among equals
    /// the one known longer.
    ///
    /// A standing play takes precedence over one that the person removed, because nobody removed the standing one.
    package static func pairs(_ plays: [KnownPlay]) -> [Pair] {
        let ordered = plays.sorted { one, other in
            (one.isRemoved ? 1 : 0, -one.moment.exactness, one.knownSince, one.id.uuid)
                < (other.isRemoved ? 1 : 0, -other.moment.exactness, other.knownSince, other.id.uuid)
        }
        var kept: [KnownPlay] = []
        var pairs: [Pair] = []
        for play in ordered {
            let nearest = kept.indices.compactMap { index in
                PlayMatcher.distance(PlayTrace(play), PlayTrace(kept[index])).map { (index: index, distance: $0) }
            }.min { $0.distance < $1.distance }
            if let nearest {
                kept[nearest.index].join(play)
                pairs.append(Pair(gone: play.id, stays: kept[nearest.index].id))
            } else {
                kept.append(play)
            }
        }
        return pairs
    }

    /// Returns the standing play that `play` coincides with once it is said to have been at `moment`; nil if there is
    /// none.
    package static func meeting(_ play: PlayID, at moment: PlayMoment, among known: [KnownPlay]) -> KnownPlay? {
        guard let moved = known.first(where: { $0.id == play }), moment != .unknown else { return nil }
        let trace = PlayTrace(
            moment: moment, roads: [PlayMatcher.byHand], runtimeMinutes: moved.runtimeMinutes,
            knownSince: moved.knownSince)
        return known.filter { $0.id != play && !$0.isRemoved && $0.moment != .unknown }
            .compactMap { other in PlayMatcher.distance(trace, PlayTrace(other)).map { (other, $0) } }
            .min { $0.1 < $1.1 }?.0
    }
}
