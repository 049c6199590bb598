package import Contracts

/// A play of ours, as far as it concerns a sync.
package struct OurPlay: Sendable, Hashable {
    package let id: PlayID
    package let title: TitleID
    package let moment: PlayMoment
    package let runtimeMinutes: Int?
    /// The person removed it.
    package let isRemoved: Bool
    /// The other side cannot or must not hold it.
    package let isBeyond: Bool
    /// The other side has said that it has the play, at this time.
    package let isThereAt: Timestamp?
    /// It came so recently that a reading may not show yet that another road sent it to the other side.
    package let isRecent: Bool

    package init(
        id: PlayID, title: TitleID, moment: PlayMoment, runtimeMinutes: Int? = nil, isRemoved: Bool = false,
        isBeyond: Bool = false, isThereAt: Timestamp? = nil, isRecent: Bool = false
    ) {
        self.isThereAt = isThereAt
        self.isRecent = isRecent
        self.id = id
        self.title = title
        self.moment = moment
        self.runtimeMinutes = runtimeMinutes
        self.isRemoved = isRemoved
        self.isBeyond = isBeyond
    }
}

/// A play of theirs.
package struct TheirPlay: Sendable, Hashable {
    /// The number of its row there.
    package let id: Int64
    package let title: TitleID
    /// Nil if they do not know.
    package let watchedAt: Timestamp?
    /// The day in the person's time zone; nil if it is not needed.
    package let day: CalendarDate?

    package init(id: Int64, title: TitleID, watchedAt: Timestamp?, day: CalendarDate? = nil) {
        self.day = day
        self.id = id
        self.title = title
        self.watchedAt = watchedAt
    }
}

/// What the other side was told to remove so recently that a reading may still show it.
package struct LeavingPlays: Sendable, Hashable {
    package var plays: Set<PlayID>
    /// The numbers of their rows there, as far as known.
    package var rows: Set<Int64>
    /// The moments they were sent with; an edited play no longer has its own.
    package var moments: Set<LeavingMoment>

    package init(plays: Set<PlayID> = [], rows: Set<Int64> = [], moments: Set<LeavingMoment> = []) {
        self.plays = plays
        self.rows = rows
        self.moments = moments
    }

    /// Whether a row may be one of them that is still shown.
    func mayShow(_ play: TheirPlay) -> Bool {
        guard !moments.isEmpty, let at = play.watchedAt else { return false }
        let moment = LeavingMoment(title: play.title, at: at)
        // The other side stamps a scrobble itself.
        return (-1...1).contains { moments.contains(moment.later(byMinutes: $0)) }
    }
}

/// A title and the minute at which it was watched.
package struct LeavingMoment: Sendable, Hashable {
    private let title: TitleID
    private let minute: Int64

    package init(title: TitleID, at moment: Timestamp) {
        self.init(title: title, minute: moment.microsecondsSinceEpoch / 60_000_000)
    }

    private init(title: TitleID, minute: Int64) {
        self.title = title
        self.minute = minute
    }

    fileprivate func later(byMinutes count: Int64) -> LeavingMoment {
        LeavingMoment(title: title, minute: minute + count)
    }
}

/// A play that both sides have.
package struct PlayPair: Sendable, Hashable {
    package let play: PlayID
    package let title: TitleID
    /// Nil for one that we have written and not seen there yet.
    package let theirs: Int64?
    /// Agreed on so recently that a reading may not show it yet.
    package let isFresh: Bool
    /// Removed here before both sides met: it stays removed here and untouched there.
    package let isApart: Bool
    /// They are not to have it: a sync that had sent it was undone.
    package let isOursAlone: Bool

    package init(
        play: PlayID, title: TitleID, theirs: Int64?, isFresh: Bool = false, isApart: Bool = false,
        isOursAlone: Bool = false
    ) {
        self.isOursAlone = isOursAlone
        self.play = play
        self.title = title
        self.theirs = theirs
        self.isFresh = isFresh
        self.isApart = isApart
    }
}

/// What a sync of the history would do. Plays are never changed, only added and removed.
package struct HistoryPlan: Sendable, Hashable {
    /// Theirs that we lack.
    package var forUs: [TheirPlay] = []
    /// Ours that they lack.
    package var forThem: [OurPlay] = []
    /// Ours that they removed.
    package var removeOurs: [PlayID] = []
    /// Rows of theirs that the person removed here.
    package var removeTheirs: [PlayPair] = []
    /// Plays found on both sides.
    package var pairs: [PlayPair] = []
    /// Pairs that have ended: neither side has the play.
    package var forgotten: [PlayID] = []
    package var heldForUs: [PlayID] = []
    package var heldForThem: [PlayPair] = []
    package var brakes: [SyncSide: RemovalBrake.Verdict] = [:]
    /// The number of our plays that must be compared with a complete reading before they are sent.
    package var unread = 0
    /// The number of our plays that a later sync sends, once a reading would show what came by another road.
    package var recent = 0

    package init() {}

    package var isEmpty: Bool {
        forUs.isEmpty && forThem.isEmpty && removeOurs.isEmpty && removeTheirs.isEmpty && pairs.isEmpty
            && forgotten.isEmpty
    }
}
