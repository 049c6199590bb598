import Contracts

/// A check-in: somebody says what they watch now, at a cinema say, and nothing more is heard of it. It is a sitting that
/// ends by itself as a play when its title must be over. Whatever a player tells of it makes it a sitting like any other.
enum CheckIn {
    /// How long a film and an episode are of which nobody knows it; Simkl has the same.
    static let filmDefault = Duration.seconds(90 * 60)
    static let episodeDefault = Duration.seconds(45 * 60)

    static func length(runtimeMinutes: Int?, kind: PlayableKind) -> Duration {
        guard let runtimeMinutes, runtimeMinutes > 0 else { return kind == .movie ? filmDefault : episodeDefault }
        return min(.seconds(runtimeMinutes * 60), SittingPatience.runtimeMax)
    }

    /// Where it must be by now, 0 to 100.
    static func progressPercent(from start: Timestamp, until end: Timestamp, at now: Timestamp) -> Double {
        let whole = start.duration(to: end)
        guard whole > .zero else { return 100 }
        return min(max(start.duration(to: now) / whole, 0), 1) * 100
    }
}
