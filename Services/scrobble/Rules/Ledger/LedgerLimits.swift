/// The bounds of the ledger that are not part of the contract.
package enum LedgerLimits {
    /// The number of plays or items written by one call of a store.
    package static let itemsMax = 1_000
    /// The number of lists per person.
    package static let listsMax = 1_000
    /// The number of titles in a list.
    package static let listItemsMax = 10_000
    /// The number of episodes of a show that are taken over from metadata.
    static let guideEpisodesMax = 20_000
    /// The number of items in a page if the caller does not say.
    static let pageRowsDefault = 50
    /// The number of seasons of a show in one answer.
    static let seasonsMax = 1_000
    /// The number of items that an undo reports as left unchanged.
    static let keptItemsMax = 200
    /// The number of items of a batch that one transaction undoes.
    static let undoItemsMax = 1_000
    /// How long a writer of a batch may take for one portion; an undo waits this long if a writer has died.
    static let writeTime = Duration.seconds(120)
    /// The number of batches that are forgotten together, and of rows of their changes that one statement deletes.
    static let forgottenBatchesMax = 100
    static let forgottenChangesMax = 5_000
    /// The number of titles in one query for several people.
    static let lookUpTitlesMax = 100
    /// How long a transaction's changes to the state of titles for a person are remembered. Longer than callers cache
    /// an answer (a minute) and the longest transaction together; otherwise removals could not be told from additions.
    static let stateChangesKeptFor = Duration.seconds(600)
    /// The number of those that one statement deletes.
    static let stateChangesSweptMax = 5_000
}
