import Contracts

@testable import ScrobbleService

/// Something that was watched, as often as it is listed there.
struct PlayOccasion {
    /// The number of its rows there; two if it is listed twice, which is still one play here.
    let rows: Int
    /// Whether it was there at the last quiet point, rather than added since.
    var isStanding = true
    /// What each side had of it then.
    var before = Books(here: 0, there: 0)
    /// What has happened to it since, in order.
    var deeds: [Deed] = []
    /// What was done to it since the last quiet point.
    var isNew = true
    var isTakenOut = false
    var isRestored = false
    /// Removed and added at the same time, or listed twice: the result is undetermined, within bounds.
    var isVague: Bool
    /// The sides on which the person has ever removed something of it.
    var removals: Set<SyncSide> = []

    init(rows: Int) {
        self.rows = rows
        isVague = rows > 1
    }

    enum Deed: Equatable {
        case addHere, addThere, addBoth, removeHere, removeThere, restore
    }

    struct Books: Equatable {
        let here: Int
        let there: Int
    }

    /// What both books must have, if the deeds leave no doubt.
    var wanted: Books? {
        switch (deeds, before) {
        case ([], let before): before
        case ([.addHere], _), ([.addThere], _), ([.addBoth], _): Books(here: 1, there: rows)
        case ([.addHere, .removeHere], _): Books(here: 0, there: 0)
        case ([.addThere, .removeThere], _): Books(here: rows - 1, there: rows - 1)
        // One of two duplicates was removed.
        case ([.removeThere], Books(here: 1, there: 2)): Books(here: 1, there: 1)
        case ([.removeThere], Books(here: 1, there: 1)), ([.removeHere], Books(here: 1, there: 1)):
            Books(here: 0, there: 0)
        // Restored by the person, whatever happened before.
        case ([.restore], Books(here: 0, there: 0)): Books(here: 1, there: 1)
        case ([.restore], Books(here: 0, there: 1)): Books(here: 1, there: 1)
        default: nil
        }
    }
}
