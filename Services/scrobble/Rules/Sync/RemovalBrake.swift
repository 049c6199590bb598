/// Stops removals that look accidental rather than intended.
package struct RemovalBrake: Sendable {
    /// The brake's verdict.
    package enum Verdict: Sendable, Hashable {
        case go
        /// Stop and ask: too many at once.
        case tooMany(removals: Int, of: Int)
        /// Stop and ask: nothing would be left.
        case everything(of: Int)
        /// The brake itself failed; that stops too.
        case failed
    }

    /// Impossible numbers.
    package struct Nonsense: Error {}

    package static let countMax = 10
    package static let percentMax = 10

    private let weigh: @Sendable (_ removals: Int, _ known: Int) throws -> Verdict

    package init(weigh: @escaping @Sendable (_ removals: Int, _ known: Int) throws -> Verdict) { self.weigh = weigh }

    /// Stops more than ten items that are also more than ten percent, or all of several items.
    package static let standard = RemovalBrake { removals, known in
        guard removals >= 0, known >= removals else { throw Nonsense() }
        if removals > 1, removals == known { return .everything(of: known) }
        let isMany = removals > countMax && removals * 100 > known * percentMax
        return isMany ? .tooMany(removals: removals, of: known) : .go
    }

    /// Returns whether `removals` of `known` agreed items may be made; a brake that throws blocks them.
    package func verdict(_ removals: Int, of known: Int) -> Verdict {
        guard removals > 0 else { return .go }
        return (try? weigh(removals, known)) ?? .failed
    }
}
