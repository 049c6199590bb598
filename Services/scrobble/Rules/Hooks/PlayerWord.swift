package import Contracts

/// What a media server says about one title of a person.
package struct PlayerWord: Sendable, Hashable {
    package let kind: MediaEvent.Kind
    package let isPaused: Bool?
    /// 0 to 100; nil where the server does not say where the player is.
    package let progressPercent: Double?
    package let isCompleted: Bool
    /// When it happened, and when it is heard.
    package let at: Timestamp
    package let heardAt: Timestamp
    /// How long the title is, where anybody knows.
    package let runtime: Duration?

    package init(_ event: MediaEvent, receivedAt: Timestamp, heardAt: Timestamp, runtime: Duration?) {
        kind = event.kind
        isPaused = event.isPaused
        self.runtime = event.length ?? runtime
        progressPercent = event.progressPercent(runtime: runtime)
        isCompleted = event.isCompleted || event.kind == .scrobble
        let told = event.at ?? receivedAt
        // A clock that runs ahead is not believed.
        at = receivedAt.duration(to: told) > HookLimits.aheadMax ? receivedAt : told
        self.heardAt = heardAt
    }

    /// Too long ago to be what somebody watches now.
    var isLate: Bool { at.duration(to: heardAt) > HookLimits.liveFor }
}

/// An open sitting, as a word about its title meets it.
package struct OpenSitting: Sendable, Hashable {
    package let state: PlaybackState
    /// 0 to 100.
    package let progressPercent: Double
    package let updatedAt: Timestamp
    /// How far the play went that the sitting is already, 0 to 100; nil while it is none.
    package let countedPercent: Double?

    package init(
        state: PlaybackState, progressPercent: Double, updatedAt: Timestamp, countedPercent: Double? = nil
    ) {
        self.state = state
        self.progressPercent = progressPercent
        self.updatedAt = updatedAt
        self.countedPercent = countedPercent
    }

    /// Whether a player that is at `place` has begun anew what was counted: it plays before the middle of it. Two ends within half
    /// of a title are one play all the same.
    func isLeftBehind(at place: Double?) -> Bool {
        guard let place, let countedPercent else { return false }
        return place < countedPercent * Self.anewBelow
    }

    /// Of what was counted.
    static let anewBelow = 0.5
}

/// What a word does to the sitting of its title, or to the history.
package enum SittingMove: Sendable, Hashable {
    /// Opens a sitting or goes on with the open one, unless that is a play already and was left behind; `isTold`: the other
    /// sides hear that somebody watches.
    case begin(progressPercent: Double, isTold: Bool)
    case pause(progressPercent: Double?)
    /// Moves the place alone.
    case advance(progressPercent: Double?)
    /// Makes a play of the open sitting where it is beyond the threshold; the sitting goes on.
    case count(progressPercent: Double)
    case end(progressPercent: Double)
    /// A play without a sitting, where it is beyond the threshold; nil: however far.
    case log(progressPercent: Double?)
    case unlog
    case nothing(String)

    /// How far a title is that its server counts as watched.
    static let completedPercent = 90.0

    /// The rule. A word that comes late never opens a sitting and never moves one back; a stop or a completion that
    /// comes late is a play all the same. `lastEnd` is when the title's last sitting ended, where none is open.
    package static func of(_ word: PlayerWord, _ open: OpenSitting?, lastEnd: Timestamp? = nil) -> SittingMove {
        switch word.kind {
        case .markPlayed: return .log(progressPercent: nil)
        case .markUnplayed: return .unlog
        case .stop, .scrobble: return ending(word, open)
        case .play, .resume, .pause, .progress, .seek: break
        }
        if word.isLate { return .nothing("too long ago") }
        guard let open else {
            // On its way it was overtaken by the stop.
            if let lastEnd, word.at < lastEnd { return .nothing("overtaken by a later word") }
            // Whoever is heard of pausing, or standing still, has been watching.
            let isBreak =
                word.kind == .pause || ((word.kind == .progress || word.kind == .seek) && word.isPaused == true)
            return isBreak ? .pause(progressPercent: word.progressPercent ?? 0) : begin(word, nil)
        }
        if word.at < open.updatedAt { return .nothing("overtaken by a later word") }
        switch word.kind {
        case .pause: return .pause(progressPercent: word.progressPercent)
        case .progress, .seek:
            if word.isPaused != true, open.isLeftBehind(at: word.progressPercent) { return begin(word, open) }
            switch (word.isPaused, open.state) {
            case (true?, .playing): return .pause(progressPercent: word.progressPercent)
            case (false?, .paused): return begin(word, open)
            default: return .advance(progressPercent: word.progressPercent)
            }
        default: return begin(word, open)
        }
    }

    private static func begin(_ word: PlayerWord, _ open: OpenSitting?) -> SittingMove {
        let place = word.progressPercent ?? (word.kind == .play ? 0 : open?.progressPercent ?? 0)
        let isAnew = open?.isLeftBehind(at: place) == true
        return .begin(progressPercent: place, isTold: open?.state != .playing || word.kind == .play || isAnew)
    }

    /// How far the clocks of a player and of ours may be apart.
    private static let lateness = Duration.seconds(60)

    private static func ending(_ word: PlayerWord, _ open: OpenSitting?) -> SittingMove {
        // The end of a sitting before the one that goes on now.
        let open = open.flatMap { word.at.advanced(by: lateness) < $0.updatedAt ? nil : $0 }
        var place = word.progressPercent ?? open.map { estimate(word, $0) } ?? 0
        if word.isCompleted { place = max(place, completedPercent) }
        guard open != nil else { return .log(progressPercent: place) }
        return word.kind == .scrobble ? .count(progressPercent: place) : .end(progressPercent: place)
    }

    /// Where the player is by now, if it played on since it was last heard of.
    private static func estimate(_ word: PlayerWord, _ open: OpenSitting) -> Double {
        guard open.state == .playing, let runtime = word.runtime, runtime > .zero else { return open.progressPercent }
        let since = max(.zero, open.updatedAt.duration(to: word.at))
        return min(open.progressPercent + since / runtime * 100, 100)
    }
}
