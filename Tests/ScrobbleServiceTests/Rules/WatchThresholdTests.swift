import Contracts
import Testing

@testable import ScrobbleService

@Suite struct WatchThresholdTests {
    @Test(
        "A play begins at the threshold",
        arguments: [(0, false), (79.999, false), (80, true), (80.001, true), (100, true)])
    func standard(progress: Double, isPlay: Bool) {
        #expect(WatchThreshold.standard.isPlay(progressPercent: progress) == isPlay)
    }

    @Test("Only films and episodes can be played", arguments: TitleKind.allCases)
    func kinds(kind: TitleKind) {
        #expect((PlayableKind(kind) != nil) == (kind == .movie || kind == .episode))
    }
}
