package import Contracts

/// Who writes into a person's ledger, and with what authority.
package struct LedgerWriter: Sendable, Hashable {
    package let user: UserID
    /// The road of the write, such as `person`, `trakt` or `letterboxd`; 1 to 40 bytes.
    package let source: String
    /// The batch by which the write can be undone; nil for a person's own click.
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

    /// Returns the writer for a person's own click.
    package static func person(_ user: UserID, at moment: Timestamp) -> LedgerWriter {
        LedgerWriter(user: user, source: byPerson, batch: nil, at: moment, authority: .person)
    }
}

/// The authority of a writer over what is there.
package enum LedgerAuthority: Sendable, Hashable, CaseIterable {
    /// A person's own click: wins, and restores what was removed.
    case person
    /// A sync that has already weighed both sides: wins too.
    case plan
    /// A file: wins only if it is newer by its own date; what was removed stays removed.
    case file

    var isDecided: Bool { self != .file }
}

/// The outcome of writing one item.
package enum LedgerOutcome: String, Sendable, Hashable, CaseIterable {
    /// It did not exist, or had been removed.
    case created
    case updated
    /// It already was like this.
    case same
    /// The existing item is newer by its own date.
    case older
    /// The person removed it, and a file does not restore it.
    case removedByYou = "removed_by_you"
    case removed
    /// There was nothing to remove.
    case absent
    /// A later item of the call is about the same title.
    case repeated

    /// Whether it changed the ledger.
    package var isChange: Bool { self == .created || self == .updated || self == .removed }
}
