package import Contracts

/// A change as stored by a run: what is planned, and what became of it.
package struct SyncChange: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case planned, queued, done, skipped, failed, held, dry, undone
    }

    /// From 0, in plan order.
    package var position: Int
    package let facet: SyncFacet
    package let side: SyncSide
    package let title: TitleID
    package let kind: TitleKind
    package var play: PlayID?
    package var theirs: Int64?
    package let was: String?
    /// Nil if it is removed.
    package let becomes: String?
    package let at: Timestamp?
    package var state: State
    package var reason: String?
    /// Whether it undoes another change of the same run.
    package var isUndo: Bool
    /// For a rating here, the version that the plan saw, 0 if there was none; nil if that is unknown.
    package var ourVersion: Int64?

    package init(
        position: Int = 0, facet: SyncFacet, side: SyncSide, title: TitleID, kind: TitleKind, play: PlayID? = nil,
        theirs: Int64? = nil, was: String?, becomes: String?, at: Timestamp? = nil, state: State = .planned,
        reason: String? = nil, isUndo: Bool = false, ourVersion: Int64? = nil
    ) {
        self.ourVersion = ourVersion
        self.isUndo = isUndo
        self.position = position
        self.facet = facet
        self.side = side
        self.title = title
        self.kind = kind
        self.play = play
        self.theirs = theirs
        self.was = was
        self.becomes = becomes
        self.at = at
        self.state = state
        self.reason = reason
    }
}

/// What both sides agreed on about one item, as stored.
package struct BaseRow: Sendable, Hashable {
    package let facet: SyncFacet
    /// The title, or, in the history, the play.
    package let item: UUIDBits
    package let title: TitleID
    package let kind: TitleKind
    package var value: String?
    package var theirs: Int64?
    package var writtenAt: Timestamp?
    package var was: String?
    package var isLetGo: Bool
    package var isApart: Bool
    /// What we have instead, if that is not what they have.
    package var apart: String?

    package init(
        facet: SyncFacet, item: UUIDBits, title: TitleID, kind: TitleKind, value: String?, theirs: Int64? = nil,
        writtenAt: Timestamp? = nil, was: String? = nil, isLetGo: Bool = false, isApart: Bool = false,
        apart: String? = nil
    ) {
        self.apart = apart
        self.facet = facet
        self.item = item
        self.title = title
        self.kind = kind
        self.value = value
        self.theirs = theirs
        self.writtenAt = writtenAt
        self.was = was
        self.isLetGo = isLetGo
        self.isApart = isApart
    }
}

/// An item that both sides changed, as stored.
package struct SyncClash: Sendable, Hashable {
    package let facet: SyncFacet
    package let title: TitleID
    package let kind: TitleKind
    package let base: String?
    package let ours: String
    package let theirs: String
    package let winner: SyncSide?

    package init(
        facet: SyncFacet, title: TitleID, kind: TitleKind, base: String?, ours: String, theirs: String,
        winner: SyncSide?
    ) {
        self.facet = facet
        self.title = title
        self.kind = kind
        self.base = base
        self.ours = ours
        self.theirs = theirs
        self.winner = winner
    }
}

/// How far a facet was read.
package struct SyncPlace: Sendable, Hashable {
    package let facet: SyncFacet
    /// The stamps of the other side's latest activities, by kind.
    package let stamps: [String: String]
    package let ourVersion: Int64
    /// When everything was last read.
    package let wholeAt: Timestamp

    package init(facet: SyncFacet, stamps: [String: String], ourVersion: Int64, wholeAt: Timestamp) {
        self.facet = facet
        self.stamps = stamps
        self.ourVersion = ourVersion
        self.wholeAt = wholeAt
    }
}

/// A plan of all facets together, ready to be stored.
package struct SyncDraft: Sendable {
    package var changes: [SyncChange] = []
    package var base: [BaseRow] = []
    /// Items that the base forgets, by facet.
    package var forgotten: [(facet: SyncFacet, item: UUIDBits)] = []
    package var clashes: [SyncClash] = []
    package var places: [SyncPlace] = []
    /// Facets that the other side refused as a whole while they were read.
    package var barred: [SyncFacet: StopCause] = [:]
    /// Facets that were stopped and are tried again with this plan.
    package var lifted: Set<SyncFacet> = []
    /// Facets of which something is left out because they are stopped.
    package var stopped: [SyncFacet: StopCause] = [:]

    package init() {}

    package mutating func append(_ other: SyncDraft) {
        changes += other.changes
        base += other.base
        forgotten += other.forgotten
        clashes += other.clashes
        places += other.places
        barred.merge(other.barred) { first, _ in first }
        lifted.formUnion(other.lifted)
        stopped.merge(other.stopped) { first, _ in first }
    }

    /// Whether it removes something here.
    package var takesAway: Bool { changes.contains { $0.side == .ours && $0.becomes == nil } }

    /// Whether it would be different if what a reading has not shown were there after all: something is removed here, a
    /// play is sent that they may have, or something is considered gone on both sides.
    package var leansOnAbsence: Bool {
        takesAway || forgotten.contains { $0.facet == .history }
            || base.contains { $0.facet != .history && $0.value == nil }
            || changes.contains { $0.facet == .history && $0.side == .theirs && $0.becomes != nil }
    }

    /// Whether something in it waits for the person.
    package var isOpen: Bool { heldText != nil || clashes.contains { $0.winner == nil } }

    /// Returns the draft without what a stopped facet would not accept: what needs more room there.
    package func withoutFilling(_ facet: SyncFacet, for cause: StopCause) -> SyncDraft {
        var draft = self
        draft.changes.removeAll {
            $0.facet == facet && $0.side == .theirs && $0.was == nil && $0.becomes != nil
        }
        if draft.changes.count < changes.count { draft.stopped[facet] = cause }
        return draft
    }

    /// Which facets are stopped, and why, for anyone looking at the run; nil if none is.
    package var stoppedText: String? {
        let all = stopped.merging(barred) { first, _ in first }
        guard !all.isEmpty else { return nil }
        return all.sorted { $0.key.rawValue < $1.key.rawValue }.map { ConnectionWords.reason($0.key, $0.value) }
            .joined(separator: " ")
    }

    /// What the brake has stopped, as a text that is the same for the same removals.
    package var heldText: String? {
        let held = changes.filter { $0.state == .held }.map {
            "\($0.facet.rawValue) \($0.side.rawValue) \($0.play.map { "\($0)" } ?? "\($0.title)")"
        }
        return held.isEmpty ? nil : held.sorted().joined(separator: "\n")
    }
}

/// A facet's value that can be stored in the database.
package protocol SyncStorable: Hashable, Comparable, Sendable {
    init?(stored text: String)
    var stored: String { get }
}

extension Int: SyncStorable {
    package init?(stored text: String) { self.init(text) }
    package var stored: String { String(self) }
}
