package import Contracts

/// What a media server reports about one title for a person.
package struct PlayerWord: Sendable, Hashable {
    package let kind: MediaEvent.Kind
    package let isPaused: Bool?
    /// 0 to 100; nil if the server does not report the player's position.
    package let progressPercent: Double?
    package let isCompleted: Bool
    /// When it happened, and when it was received.
    package let at: Timestamp
    package let heardAt: Timestamp
    /// The length of the title, if known.
    package let runtime: Duration?

    package init(_ event: MediaEvent, receivedAt: Timestamp, heardAt: Timestamp, runtime: Duration?) {
        kind = event.kind
        isPaused = event.isPaused
        self.runtime = event.length ?? runtime
        progressPercent = event.progressPercent(runtime: runtime)
        isCompleted = event.isCompleted || event.kind == .scrobble
        let told = event.at ?? receivedAt
        // A clock that runs ahead is not trusted.
        at = receivedAt.duration(to: told) > HookLimits.aheadMax ? receivedAt : told
        self.heardAt = heardAt
    }

    /// Whether it happened too long ago to be what is being watched now.
    var isLate: Bool { at.duration(to: heardAt) > HookLimits.liveFor }
}

/// An open sitting, as seen by a report about its title.
package struct OpenSitting: Sendable, Hashable {
    package let state: PlaybackState
    /// 0 to 100.
    package let progressPercent: Double
    package let updatedAt: Timestamp
    /// How far the play went that the sitting already counts as, 0 to 100; nil if it does not count as one yet.
    package let countedPercent: Double?

    package init(
        state: PlaybackState, progressPercent: Double, updatedAt: Timestamp, countedPercent: Double? = nil
    ) {
        self.state = state
        self.progressPercent = progressPercent
        self.updatedAt = updatedAt
        self.countedPercent = countedPercent
    }

    /// Whether a player at `place` has started over what was counted: it plays before the middle of that. Two ends
    /// within half of a title are still one play.
    func isLeftBehind(at place: Double?) -> Bool {
        guard let place, let countedPercent else { return false }
        return place < countedPercent * Self.anewBelow
    }

    /// The fraction of what was counted.
    static let anewBelow = 0.5
}

/// What a report does to the sitting of its title, or to the history.
package enum SittingMove: Sendable, Hashable {
    /// Opens a sitting or continues the open one, unless that already is a play and was left behind. `isTold`: the
    /// other sides are told that the title is being watched.
    case begin(progressPercent: Double, isTold: Bool)
    case pause(progressPercent: Double?)
    /// Only moves the position.
    case advance(progressPercent: Double?)
    /// Turns the open sitting into a play if it is beyond the threshold; the sitting goes on.
    case count(progressPercent: Double)
    case end(progressPercent: Double)
    /// Logs a play without a sitting if it is beyond the threshold; nil means regardless of how far it went.
    case log(progressPercent: Double?)
    case unlog
    case nothing(String)

    /// How far along a title counts as being once its server counts it as watched.
    static let completedPercent = 90.0

    /// Returns the move for a report. A late report never opens a sitting and never moves one back; a late stop or
    /// completion still is a play. `lastEnd` is when the title's last sitting ended, if none is open.
    package static func of(_ word: PlayerWord, _ open: OpenSitting?, lastEnd: Timestamp? = nil) -> SittingMove {
        switch word.kind {
        case .markPlayed: return .log(progressPercent: nil)
        case .markUnplayed: return .unlog
        case .stop, .scrobble: return ending(word, open)
        case .play, .resume, .pause, .progress, .seek: break
        }
        if word.isLate { return .nothing("too long ago") }
        guard let open else {
            // The stop overtook it on the way.
            if let lastEnd, word.at < lastEnd { return .nothing("superseded by a later event") }
            // A report of pausing, or of being paused, means that the title has been watched.
            let isBreak =
                word.kind == .pause || ((word.kind == .progress || word.kind == .seek) && word.isPaused == true)
            return isBreak ? .pause(progressPercent: word.progressPercent ?? 0) : begin(word, nil)
        }
        if word.at < open.updatedAt { return .nothing("superseded by a later event") }
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

    /// How far the player's clock and ours may be apart.
    private static let lateness = Duration.seconds(60)

    private static func ending(_ word: PlayerWord, _ open: OpenSitting?) -> SittingMove {
        // The report may end the sitting before the one that is open now.
        let open = open.flatMap { word.at.advanced(by: lateness) < $0.updatedAt ? nil : $0 }
        var place = word.progressPercent ?? open.map { estimate(word, $0) } ?? 0
        if word.isCompleted { place = max(place, completedPercent) }
        guard open != nil else { return .log(progressPercent: place) }
        return word.kind == .scrobble ? .count(progressPercent: place) : .end(progressPercent: place)
    }

    /// Estimates the player's position by now, assuming that it kept playing since the last report.
    private static func estimate(_ word: PlayerWord, _ open: OpenSitting) -> Double {
        guard open.state == .playing, let runtime = word.runtime, runtime > .zero else { return open.progressPercent }
        let since = max(.zero, open.updatedAt.duration(to: word.at))
        return min(open.progressPercent + since / runtime * 100, 100)
    }
}
