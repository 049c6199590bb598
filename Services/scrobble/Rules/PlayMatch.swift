package import Contracts

/// When a play happened, as exactly as it is known.
package enum PlayMoment: Sendable, Hashable {
    /// `day` is the day on which that was where the person lives.
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

    /// Where it stands in a list: its instant, noon UTC of its day, or the far past.
    package var listedAt: Timestamp {
        switch self {
        case .second(let instant, _), .minute(let instant, _): instant
        case .day(let day): Timestamp(day).advanced(by: .seconds(43_200))
        case .unknown: Timestamp(clampingMicrosecondsSinceEpoch: 0)
        }
    }
}

/// By which road a play came: who told it, and what it is called there.
package struct PlaySource: Sendable, Hashable {
    package let name: String
    package let key: String

    package init(name: String, key: String) {
        self.name = name
        self.key = key
    }
}

/// A play as it arrives.
package struct IncomingPlay: Sendable, Hashable {
    package let title: TitleID
    package let kind: TitleKind
    package let moment: PlayMoment
    /// 0 to 100.
    package let percent: Double?
    package let runtimeMinutes: Int?
    package let source: PlaySource

    package init(
        title: TitleID, kind: TitleKind, moment: PlayMoment, percent: Double?, runtimeMinutes: Int?, source: PlaySource
    ) {
        self.title = title
        self.kind = kind
        self.moment = moment
        self.percent = percent
        self.runtimeMinutes = runtimeMinutes
        self.source = source
    }
}

/// A play of the ledger, one that its person removed included.
package struct KnownPlay: Sendable, Hashable {
    package let id: PlayID
    package let title: TitleID
    package let moment: PlayMoment
    package let runtimeMinutes: Int?
    package let isRemoved: Bool
    package var sources: Set<PlaySource>

    package init(
        id: PlayID, title: TitleID, moment: PlayMoment, runtimeMinutes: Int?, isRemoved: Bool, sources: Set<PlaySource>
    ) {
        self.id = id
        self.title = title
        self.moment = moment
        self.runtimeMinutes = runtimeMinutes
        self.isRemoved = isRemoved
        self.sources = sources
    }
}

/// What a play that arrives turns out to be.
package enum PlayVerdict: Sendable, Hashable {
    case new(PlayID)
    /// The same play by another road.
    case same(PlayID)
    /// It came by this road before.
    case known(PlayID)
    /// Its person removed it.
    case removed(PlayID)

    package var play: PlayID {
        switch self {
        case .new(let id), .same(let id), .known(let id), .removed(let id): id
        }
    }

    /// The play, unless its person removed it.
    var lasting: PlayID? { if case .removed = self { nil } else { play } }
}

/// Which of the plays that arrive are there already.
///
/// A play takes time, so nobody plays a title twice within the same stretch: two roads that tell of overlapping plays
/// tell of one. One road that tells of two, tells of two, unless they are at the very same moment.
package struct PlayMatcher: Sendable {
    /// Clocks and reports of two roads differ by this much at the most, however short the title.
    static let windowMin = Duration.seconds(300)
    /// The road of what a person writes down, and that of a sitting.
    package static let byHand = "manual"
    package static let sitting = "playback"
    /// Roads that tell of a play as it happens, perhaps twice; the others list what they have.
    static let livingRoads = Set([byHand, sitting] + HookSender.allCases.map(\.rawValue))

    private var byTitle: [TitleID: [KnownPlay]]
    private var bySource: [PlaySource: KnownPlay] = [:]

    package init(known: [KnownPlay]) {
        byTitle = Dictionary(grouping: known, by: \.title)
        for play in known {
            for source in play.sources { bySource[source] = play }
        }
    }

    /// Plays are told apart in their order; a new one counts for those after it.
    package mutating func verdict(on incoming: IncomingPlay, newID: () -> PlayID) -> PlayVerdict {
        if let play = bySource[incoming.source] { return play.isRemoved ? .removed(play.id) : .known(play.id) }
        let plays = byTitle[incoming.title] ?? []
        let nearest = plays.indices.compactMap { index in
            Self.distance(incoming, plays[index]).map { (index: index, distance: $0) }
        }.min { $0.distance < $1.distance }
        if let nearest {
            byTitle[incoming.title]?[nearest.index].sources.insert(incoming.source)
            let play = plays[nearest.index]
            bySource[incoming.source] = play
            return play.isRemoved ? .removed(play.id) : .same(play.id)
        }
        let play = KnownPlay(
            id: newID(), title: incoming.title, moment: incoming.moment, runtimeMinutes: incoming.runtimeMinutes,
            isRemoved: false, sources: [incoming.source])
        byTitle[incoming.title, default: []].append(play)
        bySource[incoming.source] = play
        return .new(play.id)
    }

    /// How far apart the two are, if they are the same play; nil where they are not.
    static func distance(_ incoming: IncomingPlay, _ play: KnownPlay) -> Duration? {
        let isSameRoad = play.sources.contains { $0.name == incoming.source.name }
        let isExact = isSameRoad && !livingRoads.contains(incoming.source.name)
        switch (incoming.moment, play.moment) {
        case (.second(let one, _), .second(let other, _)):
            return near(one, other, within: isExact ? .zero : window(incoming, play))
        case (.second(let one, _), .minute(let other, _)), (.minute(let one, _), .second(let other, _)),
            (.minute(let one, _), .minute(let other, _)):
            return near(minute(one), minute(other), within: isExact ? .zero : window(incoming, play))
        case (.second(_, let one), .day(let other)), (.minute(_, let one), .day(let other)),
            (.day(let one), .second(_, let other)), (.day(let one), .minute(_, let other)),
            (.day(let one), .day(let other)):
            return one == other && !isSameRoad ? .seconds(86_400) : nil
        // "Was watched at some time" is true of any play; a road that lists a date does not need it told again.
        case (.unknown, .unknown): return .seconds(2 * 86_400)
        case (.unknown, _): return .seconds(3 * 86_400)
        case (_, .unknown): return nil
        }
    }

    /// Half the running time: the later end lies within the other play.
    private static func window(_ incoming: IncomingPlay, _ play: KnownPlay) -> Duration {
        let minutes = incoming.runtimeMinutes ?? play.runtimeMinutes ?? 0
        return max(windowMin, .seconds(min(minutes, 1_440) * 30))
    }

    private static func near(_ one: Timestamp, _ other: Timestamp, within window: Duration) -> Duration? {
        let apart = one < other ? one.duration(to: other) : other.duration(to: one)
        return apart <= window ? apart : nil
    }

    /// Down to the whole minute, as some roads tell it.
    private static func minute(_ moment: Timestamp) -> Timestamp {
        let micros = moment.microsecondsSinceEpoch
        let rest = ((micros % 60_000_000) + 60_000_000) % 60_000_000
        return Timestamp(clampingMicrosecondsSinceEpoch: micros - rest)
    }
}
