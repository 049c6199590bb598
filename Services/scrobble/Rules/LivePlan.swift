package import Contracts

/// What a connection wants of playback.
package struct ConnectionPolicy: Sendable, Hashable {
    package let provider: SyncProvider
    /// From how far on a play is told there, 1 to 100.
    package let thresholdPercent: Double
    /// Whether what its person takes out here is taken out there.
    package var tellsRemovals = true
}

/// Something that happened to a sitting.
struct PlaybackChange: Sendable, Hashable {
    enum Step: String, Sendable, Hashable {
        case started
        /// Nothing more will be heard of it: it ends when its title must be over.
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
    /// Who counts the play by themselves: a check-in that has run its course was told there.
    var countedBy: Set<SyncProvider> = []
}

extension SyncProvider {
    /// Whether it can be told of a check-in. Elsewhere that is a start, and a stop when it is over.
    var takesCheckIns: Bool { self == .simkl }
}

/// What the other sides are told of playback.
enum LivePlan {
    /// Below this nothing was watched; Trakt refuses it (422).
    static let progressMin = 1.0
    /// From here on the other sides take a stop for a play and refuse a pause (Trakt: 422).
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
        // Untold it would be counted there, however far it came.
        let isCheckOut = change.wasCheckIn && connection.provider.takesCheckIns
        return switch change.step {
        case .started, .resumed: .start
        case .checkedIn: connection.provider.takesCheckIns ? .checkIn : .start
        case .stopped where change.isPlay && change.countedBy.contains(connection.provider): nil
        case .stopped where change.isPlay && change.progressPercent >= connection.thresholdPercent:
            // Below their own threshold a stop would be taken for a pause; one that ends a check-in is told as beyond it.
            change.progressPercent >= remoteThreshold || isCheckOut ? .stop : .addPlay
        case .paused, .stopped: isCheckOut ? .checkOut : canPause(change) ? .pause : nil
        }
    }

    private static func canPause(_ change: PlaybackChange) -> Bool {
        change.progressPercent >= progressMin && change.progressPercent < remoteThreshold
    }

    /// A sitting becomes a play once; its other changes are told apart by their time.
    private static func fingerprint(_ change: PlaybackChange, _ action: JobAction) -> String {
        change.isPlay ? "play \(change.session)" : fingerprint(action, change.session, change.at)
    }

    /// How a check-in is told that began at a moment.
    static func checkInFingerprint(_ session: PlaybackSessionID, startedAt: Timestamp) -> String {
        fingerprint(.checkIn, session, startedAt)
    }

    private static func fingerprint(_ action: JobAction, _ session: PlaybackSessionID, _ at: Timestamp) -> String {
        "\(action.rawValue) \(session) \(at.microsecondsSinceEpoch)"
    }
}
