package import Contracts

/// When a play happened, as exactly as it is known.
package enum PlayMoment: Sendable, Hashable {
    /// `day` is the calendar day of the moment in the person's time zone.
    case second(Timestamp, day: CalendarDate)
    case minute(Timestamp, day: CalendarDate)
    case day(CalendarDate)
    case unknown

    package var precision: PlayPrecision {
        switch self {
        case .second: .second
        case .minute: .minute
        case .day: .day
        case .unknown: .unknown
        }
    }

    package var isDay: Bool { if case .day = self { true } else { false } }

    /// Its position in a list: the instant, noon UTC of the day, or the distant past.
    package var listedAt: Timestamp {
        switch self {
        case .second(let instant, _), .minute(let instant, _): instant
        case .day(let day): Timestamp(day).advanced(by: .seconds(43_200))
        case .unknown: Timestamp(clampingMicrosecondsSinceEpoch: 0)
        }
    }
}

extension PlayMoment {
    /// From 0 for an unknown moment to 3 for one known to the second.
    var exactness: Int {
        switch self {
        case .unknown: 0
        case .day: 1
        case .minute: 2
        case .second: 3
        }
    }
}

/// The place of an episode in its series.
package struct EpisodePlace: Sendable, Hashable {
    package let series: TitleID
    /// 0 holds the specials.
    package let season: Int
    package let number: Int

    package init(series: TitleID, season: Int, number: Int) {
        self.series = series
        self.season = season
        self.number = number
    }

    /// Nil if the title is not an episode, or its place is unknown.
    package init?(_ title: Title) {
        guard title.kind == .episode, let series = title.series, let season = title.seasonNumber,
            let number = title.episodeNumber
        else { return nil }
        self.init(series: series, season: season, number: number)
    }

    package init?(_ title: TitleReference) {
        guard title.kind == .episode, let series = title.series, let season = title.seasonNumber,
            let number = title.episodeNumber
        else { return nil }
        self.init(series: series, season: season, number: number)
    }
}

/// The road by which a play came: who reported it, and its key there.
package struct PlaySource: Sendable, Hashable {
    package let name: String
    package let key: String

    package init(name: String, key: String) {
        self.name = name
        self.key = key
    }
}

/// An incoming play.
package struct IncomingPlay: Sendable, Hashable {
    package let title: TitleID
    package let kind: TitleKind
    package let moment: PlayMoment
    /// 0 to 100.
    package let percent: Double?
    package let runtimeMinutes: Int?
    package let source: PlaySource
    /// The place of an episode, if known; a missing one is looked up in metadata later.
    package let episode: EpisodePlace?

    package init(
        title: TitleID, kind: TitleKind, moment: PlayMoment, percent: Double?, runtimeMinutes: Int?, source: PlaySource,
        episode: EpisodePlace? = nil
    ) {
        self.title = title
        self.kind = kind
        self.moment = moment
        self.percent = percent
        self.runtimeMinutes = runtimeMinutes
        self.source = source
        self.episode = episode
    }
}

/// A play in the ledger, including removed ones.
package struct KnownPlay: Sendable, Hashable {
    package let id: PlayID
    package let title: TitleID
    package internal(set) var moment: PlayMoment
    package let runtimeMinutes: Int?
    package let isRemoved: Bool
    /// Whether it is as an import or a sync wrote it: nobody has moved it by hand since.
    package let isBrought: Bool
    /// When the ledger learned of it: a play of unknown date was before that.
    package let knownSince: Timestamp
    package private(set) var sources: Set<PlaySource>
    /// The roads that reported this very play; one that reported "at some time" may have meant another.
    private(set) var roads: Set<String>

    package init(
        id: PlayID, title: TitleID, moment: PlayMoment, runtimeMinutes: Int?, isRemoved: Bool, knownSince: Timestamp,
        sources: Set<PlaySource>, undated: Set<PlaySource> = [], isBrought: Bool = false
    ) {
        self.id = id
        self.title = title
        self.moment = moment
        self.runtimeMinutes = runtimeMinutes
        self.isRemoved = isRemoved
        self.isBrought = isBrought
        self.knownSince = knownSince
        self.sources = sources
        roads = Set(sources.subtracting(undated).map(\.name))
    }

    /// Adds the sources of another play, which now report this one too.
    mutating func join(_ other: KnownPlay) {
        sources.formUnion(other.sources)
        roads.formUnion(other.roads)
    }

    mutating func join(_ incoming: IncomingPlay) {
        sources.insert(incoming.source)
        if incoming.moment != .unknown { roads.insert(incoming.source.name) }
    }
}

/// What distinguishes one play from another.
struct PlayTrace: Sendable, Hashable {
    let moment: PlayMoment
    let roads: Set<String>
    let runtimeMinutes: Int?
    let knownSince: Timestamp

    init(moment: PlayMoment, roads: Set<String>, runtimeMinutes: Int?, knownSince: Timestamp) {
        self.moment = moment
        self.roads = roads
        self.runtimeMinutes = runtimeMinutes
        self.knownSince = knownSince
    }

    init(_ play: KnownPlay) {
        self.init(
            moment: play.moment, roads: play.roads, runtimeMinutes: play.runtimeMinutes, knownSince: play.knownSince)
    }
}

/// The verdict on an incoming play.
package enum PlayVerdict: Sendable, Hashable {
    case new(PlayID)
    /// The same play, reported by another road.
    case same(PlayID)
    /// It came by this road before.
    case known(PlayID)
    /// It came by this road before, then with another day.
    case moved(PlayID)
    /// The person removed it.
    case removed(PlayID)

    package var play: PlayID {
        switch self {
        case .new(let id), .same(let id), .known(let id), .moved(let id), .removed(let id): id
        }
    }

    /// The play, unless the person removed it.
    var lasting: PlayID? { if case .removed = self { nil } else { play } }
}

/// Decides which incoming plays already exist.
///
/// A play takes time, so nobody plays a title twice within the same span: two roads that report overlapping plays
/// report the same one. If one road reports two, they are two, unless they are at the very same moment. A play reported
/// by two roads has the more exact of the two moments, so the order of arrival does not matter.
package struct PlayMatcher: Sendable {
    /// The most that clocks and reports of two roads differ, however short the title is.
    static let windowMin = Duration.seconds(300)
    /// The road of what a person records by hand, and that of a sitting.
    package static let byHand = "manual"
    package static let sitting = "playback"
    /// Roads that report a play as it happens, perhaps twice; the others list what they have.
    static let livingRoads = Set([byHand, sitting] + HookSender.allCases.map(\.rawValue))

    private var byTitle: [TitleID: [KnownPlay]]
    private var bySource: [PlaySource: KnownPlay] = [:]
    private let arrivedAt: Timestamp
    private let mayMove: Bool
    /// The existing plays that are now known more exactly.
    package private(set) var refined: [PlayID: PlayMoment] = [:]
    /// The previous moments of those that were moved.
    package private(set) var moved: [PlayID: PlayMoment] = [:]

    /// `now` is the time of arrival. With `mayMove`, a road may change the day of a play that it alone has reported.
    package init(known: [KnownPlay], now: Timestamp, mayMove: Bool = false) {
        arrivedAt = now
        self.mayMove = mayMove
        byTitle = Dictionary(grouping: known, by: \.title)
        for play in known {
            // What we exported ourselves names the play by its ID.
            bySource[PlaySource(name: ImportSource.reelay.rawValue, key: play.id.description)] = play
            for source in play.sources { bySource[source] = play }
        }
    }

    /// Returns the verdict on a play; a new play counts for those after it.
    package mutating func verdict(on incoming: IncomingPlay, newID: () -> PlayID) -> PlayVerdict {
        if let play = bySource[incoming.source] {
            if play.isRemoved { return .removed(play.id) }
            guard mayMove, isMoved(play, incoming) else { return .known(play.id) }
            move(play, to: incoming.moment)
            return .moved(play.id)
        }
        let plays = byTitle[incoming.title] ?? []
        // Of equally near plays, prefer a standing one to a removed one.
        let nearest = plays.indices.compactMap { index -> (index: Int, distance: Duration)? in
            guard !Self.areTwo(incoming, plays[index]) else { return nil }
            return Self.distance(incoming, plays[index], now: arrivedAt).map { (index: index, distance: $0) }
        }.min { ($0.distance, plays[$0.index].isRemoved ? 1 : 0) < ($1.distance, plays[$1.index].isRemoved ? 1 : 0) }
        if let nearest {
            var play = plays[nearest.index]
            play.join(incoming)
            if !play.isRemoved, incoming.moment.exactness > play.moment.exactness {
                play.moment = incoming.moment
                refined[play.id] = incoming.moment
            }
            byTitle[incoming.title]?[nearest.index] = play
            bySource[incoming.source] = play
            return play.isRemoved ? .removed(play.id) : .same(play.id)
        }
        let play = KnownPlay(
            id: newID(), title: incoming.title, moment: incoming.moment, runtimeMinutes: incoming.runtimeMinutes,
            isRemoved: false, knownSince: arrivedAt, sources: [incoming.source],
            undated: incoming.moment == .unknown ? [incoming.source] : [])
        byTitle[incoming.title, default: []].append(play)
        bySource[incoming.source] = play
        return .new(play.id)
    }

    /// Whether a play's day was changed by the only road that reported it. False if a play from another road is at the
    /// new day: the two would be merged, and could not be separated again.
    private func isMoved(_ play: KnownPlay, _ incoming: IncomingPlay) -> Bool {
        guard case .day(let before) = play.moment, case .day(let day) = incoming.moment, day != before,
            play.isBrought, play.title == incoming.title,
            play.sources.allSatisfy({ $0.name == incoming.source.name })
        else { return false }
        return !(byTitle[play.title] ?? []).contains { other in
            other.id != play.id && other.moment != .unknown
                && Self.distance(incoming, other, now: arrivedAt) != nil
        }
    }

    private mutating func move(_ play: KnownPlay, to moment: PlayMoment) {
        var there = play
        there.moment = moment
        refined[play.id] = moment
        moved[play.id] = moved[play.id] ?? play.moment
        for source in play.sources { bySource[source] = there }
        if let index = byTitle[play.title]?.firstIndex(where: { $0.id == play.id }) {
            byTitle[play.title]?[index] = there
        }
    }

    /// Whether the two are plays of one ledger, one of them undated: they were two there, and "at some time" was
    /// reported before the other one.
    private static func areTwo(_ incoming: IncomingPlay, _ play: KnownPlay) -> Bool {
        let road = ImportSource.reelay.rawValue
        guard incoming.source.name == road, (incoming.moment == .unknown) != (play.moment == .unknown) else {
            return false
        }
        return play.sources.contains { $0.name == road && $0.key != incoming.source.key }
    }

    /// Returns the range of the moments (`PlayMoment.listedAt`) of dated plays that may be the same as one at `moment`:
    /// all within half of the longest running time, or on the same day anywhere on Earth, plus some hours. Plays whose
    /// moments become more exact meanwhile stay in it.
    static func reach(of moment: PlayMoment) -> ClosedRange<Timestamp> {
        guard moment != .unknown else {
            return Timestamp(clampingMicrosecondsSinceEpoch: .min)...Timestamp(clampingMicrosecondsSinceEpoch: .max)
        }
        return moment.listedAt.advanced(by: .zero - reach)...moment.listedAt.advanced(by: reach)
    }

    private static let reach = Duration.seconds(2 * 86_400)

    /// Returns how far apart the two are if they are the same play; nil if they are not.
    static func distance(_ incoming: IncomingPlay, _ play: KnownPlay, now: Timestamp) -> Duration? {
        // Most plays of a title are years apart.
        let isDated = incoming.moment != .unknown && play.moment != .unknown
        if isDated, !reach(of: incoming.moment).contains(play.moment.listedAt) { return nil }
        return distance(
            PlayTrace(
                moment: incoming.moment, roads: [incoming.source.name], runtimeMinutes: incoming.runtimeMinutes,
                knownSince: now), PlayTrace(play))
    }

    /// Returns the same distance; the order of the arguments does not matter.
    static func distance(_ one: PlayTrace, _ other: PlayTrace) -> Duration? {
        let shared = one.roads.intersection(other.roads)
        let isExact = !shared.subtracting(livingRoads).isEmpty
        let window = isExact ? .zero : window(one.runtimeMinutes, other.runtimeMinutes)
        switch (one.moment, other.moment) {
        case (.second(let one, _), .second(let other, _)):
            return near(one, other, within: window)
        case (.second(let one, _), .minute(let other, _)), (.minute(let one, _), .second(let other, _)),
            (.minute(let one, _), .minute(let other, _)):
            return near(minute(one), minute(other), within: window)
        case (.second(_, let one), .day(let other)), (.minute(_, let one), .day(let other)),
            (.day(let one), .second(_, let other)), (.day(let one), .minute(_, let other)),
            (.day(let one), .day(let other)):
            return one == other && shared.isEmpty ? .seconds(86_400) : nil
        // "Watched at some time" is true of any play before the report.
        case (.unknown, .unknown): return .seconds(2 * 86_400)
        case (.unknown, let dated): return dated.listedAt <= one.knownSince ? .seconds(3 * 86_400) : nil
        case (let dated, .unknown): return dated.listedAt <= other.knownSince ? .seconds(3 * 86_400) : nil
        }
    }

    /// Half the running time: the later play's end is then within the other play.
    private static func window(_ one: Int?, _ other: Int?) -> Duration {
        max(windowMin, .seconds(min(max(one ?? 0, other ?? 0), 1_440) * 30))
    }

    private static func near(_ one: Timestamp, _ other: Timestamp, within window: Duration) -> Duration? {
        let apart = one < other ? one.duration(to: other) : other.duration(to: one)
        return apart <= window ? apart : nil
    }

    /// Rounds down to the minute, as some roads report it.
    private static func minute(_ moment: Timestamp) -> Timestamp {
        let micros = moment.microsecondsSinceEpoch
        let rest = ((micros % 60_000_000) + 60_000_000) % 60_000_000
        return Timestamp(clampingMicrosecondsSinceEpoch: micros - rest)
    }
}
