package import Contracts

/// What a connection wants to be told about playback.
package struct ConnectionPolicy: Sendable, Hashable {
    package let provider: SyncProvider
    /// How far a play must go to be sent, 1 to 100.
    package let thresholdPercent: Double
    /// Whether what the person removes here is removed there too.
    package var tellsRemovals = true
}

/// A change of a sitting.
struct PlaybackChange: Sendable, Hashable {
    enum Step: String, Sendable, Hashable {
        case started
        /// Nothing more will be reported: it ends when its title must be over.
        case checkedIn
        case resumed
        case paused
        case stopped
    }

    let step: Step
    let user: UserID
    let session: PlaybackSessionID
    let title: TitleID
    let kind: TitleKind
    /// 0 to 100.
    let progressPercent: Double
    let at: Timestamp
    /// Whether it became a play.
    let isPlay: Bool
    /// Whether it was a check-in until now.
    var wasCheckIn = false
    /// The providers that count the play themselves: they were told of a check-in that has run its course.
    var countedBy: Set<SyncProvider> = []
}

extension SyncProvider {
    /// Whether it supports check-ins. Others are sent a start, and a stop when the title is over.
    var takesCheckIns: Bool { self == .simkl }
}

/// What the other sides are sent about playback.
enum LivePlan {
    /// Below this, nothing was watched; Trakt refuses it (422).
    static let progressMin = 1.0
    /// From this on, the other sides treat a stop as a play and refuse a pause (Trakt: 422).
    static let remoteThreshold = 80.0

    static func jobs(
        _ change: PlaybackChange, _ connections: [ConnectionPolicy], id: () -> UUIDBits
    ) -> [NewJob] {
        connections.compactMap { connection in
            guard let action = action(change, connection) else { return nil }
            return NewJob(
                id: id(), lane: LaneKey(user: change.user, provider: connection.provider), urgency: .live,
                kind: change.kind, title: change.title, action: action,
                payload: JobPayload(
                    progressPercent: change.progressPercent, watchedAt: change.isPlay ? change.at : nil,
                    precision: change.isPlay ? .second : nil),
                fingerprint: fingerprint(change, action))
        }
    }

    static func action(_ change: PlaybackChange, _ connection: ConnectionPolicy) -> JobAction? {
        // Otherwise the other side would count it, however far it went.
        let isCheckOut = change.wasCheckIn && connection.provider.takesCheckIns
        return switch change.step {
        case .started, .resumed: .start
        case .checkedIn: connection.provider.takesCheckIns ? .checkIn : .start
        case .stopped where change.isPlay && change.countedBy.contains(connection.provider): nil
        case .stopped where change.isPlay && change.progressPercent >= connection.thresholdPercent:
            // Below the other side's own threshold, a stop would be treated as a pause; a stop that ends a check-in is
            // sent as if beyond it.
            change.progressPercent >= remoteThreshold || isCheckOut ? .stop : .addPlay
        case .paused, .stopped: isCheckOut ? .checkOut : canPause(change) ? .pause : nil
        }
    }

    private static func canPause(_ change: PlaybackChange) -> Bool {
        change.progressPercent >= progressMin && change.progressPercent < remoteThreshold
    }

    /// A sitting becomes a play once; its other changes are distinguished by their time.
    private static func fingerprint(_ change: PlaybackChange, _ action: JobAction) -> String {
        change.isPlay ? "play \(change.session)" : fingerprint(action, change.session, change.at)
    }

    /// Returns the fingerprint of a check-in that began at a given moment.
    static func checkInFingerprint(_ session: PlaybackSessionID, startedAt: Timestamp) -> String {
        fingerprint(.checkIn, session, startedAt)
    }

    private static func fingerprint(_ action: JobAction, _ session: PlaybackSessionID, _ at: Timestamp) -> String {
        "\(action.rawValue) \(session) \(at.microsecondsSinceEpoch)"
    }
}
