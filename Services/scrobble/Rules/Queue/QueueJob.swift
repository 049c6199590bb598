package import Contracts

/// What a job does on the other side.
package enum JobAction: String, Sendable, Hashable, CaseIterable {
    case start
    case pause
    case stop
    /// Is watched from now on, and counted by the other side once it must be over.
    case checkIn = "check_in"
    /// Is watched no longer, though it was checked in: there is nothing to be counted.
    case checkOut = "check_out"
    case addPlay = "add_play"
    case removePlay = "remove_play"
    case rate
    case unrate
    case addToWatchlist = "add_to_watchlist"
    case removeFromWatchlist = "remove_from_watchlist"
    case addToCollection = "add_to_collection"
    case removeFromCollection = "remove_from_collection"

    /// Whether doing it twice comes to the same as doing it once: only what adds a play does not.
    package var isRepeatable: Bool { self != .stop && self != .addPlay }

    /// What it is part of.
    package var facet: SyncFacet {
        switch self {
        case .start, .pause, .stop, .checkIn, .checkOut, .addPlay, .removePlay: .history
        case .rate, .unrate: .ratings
        case .addToWatchlist, .removeFromWatchlist: .watchlist
        case .addToCollection, .removeFromCollection: .collection
        }
    }

    /// What takes room there, of a facet; a scrobble is told whatever the history holds.
    package static func filling(_ facet: SyncFacet) -> [JobAction] {
        switch facet {
        case .history: [.addPlay]
        case .ratings: [.rate]
        case .watchlist: [.addToWatchlist]
        case .collection: [.addToCollection]
        case .progress: []
        }
    }

    /// Whether it tells what happens now, so that the next such word about its title makes it needless.
    package var isMomentary: Bool { [.start, .pause, .checkIn, .checkOut].contains(self) }
}

/// Who waits for a job.
package enum JobUrgency: Int16, Sendable, Hashable, CaseIterable {
    /// A person watches or clicks now.
    case live = 0
    /// A sync or an import.
    case bulk = 1
}

/// Where a job in the queue stands.
package enum JobStatus: String, Sendable, Hashable, CaseIterable {
    /// To be sent. → sending
    case pending
    /// The intent to send is committed. → leaves the queue, pending, verify
    case sending
    /// Sent, but whether it arrived is unknown. → leaves the queue, pending
    case verify
}

/// The connection that jobs wait for: its jobs keep their order, one call at a time.
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
    /// The same thing is not queued twice while it waits: 1 to 200 bytes.
    package let fingerprint: String
    /// What it belongs to, such as a run of a sync.
    package let batch: UUIDBits?
    /// Made with others in one breath, such as the episodes of a season that is marked as watched.
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

    /// Bulk jobs of one action travel together, and live ones that one click made; other live ones go alone.
    package var joinKey: String? { urgency == .bulk || isOneOfMany ? action.rawValue : nil }
}

/// What a job is about, and who it is for.
struct JobSubject: Sendable, Hashable {
    let provider: SyncProvider
    let fingerprint: String
}

/// A job as a worker holds it.
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

/// What the rules know of a job when a worker has claimed it.
package struct JobState: Sendable, Hashable {
    package var action: JobAction
    /// Before the claim.
    package var status: JobStatus
    /// Tries and looks that came to nothing, the one that begins now included.
    package var retryCount: Int
    /// Times that the intent to send was committed, this one included, without those that surely did not arrive.
    package var sends: Int
    /// Looks that did not find it.
    package var looks: Int
    /// Claims in a row that nobody settled, this one included.
    package var unsettled: Int
    /// Since it was queued, by the database's clock.
    package var age: Duration
    /// Since the intent to send was committed; zero where that is this claim's.
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
