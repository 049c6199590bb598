package import Contracts

/// What a job does on the other side.
package enum JobAction: String, Sendable, Hashable, CaseIterable {
    case start
    case pause
    case stop
    /// Being watched from now on; the other side counts it once it must be over.
    case checkIn = "check_in"
    /// No longer being watched, although it was checked in: nothing is to be counted.
    case checkOut = "check_out"
    case addPlay = "add_play"
    case removePlay = "remove_play"
    case rate
    case unrate
    case addToWatchlist = "add_to_watchlist"
    case removeFromWatchlist = "remove_from_watchlist"
    case addToCollection = "add_to_collection"
    case removeFromCollection = "remove_from_collection"

    /// Whether doing it twice has the same effect as doing it once; false only for what adds a play.
    package var isRepeatable: Bool { self != .stop && self != .addPlay }

    /// The facet that it belongs to.
    package var facet: SyncFacet {
        switch self {
        case .start, .pause, .stop, .checkIn, .checkOut, .addPlay, .removePlay: .history
        case .rate, .unrate: .ratings
        case .addToWatchlist, .removeFromWatchlist: .watchlist
        case .addToCollection, .removeFromCollection: .collection
        }
    }

    /// The actions of a facet that take up room there; a scrobble is sent whatever the history holds.
    package static func filling(_ facet: SyncFacet) -> [JobAction] {
        switch facet {
        case .history: [.addPlay]
        case .ratings: [.rate]
        case .watchlist: [.addToWatchlist]
        case .collection: [.addToCollection]
        case .progress: []
        }
    }

    /// Whether it reports what happens now, so that the next such report about its title makes it obsolete.
    package var isMomentary: Bool { [.start, .pause, .checkIn, .checkOut].contains(self) }
}

/// Who is waiting for a job.
package enum JobUrgency: Int16, Sendable, Hashable, CaseIterable {
    /// A person is watching or clicking now.
    case live = 0
    /// A sync or an import.
    case bulk = 1
}

/// The status of a queued job.
package enum JobStatus: String, Sendable, Hashable, CaseIterable {
    /// To be sent. → sending
    case pending
    /// The intent to send is committed. → leaves the queue, pending, verify
    case sending
    /// Sent, but whether it arrived is unknown. → leaves the queue, pending
    case verify
}

/// The connection that jobs are queued for: its jobs stay in order, one call at a time.
package struct LaneKey: Sendable, Hashable {
    package let user: UserID
    package let provider: SyncProvider

    package init(user: UserID, provider: SyncProvider) {
        self.user = user
        self.provider = provider
    }
}

/// A job to be queued.
package struct NewJob: Sendable, Hashable {
    package let id: UUIDBits
    package let lane: LaneKey
    package let urgency: JobUrgency
    package let kind: TitleKind
    package let title: TitleID
    package let action: JobAction
    package let payload: JobPayload
    /// Prevents the same thing from being queued twice while it waits: 1 to 200 bytes.
    package let fingerprint: String
    /// What it belongs to, such as a sync run.
    package let batch: UUIDBits?
    /// Created together with others, such as the episodes of a season that is marked as watched.
    package let isOneOfMany: Bool

    package init(
        id: UUIDBits, lane: LaneKey, urgency: JobUrgency, kind: TitleKind, title: TitleID, action: JobAction,
        payload: JobPayload, fingerprint: String, batch: UUIDBits? = nil, isOneOfMany: Bool = false
    ) {
        self.id = id
        self.lane = lane
        self.urgency = urgency
        self.kind = kind
        self.title = title
        self.action = action
        self.payload = payload
        self.fingerprint = fingerprint
        self.batch = batch
        self.isOneOfMany = isOneOfMany
    }

    /// The key of jobs that are sent together: bulk jobs of one action, and live ones from one click; other live jobs
    /// go alone.
    package var joinKey: String? { urgency == .bulk || isOneOfMany ? action.rawValue : nil }
}

/// What a job is about, and for whom.
struct JobSubject: Sendable, Hashable {
    let provider: SyncProvider
    let fingerprint: String
}

/// A job as held by a worker.
package struct QueueJob: Sendable, Hashable {
    package let id: UUIDBits
    package let position: Int64
    package let kind: TitleKind
    package let title: TitleID
    package let action: JobAction
    package let payload: JobPayload
    package let state: JobState

    package init(
        id: UUIDBits, position: Int64, kind: TitleKind, title: TitleID, action: JobAction, payload: JobPayload,
        state: JobState
    ) {
        self.id = id
        self.position = position
        self.kind = kind
        self.title = title
        self.action = action
        self.payload = payload
        self.state = state
    }
}

/// What the rules know of a job once a worker has claimed it.
package struct JobState: Sendable, Hashable {
    package var action: JobAction
    /// The status before the claim.
    package var status: JobStatus
    /// The number of failed tries and looks, including the one that begins now.
    package var retryCount: Int
    /// How often the intent to send was committed, including this time, but not sends that certainly did not arrive.
    package var sends: Int
    /// The number of looks that did not find it.
    package var looks: Int
    /// The number of consecutive claims that were never settled, including this one.
    package var unsettled: Int
    /// The time since it was queued, by the database's clock.
    package var age: Duration
    /// The time since the intent to send was committed; zero if this claim did it.
    package var sinceSent: Duration

    package init(
        action: JobAction, status: JobStatus, retryCount: Int, sends: Int, looks: Int, unsettled: Int, age: Duration,
        sinceSent: Duration
    ) {
        self.action = action
        self.status = status
        self.retryCount = retryCount
        self.sends = sends
        self.looks = looks
        self.unsettled = unsettled
        self.age = age
        self.sinceSent = sinceSent
    }
}
