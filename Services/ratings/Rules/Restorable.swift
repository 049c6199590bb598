import Contracts
import JSON

/// A title that a batch has changed: its state before the batch, and who changed it last.
struct Restorable: Sendable, Hashable {
    /// The version of the batch's first change of the title.
    let version: Int
    let title: TitleID
    let kind: TitleKind
    /// Nil if the title was not rated before.
    let rating: DecimalTenths?
    let review: String?
    let spoiler: Bool?
    let ratedAt: Timestamp?
    let given: GivenRating?
    let play: PlayID?
    /// The batch of the title's last change.
    let lastBatch: BatchID?
    /// The version of the current rating, 0 for none.
    let expectedVersion: Int
    /// False if it is left to the next part: its review may be missing.
    let isWhole: Bool

    /// The effect on the title of undoing `batch` as `undo`.
    enum Verdict: Sendable, Hashable { case restore, restoredBefore, editedSince }

    func verdict(batch: BatchID, undo: BatchID) -> Verdict {
        switch lastBatch {
        case batch: .restore
        case undo: .restoredBefore
        default: .editedSince
        }
    }
}
