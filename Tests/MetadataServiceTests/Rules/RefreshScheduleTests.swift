import TestSupport
import Testing

@testable import MetadataService

@Suite("When titles are due again")
struct RefreshScheduleTests {
    @Test("by age, by whether somebody rated it, and by demand")
    func intervals() {
        let day: Int64 = 86_400
        func interval(_ age: Int64?, rated: Bool = true, wanted: Bool = true) -> Int64 {
            RefreshSchedule.interval(
                .init(kind: .movie, releasedDay: age.map { 20_000 - $0 }, hasScore: rated, isWanted: wanted),
                today: 20_000) / day
        }
        #expect(
            [interval(-5), interval(0), interval(29), interval(30), interval(364), interval(365)] == [
                1, 1, 1, 7, 7, 30,
            ])
        #expect([interval(400, rated: false), interval(nil), interval(nil, rated: false)] == [7, 30, 7])
        #expect(interval(400, wanted: false) == 90)
        for seed in 0..<1_000 as Range<UInt64> {
            #expect((1_000...1_200).contains(RefreshSchedule.jittered(1_000, seed: seed &* 0x1234_5678_9abc_def1)))
        }
        #expect((1...8).map { RefreshSchedule.retry(attempt: $0) / 3_600 } == [1, 2, 4, 8, 16, 24, 24, 24])
    }

    @Test("a backlog of 100 000 titles drains in the order in which it is due, with no provider over its limit")
    func backlog() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        var due = (0..<100_000).map { _ in Int64.random(in: 0..<86_400_000_000, using: &random) }.sorted()
        let profiles = [ProviderProfile.tmdb, .omdb, .trakt, .tvmaze, .anidb]
        var lines = profiles.map {
            PaceLine(callsPerInterval: $0.pace.calls, interval: $0.pace.interval, dailyCallsMax: $0.pace.dailyCallsMax)
        }
        var calls = profiles.map { _ in [Int64]() }
        var now: Int64 = 86_400_000_000 * 20_000
        let start = now
        var worked: [Int64] = []
        due = due.map { start - 86_400_000_000 + $0 }
        // Titles are begun one after the other; each asks every provider that has a place for it within a minute.
        for title in due {
            var latest = now
            for index in lines.indices {
                let grant = lines[index].take(1, at: now, waitMicroseconds: 60_000_000, reserved: 0)
                guard grant.count == 1 else { continue }
                calls[index].append(grant.firstMicroseconds)
                latest = max(latest, grant.firstMicroseconds)
            }
            worked.append(title)
            // As many titles wait for places at once as one replica works.
            now = max(now, latest - 32 * lines[0].stepMicroseconds)
        }
        #expect(worked == worked.sorted(), "seed \(random.seed)")
        for (index, profile) in profiles.enumerated() {
            #expect(!calls[index].isEmpty)
            #expect(
                Self.peak(calls[index], within: profile.pace.interval.milliseconds * 1_000) <= profile.pace.calls,
                "\(profile.name)")
            if let daily = profile.pace.dailyCallsMax {
                let days = Dictionary(grouping: calls[index]) { $0 / 86_400_000_000 }
                #expect(days.values.allSatisfy { $0.count <= daily }, "\(profile.name)")
            }
        }
        #expect(calls[0].count == 100_000, "the fastest provider was asked about every title")
    }

    /// The most calls in any stretch of that length.
    static func peak(_ times: [Int64], within length: Int64) -> Int {
        var (first, peak) = (0, 0)
        for (index, time) in times.enumerated() {
            while time - times[first] >= length { first += 1 }
            peak = max(peak, index - first + 1)
        }
        return peak
    }

    @Test("places on the line never come closer than its pace, whoever takes how many and when")
    func line() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<200 {
            let perSecond = Int.random(in: 1...300, using: &random)
            var line = PaceLine(callsPerInterval: perSecond, interval: .seconds(1))
            var now: Int64 = 1_000_000_000
            var calls: [Int64] = []
            for _ in 0..<100 {
                now += Int64.random(in: 0...200_000, using: &random)
                let grant = line.take(
                    Int64.random(in: 1...40, using: &random), at: now,
                    waitMicroseconds: Int64.random(in: 0...500_000, using: &random))
                calls += (0..<grant.count).map { grant.firstMicroseconds + $0 * line.stepMicroseconds }
            }
            #expect(calls == calls.sorted())
            #expect(Self.peak(calls, within: 1_000_000) <= perSecond, "seed \(random.seed)")
        }
    }
}
