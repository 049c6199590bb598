import Contracts
import Testing

@testable import RatingsService

@Suite struct RatedAtTests {
    private static let now = Timestamp(clampingMicrosecondsSinceEpoch: 1_762_000_000_000_000)

    @Test("A rating without a date is of now")
    func absent() {
        #expect(RatedAt.accepted(nil, now: Self.now) == Self.now)
    }

    @Test("A date may lie five minutes ahead and no more", arguments: [(-1_000_000, true), (0, true), (300, true)])
    func near(seconds: Int, isAccepted: Bool) {
        let given = Self.now.advanced(by: .seconds(seconds))
        #expect(RatedAt.accepted(given, now: Self.now) == (isAccepted ? given : nil))
    }

    @Test("One microsecond beyond is refused")
    func beyond() {
        #expect(RatedAt.accepted(Self.now.advanced(by: .seconds(300) + .microseconds(1)), now: Self.now) == nil)
    }
}
