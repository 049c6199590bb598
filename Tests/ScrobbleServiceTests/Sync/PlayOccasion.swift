import Contracts

@testable import ScrobbleService

/// Something that somebody watched, as often as it is listed there.
struct PlayOccasion {
    /// Rows of it there; two where it is listed twice, which is one play here all the same.
    let rows: Int
    /// Whether it was there when all was quiet, or is new since.
    var isStanding = true
    /// What each side had of it then.
    var before = Books(here: 0, there: 0)
    /// And what has happened to it since, in its order.
    var deeds: [Deed] = []
    /// What was done about it since all was quiet.
    var isNew = true
    var isTakenOut = false
    var isRestored = false
    /// Taken out and put in at once, or listed twice: what is left in the end is anybody's guess, within bounds.
    var isVague: Bool
    /// On which sides its person has taken something out, ever.
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

    /// What both books are to have where what was done leaves no doubt.
    var wanted: Books? {
        switch (deeds, before) {
        case ([], let before): before
        case ([.addHere], _), ([.addThere], _), ([.addBoth], _): Books(here: 1, there: rows)
        case ([.addHere, .removeHere], _): Books(here: 0, there: 0)
        case ([.addThere, .removeThere], _): Books(here: rows - 1, there: rows - 1)
        // One of two that mean the same was cleared away.
        case ([.removeThere], Books(here: 1, there: 2)): Books(here: 1, there: 1)
        case ([.removeThere], Books(here: 1, there: 1)), ([.removeHere], Books(here: 1, there: 1)):
            Books(here: 0, there: 0)
        // Put back by its person, however it went before.
        case ([.restore], Books(here: 0, there: 0)): Books(here: 1, there: 1)
        case ([.restore], Books(here: 0, there: 1)): Books(here: 1, there: 1)
        default: nil
        }
    }
}
