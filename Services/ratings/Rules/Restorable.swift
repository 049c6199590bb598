import Contracts
import JSON

/// A title that a batch has changed: what was before the batch, and who changed it last.
struct Restorable: Sendable, Hashable {
    /// The batch's first change of the title.
    let version: Int
    let title: TitleID
    let kind: TitleKind
    /// Nil where the title was not rated before.
    let rating: DecimalTenths?
    let review: String?
    let spoiler: Bool?
    let ratedAt: Timestamp?
    let given: GivenRating?
    let play: PlayID?
    /// The batch of the title's last change.
    let lastBatch: BatchID?
    /// The version of the rating that stands now, 0 for none.
    let expectedVersion: Int
    /// False where it is left to the next part: its review may be missing.
    let isWhole: Bool

    /// What undoing `batch` as `undo` does to the title.
    enum Verdict: Sendable, Hashable { case restore, restoredBefore, editedSince }

    func verdict(batch: BatchID, undo: BatchID) -> Verdict {
        switch lastBatch {
        case batch: .restore
        case undo: .restoredBefore
        default: .editedSince
        }
    }
}
