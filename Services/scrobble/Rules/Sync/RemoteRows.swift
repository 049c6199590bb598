package import Contracts

/// A row of a list on another side, before the title it means is known.
package struct RemoteRow: Sendable, Hashable {
    package let item: RemoteItem
    package let value: RemoteValue

    package init(item: RemoteItem, value: RemoteValue) {
        self.item = item
        self.value = value
    }

    /// What distinguishes it from every other row of its list.
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

/// The content of a row besides its title.
package enum RemoteValue: Sendable, Hashable {
    case play(id: Int64, at: Timestamp?)
    /// `about` is when it may have been given, if nothing says when it was.
    case rating(Int, at: Timestamp?, about: Timestamp? = nil)
    case listed(at: Timestamp?, WishStatus = .planToWatch)
    case collected(CollectionDetails, at: Timestamp?)
    case progress(percent: Double, at: Timestamp?)

    /// When it was played; nil for everything but dated plays.
    package var playedAt: Timestamp? { if case .play(_, let at) = self { at } else { nil } }
}

/// A title as named by a row.
package struct RemoteItem: Sendable, Hashable {
    package let kind: TitleKind
    /// The title's number there, by which every list names it.
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

    /// The query to metadata.
    package var query: TitleQuery {
        TitleQuery(
            kind: kind, ids: ids, name: name, year: year, series: nil, seriesIds: series, seriesName: seriesName,
            seriesYear: seriesYear, seasonNumber: season, episodeNumber: episode)
    }
}

/// A list as read, and how far it can be trusted.
package struct RemoteReading: Sendable {
    package let rows: [RemoteRow]
    package var tally: PageTally
    /// The number of rows that could not be understood; a list with any is not complete.
    package let unreadable: Int
    /// The numbers of what was once seen there: nothing else can have been removed. Nil if every absence counts.
    package var seen: [Int64]?
    /// Titles that are on another list there, and would leave it for this one.
    package var elsewhere: [RemoteItem] = []
    /// Those of them that are completed there: they are not dropped or put on hold, either.
    package var finished: [RemoteItem] = []
    /// Titles whose removal from the list there would remove more.
    package var tied: [RemoteItem] = []

    package init(rows: [RemoteRow], tally: PageTally, unreadable: Int) {
        self.rows = rows
        self.tally = tally
        self.unreadable = unreadable
    }

    /// Joins two readings of one list: what either shows is there, with the later one's value. What neither shows would
    /// have had to be missed by both.
    package func joined(with later: RemoteReading) -> RemoteReading {
        let shown = Set(later.rows.map(\.name))
        var both = RemoteReading(
            rows: later.rows + rows.filter { !shown.contains($0.name) }, tally: later.tally,
            unreadable: max(unreadable, later.unreadable))
        if tally.doubt != nil { both.tally.tear() }
        return both
    }
}

/// When something last happened there; compared for inequality only.
package struct RemoteActivities: Sendable, Hashable {
    private let stamps: [SyncFacet: [TitleKind: String]]
    /// How far their clock is ahead of ours; nil if they do not give the time.
    package let clockSkew: Duration?

    package init(_ stamps: [SyncFacet: [TitleKind: String]], clockSkew: Duration? = nil) {
        self.stamps = stamps
        self.clockSkew = clockSkew
    }

    /// Returns the stamp of one list; "" if there is none.
    package func stamp(_ facet: SyncFacet, _ kind: TitleKind) -> String { stamps[facet]?[kind] ?? "" }
}

/// What another side can hold, and how it behaves.
package struct RemoteShape: Sendable, Hashable {
    /// The kinds for which each facet is read and written; anything not named cannot be held there.
    package let kinds: [SyncFacet: [TitleKind]]
    /// Whether it removes a title from the watchlist by itself once that is watched.
    package let letsGoOfWatched: Bool
    /// Whether it has one date per title: only the latest play is sent, and a date that is gone is not a play that
    /// someone removed. Its lists are always whole, and reading them again costs nothing.
    package let keepsOneDate: Bool
    /// What is not removed there, because more would be removed than was meant.
    package let keepsRemoved: [SyncFacet: [TitleKind]]
    /// Whether its watchlist also says what was put on hold or dropped.
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

    /// Whether it keeps what a change on its side would remove.
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
