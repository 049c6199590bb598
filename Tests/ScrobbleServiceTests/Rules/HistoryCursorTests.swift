import Contracts
import Testing

@testable import ScrobbleService

@Suite struct HistoryCursorTests {
    private static let place = HistoryCursor(
        listedAt: Timestamp(clampingMicrosecondsSinceEpoch: 1_762_000_000_123_456),
        id: PlayID(UUIDBits(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_00b1)))

    @Test("A cursor reads back to the place that wrote it")
    func roundTrip() {
        #expect(HistoryCursor(Self.place.text) == Self.place)
        #expect(HistoryCursor(HistoryCursor.newest.text) == HistoryCursor.newest)
    }

    @Test(
        "Any other text is no cursor", arguments: ["", "bm9uc2Vuc2U", "a", "!!!!", String(repeating: "A", count: 200)])
    func junk(text: String) {
        #expect(HistoryCursor(text) == nil)
    }

    @Test("A cursor with one character changed is another place or none")
    func changed() {
        for index in Self.place.text.indices {
            var text = Self.place.text
            text.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(HistoryCursor(text) != Self.place)
        }
    }
}
