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
    /// When it ends by itself unless something is heard of it.
    let expiresAt: Timestamp
    /// What a media server calls the device; nil where it is none of a media server.
    var player: String?
    /// Where the person lives, as the IANA names it.
    var timeZone = "UTC"
    /// How long the title is, where anybody knows.
    var runtimeMinutes: Int?
    /// Nothing more is heard of it: it ends as a play at `expiresAt`.
    var isCheckIn = false
}

/// How long a sitting lives on without a word from its player.
///
///     playing ◀──resume── paused        heartbeat: playing stays playing, paused stays paused
///        │ ──pause──▶       │
///        └────────┬─────────┘
///           stop, or silence ──▶ stopped (a play where the threshold was reached, or a check-in has run its course)
enum SittingPatience {
    /// A player that shows the title may be silent until its end and a while longer.
    static let playingMargin = Duration.seconds(1_800)
    /// Where the length is not known.
    static let runtimeDefault = Duration.seconds(3 * 3_600)
    /// A longer length is not believed.
    static let runtimeMax = Duration.seconds(12 * 3_600)
    static let paused = Duration.seconds(24 * 3_600)
    /// A player that tells where it is, and then does not any more, is gone.
    static let heartbeat = Duration.seconds(900)

    /// How long after a player began to play; `runtime` is the title's length.
    static func playing(progressPercent: Double, runtime: Duration?) -> Duration {
        let whole = min(runtime ?? runtimeDefault, runtimeMax)
        let left = whole * (1 - min(max(progressPercent, 0), 100) / 100)
        return left + playingMargin
    }
}
