package import Contracts

/// An episode of a show, and what the person has watched of it.
package struct EpisodeState: Sendable, Hashable {
    package let title: TitleID
    /// 0 holds the specials.
    package let season: Int
    package let number: Int
    /// Nil if unknown; such an episode has not aired.
    package let releasedOn: CalendarDate?
    /// The number of standing plays.
    package let plays: Int
    /// The position of the latest of them in the history; nil if there is none.
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

/// A person's progress through some episodes: a show, or one of its seasons.
///
/// Episodes that have not aired do not count unless they were watched anyway; specials count only on request.
package struct ShowProgress: Sendable, Hashable {
    /// The number of episodes that count, and how many of those were watched.
    package let aired: Int
    package let watched: Int
    package let plays: Int
    package let lastPlayedAt: Timestamp?
    /// The next unwatched episode after the one watched last; nil if none that has aired follows it.
    package let next: EpisodeState?

    /// Whether everything that counts was watched; false if nothing counts.
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

    /// Returns the first unwatched episode after the one watched last; of several watched at the same moment, the
    /// furthest counts. If nothing has been watched, it is the first episode. Specials never come next.
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

    /// Returns the episodes that marking up to a place records: aired, not watched, and specials only on request.
    package static func toMark(
        _ episodes: [EpisodeState], upTo last: (season: Int, number: Int)?, today: CalendarDate, withSpecials: Bool
    ) -> [EpisodeState] {
        episodes.filter { episode in
            episode.plays == 0 && hasAired(episode, today) && (withSpecials || episode.season > 0)
                && last.map { episode.place <= $0 } ?? true
        }.sorted { $0.place < $1.place }
    }
}
