import Contracts

/// A check-in: someone says what they are watching now, for example at a cinema, and sends nothing more. It is a
/// sitting that ends by itself, as a play, once its title must be over. Any report from a player turns it into an
/// ordinary sitting.
enum CheckIn {
    /// The assumed lengths of a film and of an episode whose length is unknown; Simkl assumes the same.
    static let filmDefault = Duration.seconds(90 * 60)
    static let episodeDefault = Duration.seconds(45 * 60)

    static func length(runtimeMinutes: Int?, kind: PlayableKind) -> Duration {
        guard let runtimeMinutes, runtimeMinutes > 0 else { return kind == .movie ? filmDefault : episodeDefault }
        return min(.seconds(runtimeMinutes * 60), SittingPatience.runtimeMax)
    }

    /// Returns how far the title must be by now, 0 to 100.
    static func progressPercent(from start: Timestamp, until end: Timestamp, at now: Timestamp) -> Double {
        let whole = start.duration(to: end)
        guard whole > .zero else { return 100 }
        return min(max(start.duration(to: now) / whole, 0), 1) * 100
    }
}
