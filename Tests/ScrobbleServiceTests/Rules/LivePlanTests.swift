import Contracts
import Testing

@testable import ScrobbleService

@Suite struct LivePlanTests {
    private static func change(_ step: PlaybackChange.Step, _ progress: Double, isPlay: Bool = false) -> PlaybackChange
    {
        PlaybackChange(
            step: step, user: UserID(UUIDBits(high: 1, low: 1)), session: PlaybackSessionID(UUIDBits(high: 1, low: 2)),
            title: TitleID(UUIDBits(high: 1, low: 3)), kind: .movie, progressPercent: progress,
            at: Timestamp(clampingMicrosecondsSinceEpoch: 1_762_000_000_000_000), isPlay: isPlay)
    }

    @Test(
        "What the other side is told",
        arguments: [
            (PlaybackChange.Step.started, 0.0, false, 80.0, JobAction.start), (.resumed, 85, false, 80, .start),
            // Nothing was watched, or Trakt would refuse it.
            (.paused, 0.99, false, 80, nil), (.paused, 1, false, 80, .pause), (.paused, 79.99, false, 80, .pause),
            (.paused, 80, false, 80, nil), (.stopped, 0.5, false, 80, nil), (.stopped, 40, false, 80, .pause),
            (.stopped, 80, true, 80, .stop), (.stopped, 100, true, 80, .stop),
            // The connection wants more than the person.
            (.stopped, 70, true, 90, .pause), (.stopped, 85, true, 90, nil), (.stopped, 90, true, 90, .stop),
            // The person's own threshold lies below that of the other side.
            (.stopped, 60, true, 50, .addPlay),
            // The person's lies above: no play here, none there.
            (.stopped, 85, false, 80, nil),
        ] as [(PlaybackChange.Step, Double, Bool, Double, JobAction?)])
    func table(step: PlaybackChange.Step, progress: Double, isPlay: Bool, threshold: Double, action: JobAction?) {
        let policy = ConnectionPolicy(provider: .trakt, thresholdPercent: threshold)
        #expect(LivePlan.action(Self.change(step, progress, isPlay: isPlay), policy) == action)
    }

    @Test("Nobody is told of a play below 1 %, of a pause above their threshold, or of two different plays as one")
    func fingerprints() {
        let policies = SyncProvider.allCases.map { ConnectionPolicy(provider: $0, thresholdPercent: 80) }
        let id = { UUIDBits(high: 9, low: 9) }
        let stopped = LivePlan.jobs(Self.change(.stopped, 90, isPlay: true), policies, id: id)
        #expect(stopped.map(\.lane.provider) == SyncProvider.allCases)
        #expect(Set(stopped.map(\.fingerprint)).count == 1, "once for each connection, however it is told")
        let started = LivePlan.jobs(Self.change(.started, 0), policies, id: id)
        #expect(Set(started.map(\.fingerprint)).isDisjoint(with: stopped.map(\.fingerprint)))
        #expect(stopped.allSatisfy { $0.urgency == .live && $0.payload.watchedAt != nil && $0.joinKey == nil })
    }

    @Test("A player may be silent until the end of the title and half an hour more")
    func patience() {
        #expect(SittingPatience.playing(progressPercent: 0, runtime: .seconds(7_200)) == .seconds(9_000))
        #expect(SittingPatience.playing(progressPercent: 50, runtime: .seconds(7_200)) == .seconds(5_400))
        #expect(SittingPatience.playing(progressPercent: 100, runtime: nil) == .seconds(1_800))
        #expect(SittingPatience.playing(progressPercent: 0, runtime: .seconds(1_000_000)) == .seconds(45_000))
    }
}
