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
            // Nothing was watched, or Trakt would reject it.
            (.paused, 0.99, false, 80, nil), (.paused, 1, false, 80, .pause), (.paused, 79.99, false, 80, .pause),
            (.paused, 80, false, 80, nil), (.stopped, 0.5, false, 80, nil), (.stopped, 40, false, 80, .pause),
            (.stopped, 80, true, 80, .stop), (.stopped, 100, true, 80, .stop),
            // The connection's threshold is above the person's.
            (.stopped, 70, true, 90, .pause), (.stopped, 85, true, 90, nil), (.stopped, 90, true, 90, .stop),
            // The person's threshold is below the remote's.
            (.stopped, 60, true, 50, .addPlay),
            // The person's is above it: no play here, none there.
            (.stopped, 85, false, 80, nil),
        ] as [(PlaybackChange.Step, Double, Bool, Double, JobAction?)])
    func table(step: PlaybackChange.Step, progress: Double, isPlay: Bool, threshold: Double, action: JobAction?) {
        let policy = ConnectionPolicy(provider: .trakt, thresholdPercent: threshold)
        #expect(LivePlan.action(Self.change(step, progress, isPlay: isPlay), policy) == action)
    }

    @Test(
        "Simkl is told of a check-in, which it counts by itself, and of its early end whatever its place; Trakt of a sitting",
        arguments: [
            (PlaybackChange.Step.checkedIn, 0.0, false, false, JobAction.checkIn, JobAction.start),
            (.started, 10, false, false, .start, .start), (.paused, 0, false, false, .checkOut, nil),
            (.stopped, 40, false, false, .checkOut, .pause), (.stopped, 85, false, false, .checkOut, nil),
            // A play that the person marks ends the check-in there.
            (.stopped, 95, true, false, .stop, .stop), (.stopped, 60, true, false, .checkOut, .pause),
            // The check-in has run its course: it is already counted there, unless it never arrived.
            (.stopped, 100, true, true, nil, .stop), (.stopped, 100, true, false, .stop, .stop),
        ] as [(PlaybackChange.Step, Double, Bool, Bool, JobAction?, JobAction?)])
    func checkIns(
        step: PlaybackChange.Step, progress: Double, isPlay: Bool, isCounted: Bool, simkl: JobAction?, trakt: JobAction?
    ) {
        var change = Self.change(step, progress, isPlay: isPlay)
        change.wasCheckIn = step != .checkedIn
        change.countedBy = isCounted ? [.simkl] : []
        for (provider, action) in [(SyncProvider.simkl, simkl), (.trakt, trakt)] {
            let policy = ConnectionPolicy(provider: provider, thresholdPercent: 80)
            #expect(LivePlan.action(change, policy) == action, "\(provider)")
        }
    }

    @Test("A check-in that its person counts early ends at Simkl as watched, which would date it anew at its end")
    func countedEarly() {
        var change = Self.change(.stopped, 60, isPlay: true)
        change.wasCheckIn = true
        for (provider, action) in [(SyncProvider.simkl, JobAction.stop), (.trakt, .addPlay)] {
            let policy = ConnectionPolicy(provider: provider, thresholdPercent: 50)
            #expect(LivePlan.action(change, policy) == action, "\(provider)")
        }
    }

    @Test("A check-in is as long as its title, half a day at most; where nobody knows, as Simkl has it")
    func checkInLengths() {
        #expect(CheckIn.length(runtimeMinutes: 118, kind: .movie) == .seconds(118 * 60))
        #expect(CheckIn.length(runtimeMinutes: nil, kind: .movie) == .seconds(90 * 60))
        #expect(CheckIn.length(runtimeMinutes: 0, kind: .episode) == .seconds(45 * 60))
        #expect(CheckIn.length(runtimeMinutes: 100_000, kind: .movie) == .seconds(12 * 3_600))
        let start = Timestamp(clampingMicrosecondsSinceEpoch: 1_762_000_000_000_000)
        let end = start.advanced(by: .seconds(100))
        for (seconds, percent) in [(-5, 0.0), (0, 0), (25, 25), (100, 100), (500, 100)] {
            let now = start.advanced(by: .seconds(seconds))
            #expect(CheckIn.progressPercent(from: start, until: end, at: now) == percent)
        }
        #expect(CheckIn.progressPercent(from: end, until: end, at: start) == 100)
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
