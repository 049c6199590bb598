package import Contracts

/// Who writes into a person's ledger, and how far its word goes.
package struct LedgerWriter: Sendable, Hashable {
    package let user: UserID
    /// The road by which it comes, such as `person`, `trakt` or `letterboxd`; 1 to 40 bytes.
    package let source: String
    /// What it is taken back with; nil for a person's own click.
    package let batch: BatchID?
    package let at: Timestamp
    package let authority: LedgerAuthority

    package init(user: UserID, source: String, batch: BatchID?, at: Timestamp, authority: LedgerAuthority) {
        self.user = user
        self.source = source
        self.batch = batch
        self.at = at
        self.authority = authority
    }

    /// The road of a person's own click.
    package static let byPerson = "person"

    /// A person's own click.
    package static func person(_ user: UserID, at moment: Timestamp) -> LedgerWriter {
        LedgerWriter(user: user, source: byPerson, batch: nil, at: moment, authority: .person)
    }
}

/// How far a writer's word goes against what is there.
package enum LedgerAuthority: Sendable, Hashable, CaseIterable {
    /// A person's own click: wins, and brings back what was removed.
    case person
    /// A sync that weighed both sides already: wins too.
    case plan
    /// A file: only what is newer by its own date, and what was removed stays removed.
    case file

    var isDecided: Bool { self != .file }
}

/// What became of one item that was written.
package enum LedgerOutcome: String, Sendable, Hashable, CaseIterable {
    /// It was not there, or had been removed.
    case created
    case updated
    /// It was so already.
    case same
    /// What is there is newer by its own date.
    case older
    /// Its person removed it, and a file does not bring it back.
    case removedByYou = "removed_by_you"
    case removed
    /// There was nothing to remove.
    case absent
    /// A later item of the call is of the same title.
    case repeated

    /// Whether it changed the ledger.
    package var isChange: Bool { self == .created || self == .updated || self == .removed }
}
