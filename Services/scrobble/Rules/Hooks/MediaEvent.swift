package import Contracts

/// An event from a media server, a player's add-on or a script, in our own terms.
package struct MediaEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case play
        case pause
        case resume
        case stop
        /// The server counts the title as watched.
        case scrobble
        /// The player's position, every few seconds.
        case progress
        case seek
        case markPlayed = "mark_played"
        case markUnplayed = "mark_unplayed"
    }

    package let kind: Kind
    package let item: MediaItem
    /// The device, as the server identifies it; empty if it does not.
    package let player: String
    package let position: Duration?
    /// The length of the title; nil if the server does not know it, which includes 0.
    package let length: Duration?
    /// Whether the player is paused, as reported with `progress`.
    package let isPaused: Bool?
    /// Whether the server says that the title was watched to its end.
    package let isCompleted: Bool
    /// When it happened; nil if the server does not say, in which case it has just happened.
    package let at: Timestamp?

    package init(
        kind: Kind, item: MediaItem, player: String = "", position: Duration? = nil, length: Duration? = nil,
        isPaused: Bool? = nil, isCompleted: Bool = false, at: Timestamp? = nil
    ) {
        self.kind = kind
        self.item = item
        self.player = player
        self.position = position
        self.length = length.flatMap { $0 > .zero ? $0 : nil }
        self.isPaused = isPaused
        self.isCompleted = isCompleted
        self.at = at
    }

    /// Returns how far into the title the player is, 0 to 100; nil if unknown. `runtime` is used if the server sends no
    /// length.
    package func progressPercent(runtime: Duration?) -> Double? {
        guard let position, let length = length ?? runtime, length > .zero else { return nil }
        return min(max(position / length * 100, 0), 100)
    }
}

/// A film or one or more episodes in one file, as a media server describes it.
package struct MediaItem: Sendable, Hashable {
    /// The series of an episode.
    package struct Series: Sendable, Hashable {
        package var ids = ExternalIds()
        package var name: String?
        package var year: Int?

        package init(ids: ExternalIds = ExternalIds(), name: String? = nil, year: Int? = nil) {
            self.ids = ids
            self.name = name
            self.year = year
        }
    }

    package enum Kind: Sendable, Hashable {
        case movie
        case episode
    }

    package let kind: Kind
    /// The server's identifier; the same for the same file.
    package let key: String
    /// The IDs of the film, or of the first episode.
    package let ids: ExternalIds
    package let name: String?
    package let year: Int?
    package let series: Series
    package let season: Int?
    /// The episode numbers, in order; empty if the server does not say.
    package let episodes: [Int]

    package init(
        kind: Kind, key: String = "", ids: ExternalIds = ExternalIds(), name: String? = nil, year: Int? = nil,
        series: Series = Series(), season: Int? = nil, episodes: [Int] = []
    ) {
        self.kind = kind
        self.key = key
        self.ids = ids
        self.name = name
        self.year = year
        self.series = series
        self.season = season
        self.episodes = episodes
    }

    /// A human-readable form: "The Menu (2022)", "Severance S01E02".
    package var summary: String {
        switch kind {
        case .movie: return (name ?? "?") + (year.map { " (\($0))" } ?? "")
        case .episode:
            let numbers = episodes.map { "E\(Self.twoDigits($0))" }.joined()
            let place = season.map { "S\(Self.twoDigits($0))" } ?? ""
            return [series.name ?? name ?? "?", place + numbers].filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Returns the episode numbers of a file that holds the episodes from `first` to `last`.
    static func episodes(from first: Int?, to last: Int?) -> [Int] {
        guard let first, (0...100_000).contains(first) else { return [] }
        guard let last, last > first, last - first < HookLimits.episodesMax else { return [first] }
        return Array(first...last)
    }
}
