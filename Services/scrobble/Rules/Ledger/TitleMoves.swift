import Contracts

/// Splits merged titles into portions that can each be applied as a whole.
enum TitleMoves {
    /// Returns portions in the order of merging; no title occurs twice in a portion.
    static func steps(_ moves: [TitleRedirect]) -> [[TitleRedirect]] {
        var steps: [[TitleRedirect]] = []
        var named: Set<TitleID> = []
        for move in moves where move.old != move.new {
            if steps.isEmpty || named.contains(move.old) || named.contains(move.new) {
                steps.append([])
                named = []
            }
            steps[steps.count - 1].append(move)
            named.formUnion([move.old, move.new])
        }
        return steps
    }
}
