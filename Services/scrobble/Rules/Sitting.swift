import Contracts

/// The kinds that can be watched from beginning to end.
enum PlayableKind: String, Sendable, Hashable {
    case movie
    case episode

    init?(_ kind: TitleKind) {
        switch kind {
        case .movie: self = .movie
        case .episode: self = .episode
        case .series, .season: return nil
        }
    }
}

/// A sitting that begins.
struct Sitting: Sendable, Hashable {
    let id: PlaybackSessionID
    let user: UserID
    let title: TitleID
    let kind: PlayableKind
    /// 0 to 100.
    let progressPercent: Double
    let startedAt: Timestamp
    /// When it ends by itself unless something more is reported.
    let expiresAt: Timestamp
    /// The media server's name for the device; nil if the sitting is not from a media server.
    var player: String?
    /// The person's IANA time zone.
    var timeZone = "UTC"
    /// The length of the title, if known.
    var runtimeMinutes: Int?
    /// Nothing more will be reported: it ends as a play at `expiresAt`.
    var isCheckIn = false
}

/// How long a sitting lasts without a report from its player.
///
///     playing ◀──resume── paused        heartbeat: playing stays playing, paused stays paused
///        │ ──pause──▶       │
///        └────────┬─────────┘
///           stop, or silence ──▶ stopped (a play if the threshold was reached, or a check-in has run its course)
enum SittingPatience {
    /// A playing player may be silent until the title's end and a while longer.
    static let playingMargin = Duration.seconds(1_800)
    /// The length assumed if it is unknown.
    static let runtimeDefault = Duration.seconds(3 * 3_600)
    /// A greater length is not believed.
    static let runtimeMax = Duration.seconds(12 * 3_600)
    static let paused = Duration.seconds(24 * 3_600)
    /// A player that used to report its position, and no longer does, is gone.
    static let heartbeat = Duration.seconds(900)

    /// Returns the patience with a player that began to play; `runtime` is the length of the title.
    static func playing(progressPercent: Double, runtime: Duration?) -> Duration {
        let whole = min(runtime ?? runtimeDefault, runtimeMax)
        let left = whole * (1 - min(max(progressPercent, 0), 100) / 100)
        return left + playingMargin
    }
}
