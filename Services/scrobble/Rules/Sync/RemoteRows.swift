package import Contracts

/// A row of a list on another side, before it is known which title it means.
package struct RemoteRow: Sendable, Hashable {
    package let item: RemoteItem
    package let value: RemoteValue

    package init(item: RemoteItem, value: RemoteValue) {
        self.item = item
        self.value = value
    }

    /// What tells it from every other row of its list.
    package struct Name: Sendable, Hashable {
        let kind: TitleKind
        let number: Int64
        let play: Int64?
    }

    package var name: Name {
        var play: Int64?
        if case .play(let id, _) = value { play = id }
        return Name(kind: item.kind, number: item.number, play: play)
    }
}

/// What a row says beside its title.
package enum RemoteValue: Sendable, Hashable {
    case play(id: Int64, at: Timestamp?)
    /// `about`: when it may have been given, where nothing says when it was.
    case rating(Int, at: Timestamp?, about: Timestamp? = nil)
    case listed(at: Timestamp?, WishStatus = .planToWatch)
    case collected(CollectionDetails, at: Timestamp?)
    case progress(percent: Double, at: Timestamp?)

    /// When it was played; nil for all but plays with a date.
    package var playedAt: Timestamp? { if case .play(_, let at) = self { at } else { nil } }
}

/// A title as a row names it.
package struct RemoteItem: Sendable, Hashable {
    package let kind: TitleKind
    /// The number of the title there, its name in every list.
    package let number: Int64
    package let ids: ExternalIds
    package let name: String?
    package let year: Int?
    package let series: ExternalIds?
    package let seriesName: String?
    package let seriesYear: Int?
    package let season: Int?
    package let episode: Int?

    package init(
        kind: TitleKind, number: Int64, ids: ExternalIds, name: String? = nil, year: Int? = nil,
        series: ExternalIds? = nil, seriesName: String? = nil, seriesYear: Int? = nil, season: Int? = nil,
        episode: Int? = nil
    ) {
        self.kind = kind
        self.number = number
        self.ids = ids
        self.name = name
        self.year = year
        self.series = series
        self.seriesName = seriesName
        self.seriesYear = seriesYear
        self.season = season
        self.episode = episode
    }

    /// As metadata is asked.
    package var query: TitleQuery {
        TitleQuery(
            kind: kind, ids: ids, name: name, year: year, series: nil, seriesIds: series, seriesName: seriesName,
            seriesYear: seriesYear, seasonNumber: season, episodeNumber: episode)
    }
}

/// A list as it was read, and how far it can be trusted.
package struct RemoteReading: Sendable {
    package let rows: [RemoteRow]
    package var tally: PageTally
    /// Rows that could not be understood; a list with some is not complete.
    package let unreadable: Int
    /// Numbers of what was seen there once: nothing else can have been taken off. Nil where every absence counts.
    package var seen: [Int64]?
    /// What stands on another list there, and would leave it for this one.
    package var elsewhere: [RemoteItem] = []
    /// Those of them that are watched to their end there: they are not given up, or laid aside, either.
    package var finished: [RemoteItem] = []
    /// What would take more along if it left the list there.
    package var tied: [RemoteItem] = []

    package init(rows: [RemoteRow], tally: PageTally, unreadable: Int) {
        self.rows = rows
        self.tally = tally
        self.unreadable = unreadable
    }

    /// Both of two readings of one list: what either shows is there, as the later one has it. What neither shows would have had
    /// to slip past two of them.
    package func joined(with later: RemoteReading) -> RemoteReading {
        let shown = Set(later.rows.map(\.name))
        var both = RemoteReading(
            rows: later.rows + rows.filter { !shown.contains($0.name) }, tally: later.tally,
            unreadable: max(unreadable, later.unreadable))
        if tally.doubt != nil { both.tally.tear() }
        return both
    }
}

/// When something happened last over there: compared for inequality only.
package struct RemoteActivities: Sendable, Hashable {
    private let stamps: [SyncFacet: [TitleKind: String]]
    /// How far their clock is ahead of ours; nil where they do not say what time it is.
    package let clockSkew: Duration?

    package init(_ stamps: [SyncFacet: [TitleKind: String]], clockSkew: Duration? = nil) {
        self.stamps = stamps
        self.clockSkew = clockSkew
    }

    /// What concerns one list; "" where nothing is said.
    package func stamp(_ facet: SyncFacet, _ kind: TitleKind) -> String { stamps[facet]?[kind] ?? "" }
}

/// What another side can hold, and how it behaves.
package struct RemoteShape: Sendable, Hashable {
    /// The kinds that each facet is read and written for; what is not named cannot be held there.
    package let kinds: [SyncFacet: [TitleKind]]
    /// Whether it takes a title off the watchlist by itself once that is watched.
    package let letsGoOfWatched: Bool
    /// Whether it has one date for each title: it is told the latest play only, and a date that is gone is no play that
    /// somebody took out. Its lists are always whole, and reading them again costs nothing.
    package let keepsOneDate: Bool
    /// What is not removed there, because more would go than was meant.
    package let keepsRemoved: [SyncFacet: [TitleKind]]
    /// Whether its watchlist also says what was laid aside or given up.
    package let holdsStatuses: Bool

    package init(
        kinds: [SyncFacet: [TitleKind]], letsGoOfWatched: Bool, keepsOneDate: Bool = false,
        keepsRemoved: [SyncFacet: [TitleKind]] = [:], holdsStatuses: Bool = false
    ) {
        self.holdsStatuses = holdsStatuses
        self.kinds = kinds
        self.letsGoOfWatched = letsGoOfWatched
        self.keepsOneDate = keepsOneDate
        self.keepsRemoved = keepsRemoved
    }

    /// Whether it keeps what a change of its side would remove.
    package func keeps(_ change: SyncChange) -> Bool {
        change.side == .theirs && change.becomes == nil && keepsRemoved[change.facet]?.contains(change.kind) == true
    }

    /// Trakt collects films and episodes: a show or a season there is all of its episodes.
    package static let trakt = RemoteShape(
        kinds: [
            .history: [.movie, .episode], .ratings: [.movie, .series, .season, .episode],
            .watchlist: [.movie, .series, .season, .episode], .collection: [.movie, .episode],
            .progress: [.movie, .episode],
        ], letsGoOfWatched: true)
}
