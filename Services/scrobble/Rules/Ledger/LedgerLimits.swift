/// The bounds of the ledger that the contract does not have.
package enum LedgerLimits {
    /// Plays or items that one call of a store writes.
    package static let itemsMax = 1_000
    /// Lists of a person.
    package static let listsMax = 1_000
    /// Titles of a list.
    package static let listItemsMax = 10_000
    /// Episodes of a show that are taken over from metadata.
    static let guideEpisodesMax = 20_000
    /// Items of a page where the caller does not say.
    static let pageRowsDefault = 50
    /// Seasons of a show that an answer tells of.
    static let seasonsMax = 1_000
    /// Items that an undoing names which it left as they are.
    static let keptItemsMax = 200
    /// Items of a batch that one transaction takes back.
    static let undoItemsMax = 1_000
    /// How long a writer of a batch may take over one portion: its taking back waits for so long where one has died.
    static let writeTime = Duration.seconds(120)
    /// Batches that are forgotten together, and rows of what they changed that one statement removes.
    static let forgottenBatchesMax = 100
    static let forgottenChangesMax = 5_000
    /// Titles about which one call for several people asks.
    static let lookUpTitlesMax = 100
    /// How long it is kept that a transaction changed what titles are to a person. Longer than what was told is kept by those who ask
    /// (a minute) and the longest transaction together: what went could not be told from what came.
    static let stateChangesKeptFor = Duration.seconds(600)
    /// Of those, how many one statement removes.
    static let stateChangesSweptMax = 5_000
}
