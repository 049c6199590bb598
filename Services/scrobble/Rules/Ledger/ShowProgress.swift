package import Contracts

/// An episode of a show, and what its person made of it.
package struct EpisodeState: Sendable, Hashable {
    package let title: TitleID
    /// 0 holds the specials.
    package let season: Int
    package let number: Int
    /// Nil where nobody says; such an episode has not aired.
    package let releasedOn: CalendarDate?
    /// Plays that stand.
    package let plays: Int
    /// Where the latest of them stands in the history; nil without one.
    package let lastPlayedAt: Timestamp?

    package init(
        title: TitleID, season: Int, number: Int, releasedOn: CalendarDate?, plays: Int, lastPlayedAt: Timestamp?
    ) {
        self.title = title
        self.season = season
        self.number = number
        self.releasedOn = releasedOn
        self.plays = plays
        self.lastPlayedAt = lastPlayedAt
    }

    var place: (Int, Int) { (season, number) }
}

/// How far a person is with some episodes: a show, or one of its seasons.
///
/// What has not aired does not count, unless it was watched all the same; specials only where they are asked for.
package struct ShowProgress: Sendable, Hashable {
    /// Episodes that count, and how many of those were watched.
    package let aired: Int
    package let watched: Int
    package let plays: Int
    package let lastPlayedAt: Timestamp?
    /// What comes after the episode that was watched last; nil where nothing aired comes after it.
    package let next: EpisodeState?

    /// Whether everything that counts was watched; never true of nothing.
    package var isWatched: Bool { aired > 0 && watched == aired }

    package init(_ episodes: [EpisodeState], today: CalendarDate, withSpecials: Bool) {
        let counted = episodes.filter { withSpecials || $0.season > 0 }
        let aired = counted.filter { $0.plays > 0 || Self.hasAired($0, today) }
        self.aired = aired.count
        watched = aired.count { $0.plays > 0 }
        plays = counted.reduce(0) { $0 + $1.plays }
        lastPlayedAt = counted.compactMap(\.lastPlayedAt).max()
        next = Self.next(in: counted, today)
    }

    static func hasAired(_ episode: EpisodeState, _ today: CalendarDate) -> Bool {
        episode.releasedOn.map { $0 <= today } ?? false
    }

    /// The first one not watched behind the one that was watched last; of several at one moment the furthest counts.
    /// Whoever has watched nothing begins at the beginning. Specials never come next.
    static func next(in episodes: [EpisodeState], _ today: CalendarDate) -> EpisodeState? {
        let regular = episodes.filter { $0.season > 0 }
        let last = regular.filter { $0.lastPlayedAt != nil }
            .max {
                (place($0.lastPlayedAt), $0.season, $0.number) < (place($1.lastPlayedAt), $1.season, $1.number)
            }
        return regular.filter { episode in
            episode.plays == 0 && hasAired(episode, today) && last.map { $0.place < episode.place } ?? true
        }.min { $0.place < $1.place }
    }

    private static func place(_ moment: Timestamp?) -> Int64 { moment?.microsecondsSinceEpoch ?? .min }

    /// The episodes that marking up to a place writes down: aired, not watched, no specials.
    package static func toMark(
        _ episodes: [EpisodeState], upTo last: (season: Int, number: Int)?, today: CalendarDate, withSpecials: Bool
    ) -> [EpisodeState] {
        episodes.filter { episode in
            episode.plays == 0 && hasAired(episode, today) && (withSpecials || episode.season > 0)
                && last.map { episode.place <= $0 } ?? true
        }.sorted { $0.place < $1.place }
    }
}
