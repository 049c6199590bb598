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
}
