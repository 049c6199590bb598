import Contracts
import Testing

@testable import ScrobbleService

@Suite struct UndoRuleTests {
    private static let batch = BatchID(UUIDBits(high: 0, low: 1))
    private static let other = BatchID(UUIDBits(high: 0, low: 2))

    private static func touched(
        _ facet: LedgerFacet, was: Bool, from before: BatchID? = nil, is there: Bool = true, by now: BatchID?,
        others: Int = 0
    ) -> TouchedItem {
        TouchedItem(
            facet: facet, item: UUIDBits(high: 0, low: 9), list: nil, title: nil, wasThere: was, batchBefore: before,
            isThere: there, batchNow: now, others: others)
    }

    @Test(
        "What was there before, who wrote it last, and what undoing does",
        arguments: [
            (touched(.watchlist, was: false, by: batch), .erase), (touched(.watchlist, was: true, by: batch), .putBack),
            // Followed by a click, or by another batch.
            (touched(.watchlist, was: false, by: nil), .keepEdit),
            (touched(.watchlist, was: true, by: other), .keepEdit),
            (touched(.watchlist, was: false, is: false, by: nil), .nothing),
            // A play that another road reports too; one that the batch only reported; one that was edited since.
            (touched(.play, was: false, by: batch, others: 1), .keepShared),
            (touched(.play, was: true, from: other, by: other), .takeRoad),
            (touched(.play, was: true, from: nil, by: nil), .takeRoad),
            (touched(.play, was: true, from: other, by: nil), .keepEdit),
            (touched(.play, was: true, by: batch), .putBack),
            // A list with an item that another source added.
            (touched(.list, was: false, by: batch, others: 2), .keepShared),
            (touched(.list, was: false, by: batch), .erase),
        ] as [(TouchedItem, UndoVerdict)])
    func verdicts(item: TouchedItem, verdict: UndoVerdict) {
        #expect(UndoRule.verdict(on: item, undoing: Self.batch) == verdict)
    }

    @Test("A batch ends undone by every way there is, and never comes back")
    func states() {
        #expect(BatchState.allCases.filter { BatchState.undone.canBecome($0) }.isEmpty)
        #expect(BatchState.undoing.before == [.applying, .applied])
        #expect(BatchState.undone.before == [.planned, .undoing])
        #expect(BatchState.planned.before.isEmpty)
        for state in BatchState.allCases { #expect(!state.canBecome(state)) }
    }
}
